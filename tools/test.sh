#!/usr/bin/env bash
# Every test: the crates', the example backend's, then the documentation's commands and a real browser against a
# stand-alone that is really started.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
stack_venv=$PWD/.venv
stack_binary=${CARGO_TARGET_DIR:-$PWD/target}/debug/tenantry-proxy
. tools/stack.sh
finish() { stack_stop; rm -rf "$work"; }
trap finish EXIT
trap 'exit 130' INT TERM
part() { printf '\n==> %s (%d min %02d s so far)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }

part "building"
cargo build --workspace --all-targets
part "tests of the crates"
tools/moto.sh
# The whole system has a target of its own, `make e2e`.
cargo test --workspace --exclude tenantry-e2e --no-fail-fast

part "tests of the example backend"
tools/venv.sh "$stack_venv" examples/incidents/requirements-dev.txt
(cd examples/incidents && "$stack_venv/bin/python" -m pytest -q)

part "commands of the documentation"
stack_start_anywhere "$work/docs"
python3 tools/docs.py --binary "$stack_binary" --https "$https" --plain "$plain" README.md docs/*.md
stack_stop

part "a real browser"
(cd e2e/browser && npm ci --silent --no-audit --no-fund)
stack_start_anywhere "$work/browser"
(cd e2e/browser && BASE_URL="https://tenantry.localhost:${https##*:}" PLAIN_URL="http://localhost:${plain##*:}" \
  SCREENSHOTS="${SCREENSHOTS:-$work/screenshots}" npm test)
stack_stop
part "done"
