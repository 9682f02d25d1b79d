#!/usr/bin/env bash
# gobin.sh NAME PACKAGE VERSION: prints the path of a Go program, built once into the cache. The variable of its name wins: HELM=/usr/bin/helm.
set -euo pipefail
name=$1 package=$2 version=$3
mine=${name^^}
[ -z "${!mine:-}" ] || { echo "${!mine}"; exit 0; }
bin=${XDG_CACHE_HOME:-$HOME/.cache}/tenantry/bin
program=$bin/$name-$version
if [ ! -x "$program" ]; then
  command -v go >/dev/null || { echo "$name $version is built with Go, which is missing: install it from https://go.dev/dl, or name a $name with $mine=" >&2; exit 1; }
  echo "==> building $name $version (once)" >&2
  mkdir -p "$bin"
  # Built beside its place and moved: whoever waits for it never sees half of it.
  fresh=$(mktemp -d "$bin/.$name-XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  (cd "$fresh" && GOBIN=$fresh GOFLAGS='' GOWORK=off go install "$package@$version") >&2
  mv "$fresh/$name" "$program"
fi
echo "$program"
