#!/usr/bin/env bash
# The charts: lint, rendering, values that must be refused, alerts, Argo CD's health check.
# charts.sh --cluster KUBECONFIG shows every rendering to that API server instead (dry run; only the namespaces are made), with the kubectl
# that KUBECTL names. Never a cluster in use.
set -euo pipefail
cd "$(dirname "$0")/.."
shopt -s nullglob
helm=$(tools/helm.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "charts.sh: $*" >&2; exit 1; }
render() { "$helm" template tenantry "$@" --namespace tenantry-system; }
# The values that a chart is rendered with. One that takes none has one case.
cases() { local files=("$1"/ci/*.yaml); printf '%s\n' "${files[@]:-/dev/null}"; }

ask() { "${KUBECTL:-kubectl}" --kubeconfig "$cluster" --cache-dir "$work/kubectl" "$@"; }
show_to_cluster() {
  local chart values namespace more without=()
  # Kinds of the Prometheus Operator are shown only to a cluster that has it.
  ask get --raw /apis/monitoring.coreos.com >/dev/null 2>&1 ||
    without=(--set metrics.serviceMonitor.enabled=false --set metrics.prometheusRule.enabled=false)
  for chart in charts/*; do
    more=()
    [ "$chart" != charts/tenantry ] || more=("${without[@]}")
    for values in $(cases "$chart"); do
      render "$chart" --values "$values" "${more[@]}" >"$work/shown" || fail "$chart with $values is not rendered"
      # With this label the API server warns of whatever the restricted pod security standard forbids.
      for namespace in $(printf '%s\n' tenantry-system $(sed -n 's/^  namespace: //p' "$work/shown") | sort -u); do
        printf -- '---\napiVersion: v1\nkind: Namespace\nmetadata: { name: %s, labels: { pod-security.kubernetes.io/warn: restricted } }\n' "$namespace"
      done | ask apply --server-side --filename - >/dev/null || fail "the namespaces of $chart with $values"
      # On the server's side, or kubectl warns of definitions that were installed so.
      ask apply --server-side --force-conflicts --dry-run=server --validate=strict --filename "$work/shown" >"$work/answer" 2>&1 ||
        fail "$chart with $values: $(cat "$work/answer")"
      ! grep -i warning "$work/answer" >&2 || fail "the API server warns of what $chart renders with $values"
    done
  done
}

if [ "${1:-}" = --cluster ]; then
  cluster=$2
  show_to_cluster
  exit
fi

promtool=$(tools/promtool.sh)
glua=$(tools/glua.sh)
for chart in charts/*; do
  for values in $(cases "$chart"); do
    "$helm" lint --strict "$chart" --values "$values" >"$work/lint" 2>&1 || fail "$chart with $values: $(cat "$work/lint")"
    render "$chart" --values "$values" >"$work/once" || fail "$chart with $values is not rendered"
    render "$chart" --values "$values" >"$work/again"
    cmp -s "$work/once" "$work/again" || fail "$chart with $values renders differently each time"
  done
  ! render "$chart" --set unheardOf=true >/dev/null 2>&1 || fail "$chart takes a value that it does not know"
done

# A change of the configuration reaches the pods.
checksum() { render charts/tenantry "$@" | sed -n 's/^ *checksum\/config: //p'; }
[ "$(checksum)" != "$(checksum --set config.log=debug)" ] || fail "a changed configuration does not roll the pods"

# Without the webhook nothing of it is there; with it, its authority is the operator's to write.
! render charts/tenantry --set injection.enabled=false | grep -iE 'webhook|inject|9443' || fail "injection.enabled=false leaves that"
! render charts/tenantry --set authority.enabled=false | grep -iE 'authority:|networkpolicies|rolebindings,' || fail "authority.enabled=false leaves that"
! render charts/tenantry | grep -v '^ *#' | grep caBundle || fail "the chart writes caBundle"

refused() { ! render charts/tenantry "$@" >/dev/null 2>&1 || fail "this was not refused: $*"; }
refused --set config.worker=4
refused --set config.workers=many
refused --set config.resync=60
refused --set watchNamespaces=mini-xdr
refused --set image.digest=latest
refused --set injection.image.digest=latest
refused --set injection.enabled=yes
refused --set authority.image.digest=latest
refused --set authority.replicas=0
refused --set authority.certificateLasts=soon
refused --set-json 'injection={"resources": {"limits": {"memory": true}}}'
refused --set serviceAccount.create=false
refused --set-json 'nodeSelector={"a": true}'
refused --set-json 'podDisruptionBudget={"maxUnavailable": "half"}'

"$promtool" check rules charts/tenantry/files/alerts.yaml >"$work/rules" 2>&1 || fail "$(cat "$work/rules")"
"$promtool" test rules charts/tenantry/tests/alerts.yaml >"$work/rules" 2>&1 || fail "$(cat "$work/rules")"
# A runbook_url leads to a heading that is there.
sed -n 's/.*runbook_url: docs\/troubleshooting.md#//p' charts/tenantry/files/alerts.yaml | while read -r anchor; do
  sed -n 's/^##* //p' docs/troubleshooting.md | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9\n-' | grep -x -- "$anchor" >/dev/null || fail "docs/troubleshooting.md has no heading for #$anchor"
done
(cd charts/tenantry && "$glua" tests/argocd-health.lua) || fail "the health check for Argo CD"
