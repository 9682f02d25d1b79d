#!/usr/bin/env bash
# Makes sure that what a target needs is there: need.sh rust|go|python|node|postgresql|redis|etcd|moto|helm|promtool|...
# On Debian and its kin it installs with apt (as root or through sudo); elsewhere it says what is missing and how to get it.
set -euo pipefail

missing=() hints=()
want() { missing+=("$1"); hints+=("$2"); }
has() { command -v "$1" >/dev/null 2>&1; }

# A chromium that is only a snap wrapper cannot be driven; the packaged binary can.
for need in "$@"; do
  case "$need" in
    rust)
      has cargo || { echo "cargo is missing: install Rust 1.95 or newer from https://rustup.rs" >&2; exit 1; }
      has cc || want gcc "a C compiler"
      has cmake || want cmake "CMake (builds the cryptography library)"
      ;;
    go)
      # From 1.21 on, Go fetches the toolchain that a module asks for.
      [[ $(go version 2>/dev/null) =~ go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 21 ] || {
        echo "go is missing or too old: install Go 1.26 or newer from https://go.dev/dl" >&2
        exit 1
      }
      ;;
    helm | promtool) "$(dirname "$0")/$need.sh" >/dev/null ;;
    etcd) has etcd || want etcd-server "etcd 3.4 or newer" ;;
    redis)
      has redis-server || want redis-server "Redis 7 or newer, built with TLS"
      has redis-cli || want redis-tools "redis-cli"
      ;;
    # moto comes from PyPI into an environment of its own, which is all that it needs here.
    python | moto) python3 -c 'import ensurepip, venv' 2>/dev/null || want python3-venv "Python 3.11 or newer with venv" ;;
    node) has npm || want npm "Node.js 20 or newer with npm" ;;
    postgresql) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || has initdb || want postgresql "PostgreSQL 15 or newer (server)" ;;
    sqlite) has sqlite3 || want sqlite3 "the sqlite3 command" ;;
    curl | git | openssl) has "$need" || want "$need" "$need" ;;
    buildah) has buildah || want buildah "buildah 1.28 or newer" ;;
    chromium)
      has chromium || want chromium "Chromium"
      fc-list 2>/dev/null | grep -q . || want fonts-dejavu "a font for Chromium"
      ;;
    *) echo "need.sh: unknown: $need" >&2; exit 2 ;;
  esac
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! has apt-get; then
  echo "This system has no apt. Please install, then try again:" >&2
  printf '  - %s\n' "${hints[@]}" >&2
  exit 1
fi
sudo=()
if [ "$(id -u)" -ne 0 ]; then
  has sudo || { echo "Please install as root, then try again: apt-get install ${missing[*]}" >&2; exit 1; }
  sudo=(sudo)
fi
echo "==> installing with apt: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() { "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; }
# A machine's package lists may be old or absent; they are fetched once and the install tried again.
install || { "${sudo[@]}" apt-get update >"$log" 2>&1 && install; } || { cat "$log" >&2; exit 1; }
