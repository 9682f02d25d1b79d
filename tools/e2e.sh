#!/usr/bin/env bash
# The whole system: operator and proxy against a real control plane, PostgreSQL, Redis and a secrets endpoint.
# With KUBECONFIG set, the tests use that cluster instead of starting one.
set -euo pipefail
cd "$(dirname "$0")/.."
part() { printf '\n==> %s (%d min %02d s so far)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }

tools/kubernetes.sh
tools/moto.sh
for tool in glua argocd; do "tools/$tool.sh" >/dev/null; done
part "building"
cargo build --package tenantry-operator --package tenantry-proxy
cargo test --package tenantry-e2e --no-run
part "tests of the whole system"
# Most of them wait most of the time: for a Lease to run out, for a store to come back.
cargo test --package tenantry-e2e --no-fail-fast -- --test-threads=$((2 * $(nproc)))
part "done"
