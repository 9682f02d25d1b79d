#!/usr/bin/env bash
# Prints the path of the folder with the programs of Argo CD, built once from its Go module into the cache: argocd, which is its
# application-controller and repo-server too, and git-verify-wrapper.sh, which the repo-server looks for on its PATH.
set -euo pipefail
version=3.5.7
# What its go.mod takes from a folder beside it, which a module does not carry: the commit of that folder in the release.
engine=v0.0.0-20260914071520-c9c369efcc5b
bin=${XDG_CACHE_HOME:-$HOME/.cache}/tenantry/argocd-$version/bin
[ ! -x "$bin/argocd" ] || { echo "$bin"; exit 0; }
mkdir -p "${bin%/bin}"
exec 9>"${bin%/bin}/lock"
flock -n 9 || { echo "==> another build of Argo CD is under way; waiting for it" >&2; flock 9; }
[ ! -x "$bin/argocd" ] || { echo "$bin"; exit 0; }

echo "==> building Argo CD $version from source, once: ten to fifteen minutes on two cores (kept in $bin)" >&2
fresh=$(mktemp -d "$bin.XXXXXX")
(while sleep 60 >/dev/null 2>&1; do echo "    Argo CD is still building, $((SECONDS / 60)) min" >&2; done) 9>&- &
ticker=$!
trap 'kill "$ticker" 2>/dev/null || true; rm -rf "$fresh"' EXIT
trap 'exit 130' INT TERM
export GOFLAGS='' GOWORK=off
module=$(cd / && go mod download -json "github.com/argoproj/argo-cd/v3@v$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
# Its own versions and sums, and not those that a module of ours would be resolved to.
install -m 644 "$module/go.mod" "$module/go.sum" "$fresh/"
go mod edit -replace "github.com/argoproj/argo-cd/gitops-engine=github.com/argoproj/argo-cd/gitops-engine@$engine" "$fresh/go.mod"
GOGC=400 CGO_ENABLED=0 go build -C "$module" -modfile="$fresh/go.mod" -mod=mod -trimpath -gcflags=all=-dwarf=false \
  -ldflags "-s -w -X github.com/argoproj/argo-cd/v3/common.version=$version" -o "$fresh/argocd" ./cmd >&2
install -m 755 "$module/hack/git-verify-wrapper.sh" "$fresh/"
rm "$fresh/go.mod" "$fresh/go.sum"
mv -T "$fresh" "$bin"
echo "==> built in $((SECONDS / 60)) min $((SECONDS % 60)) s" >&2
echo "$bin"
