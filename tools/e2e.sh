#!/usr/bin/env bash
# The whole system: operator and proxy against a real control plane, PostgreSQL, Redis and a secrets endpoint. "endurance" runs what
# takes minutes by itself, "argocd" what needs a whole Argo CD, and otherwise everything else.
# With KUBECONFIG set, the tests use that cluster instead of starting one.
set -euo pipefail
cd "$(dirname "$0")/.."
part() { printf '\n==> %s (%d min %02d s so far)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }

part "building"
# Each in a process group of its own, which goes with this one. What is written in Rust comes first: its crates wait for each other,
# and the control plane is built in the gaps.
set -m
nice -n 10 tools/kubernetes.sh kube-apiserver kube-controller-manager kubectl helm &
kubernetes=$!
(
  tools/glua.sh
  tools/argocd.sh
  case ${1:-} in
    argocd) nice -n 10 tools/argocd-server.sh ;;
    *) tools/moto.sh; tools/gateway-api.sh ;;
  esac
) >/dev/null &
others=$!
set +m
trap 'for group in $kubernetes $others; do kill -- "-$group" 2>/dev/null || true; done' EXIT
trap 'exit 130' INT TERM
# As `make test` selects and so builds them, lest every crate be built once more with fewer features.
cargo build --workspace --bin tenantry-operator --bin tenantry-proxy --bin tenantry-gate --bin control-plane --test cluster
part "waiting for the control plane"
wait "$others"
wait "$kubernetes"
trap - EXIT INT TERM

part "tests of the whole system"
# Most of them wait most of the time: for a Lease to run out, for a store to come back.
case ${1:-} in
  endurance) which=(endurance::) ;;
  argocd) which=(argocd::) ;;
  *) which=(--skip endurance:: --skip argocd::) ;;
esac
cargo test --workspace --test cluster --no-fail-fast -- --test-threads=$((3 * $(nproc))) "${which[@]}"
part "done"
