#!/usr/bin/env bash
# from-module.sh FOLDER MODULE@VERSION FILES...: takes files of a Go module, named as patterns from its root, once into this folder of the
# cache, and prints where that is. Nothing of the module runs.
set -euo pipefail
folder=${XDG_CACHE_HOME:-$HOME/.cache}/tenantry/$1
module=$2
shift 2
if [ ! -d "$folder" ]; then
  mkdir -p "$(dirname "$folder")"
  echo "==> fetching $module (once)" >&2
  root=$(cd / && GOFLAGS='' GOWORK=off go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  # Moved into its place, so that nobody sees half of it; another may have been faster.
  fresh=$(mktemp -d "$folder.XXXXXX")
  for files in "$@"; do
    # A pattern, which is to be one here.
    cp "$root"/$files "$fresh"
  done
  chmod -R u+w,go+rX "$fresh"
  mv -T "$fresh" "$folder" 2>/dev/null || rm -rf "$fresh"
fi
echo "$folder"
