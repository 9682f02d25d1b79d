#!/usr/bin/env bash
# Prints the folder with the definitions of the Gateway API, taken once out of its Go module into the cache; nothing of it runs.
set -euo pipefail
version=1.4.0
folder=${XDG_CACHE_HOME:-$HOME/.cache}/tenantry/gateway-api-$version
if [ ! -d "$folder" ]; then
  echo "==> fetching the definitions of the Gateway API (once)" >&2
  mkdir -p "$(dirname "$folder")"
  module=$(cd / && GOFLAGS='' GOWORK=off go mod download -json "sigs.k8s.io/gateway-api@v$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  # Moved into its place, so that nobody sees half of it.
  fresh=$(mktemp -d "$folder.XXXXXX")
  cp "$module"/config/crd/standard/gateway.networking.k8s.io_*.yaml "$fresh"
  chmod 755 "$fresh"
  mv -T "$fresh" "$folder" 2>/dev/null || rm -rf "$fresh"
fi
echo "$folder"
