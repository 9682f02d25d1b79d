#!/usr/bin/env bash
# Prints the path of promtool, taken once out of Debian's prometheus package into the cache; nothing is installed.
set -euo pipefail
[ -z "${PROMTOOL:-}" ] || { echo "$PROMTOOL"; exit 0; }
! command -v promtool || exit 0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tenantry
promtool=$cache/bin/promtool
if [ ! -x "$promtool" ]; then
  command -v apt-get >/dev/null || { echo "promtool.sh: promtool is missing: install Prometheus, or name the program with PROMTOOL=" >&2; exit 1; }
  echo "==> fetching promtool (once)" >&2
  mkdir -p "$cache/bin"
  fresh=$(mktemp -d "$cache/.promtool-XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  cd "$fresh"
  # apt fetches as its own user where it may; the folder of root is closed to it, and it says so on standard error.
  fetch() { apt-get download prometheus >log 2>&1; }
  fetch || { apt-get update >>log 2>&1 && fetch; } || { cat log >&2; exit 1; }
  dpkg-deb -x prometheus_*.deb .
  mv usr/bin/promtool "$promtool"
fi
echo "$promtool"
