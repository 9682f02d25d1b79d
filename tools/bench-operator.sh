#!/usr/bin/env bash
# Measures the operator against the same writes without it; ORGANIZATIONS says with how many (default 10000), PROFILE with which
# profile of cargo both are built (default bench-operator, close to a release).
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${PROFILE:-bench-operator}
tools/kubernetes.sh
cargo build --profile "$profile" --package tenantry-operator --package tenantry-bench
exec "${CARGO_TARGET_DIR:-target}/${profile/#dev/debug}/bench-operator"
