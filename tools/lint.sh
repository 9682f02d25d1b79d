#!/usr/bin/env bash
# Formatting, lints, walls between the crates, licences, shell syntax, charts.
set -euo pipefail
cd "$(dirname "$0")/.."
echo "==> formatting"
cargo fmt --all -- --check
echo "==> lints"
cargo clippy --workspace --all-targets --quiet -- -D warnings
echo "==> shell scripts"
for script in tools/*.sh .ci/run; do bash -n "$script"; done
echo "==> charts"
tools/charts.sh
echo "==> dependencies: walls, licences, sources"
if ! cargo deny --version >/dev/null 2>&1; then
  echo "==> installing cargo-deny (once, about three minutes)"
  cargo install cargo-deny --locked --quiet
fi
cargo deny --log-level error check bans licenses sources
