#!/usr/bin/env bash
# Installs what stands in for AWS in tests, once, outside the tree: moto (Secrets Manager) and ministack (IAM), each from
# PyPI in an environment of its own, in the versions of e2e/harness/python. Silent when they are there.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tenantry
mkdir -p "$cache"
exec 9>"$cache/moto.lock"
flock 9
for name in moto ministack; do
  requirements=e2e/harness/python/$name.txt
  tools/venv.sh "$cache/$name-$(sed -n "s/^$name==//p" "$requirements")" "$requirements"
done
