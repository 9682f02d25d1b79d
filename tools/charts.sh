#!/usr/bin/env bash
# The charts: lint, rendering, values that must be refused, alerts, Argo CD's health check.
# With --cluster KUBECONFIG each rendering is shown to that API server too (dry run; only the namespaces are made). Never a cluster in use.
set -euo pipefail
cd "$(dirname "$0")/.."
cluster=
[ "${1:-}" != --cluster ] || cluster=$2
helm=$(tools/helm.sh)
promtool=$(tools/promtool.sh)
glua=$(tools/glua.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "charts.sh: $*" >&2; exit 1; }
render() { "$helm" template tenantry "$@" --namespace tenantry-system; }

show_to_cluster() {
  local namespace
  for namespace in $(printf '%s\n' tenantry-system $(sed -n 's/^  namespace: //p' "$1") | sort -u); do
    # With this label the API server warns of whatever the restricted pod security standard forbids.
    kubectl --kubeconfig "$cluster" create namespace "$namespace" --dry-run=client --output yaml | kubectl --kubeconfig "$cluster" apply --filename - >/dev/null
    kubectl --kubeconfig "$cluster" label --overwrite namespace "$namespace" pod-security.kubernetes.io/warn=restricted >/dev/null
  done
  kubectl --kubeconfig "$cluster" apply --dry-run=server --validate=strict --filename "$1" >"$work/answer" 2>&1 || fail "$(cat "$work/answer")"
  ! grep -i warning "$work/answer" || fail "the API server warns of what $chart renders with $values"
}

shopt -s nullglob
for chart in charts/*/; do
  chart=${chart%/}
  cases=("$chart"/ci/*.yaml)
  # A chart without values has one case.
  for values in "${cases[@]:-/dev/null}"; do
    "$helm" lint --strict "$chart" --values "$values" >"$work/lint" 2>&1 || fail "$chart with $values: $(cat "$work/lint")"
    render "$chart" --values "$values" >"$work/once" || fail "$chart with $values is not rendered"
    render "$chart" --values "$values" >"$work/again"
    cmp -s "$work/once" "$work/again" || fail "$chart with $values renders differently each time"
    if [ -n "$cluster" ]; then
      without=()
      # Kinds of the Prometheus Operator are shown only to a cluster that has it.
      kubectl --kubeconfig "$cluster" get --raw /apis/monitoring.coreos.com >/dev/null 2>&1 || [ "$chart" != charts/tenantry ] ||
        without=(--set metrics.serviceMonitor.enabled=false --set metrics.prometheusRule.enabled=false)
      render "$chart" --values "$values" "${without[@]}" >"$work/shown"
      show_to_cluster "$work/shown"
    fi
  done
  ! render "$chart" --set unheardOf=true >/dev/null 2>&1 || fail "$chart takes a value that it does not know"
done

# A change of the configuration reaches the pods.
checksum() { render charts/tenantry "$@" | sed -n 's/^ *checksum\/config: //p'; }
[ "$(checksum)" != "$(checksum --set config.log=debug)" ] || fail "a changed configuration does not roll the pods"

refused() { ! render charts/tenantry "$@" >/dev/null 2>&1 || fail "this was not refused: $*"; }
refused --set config.worker=4
refused --set config.workers=many
refused --set config.resync=60
refused --set watchNamespaces=mini-xdr
refused --set image.digest=latest
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
