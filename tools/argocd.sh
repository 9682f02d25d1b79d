#!/usr/bin/env bash
# Prints the path of Argo CD's definition of an Application, taken once out of its Go module into the cache; nothing of it runs.
set -euo pipefail
version=3.5.7
file=${XDG_CACHE_HOME:-$HOME/.cache}/tenantry/argocd-$version/application-crd.yaml
if [ ! -s "$file" ]; then
  echo "==> fetching the definition of Argo CD's Application (once, 56 MB)" >&2
  mkdir -p "$(dirname "$file")"
  module=$(cd / && GOFLAGS='' GOWORK=off go mod download -json "github.com/argoproj/argo-cd/v3@v$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  # Moved into its place, so that nobody sees half of it.
  fresh=$(mktemp "$file.XXXXXX")
  cp "$module/manifests/crds/application-crd.yaml" "$fresh"
  mv "$fresh" "$file"
fi
echo "$file"
