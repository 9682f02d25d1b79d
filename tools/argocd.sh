#!/usr/bin/env bash
# Prints the folder of Argo CD's definitions, Application, AppProject and ApplicationSet, taken once out of its Go module into the cache;
# nothing of it runs.
set -euo pipefail
version=3.5.7
folder=${XDG_CACHE_HOME:-$HOME/.cache}/tenantry/argocd-$version/crds
if [ ! -d "$folder" ]; then
  echo "==> fetching the definitions of Argo CD (once, 56 MB)" >&2
  mkdir -p "${folder%/crds}"
  module=$(cd / && GOFLAGS='' GOWORK=off go mod download -json "github.com/argoproj/argo-cd/v3@v$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  # Moved into its place, so that nobody sees half of it; another may have been faster.
  fresh=$(mktemp -d "$folder.XXXXXX")
  cp "$module"/manifests/crds/*-crd.yaml "$fresh"
  chmod -R u+w,go+rX "$fresh"
  mv -T "$fresh" "$folder" 2>/dev/null || rm -rf "$fresh"
fi
echo "$folder"
