#!/usr/bin/env bash
# Builds the control plane of the whole-system tests from source, once, outside the tree: kube-apiserver,
# kube-controller-manager and kubectl of the version in e2e/harness/kubernetes/go.mod. Silent when they are there.
set -euo pipefail
cd "$(dirname "$0")/../e2e/harness/kubernetes"
version=$(sed -n 's/^require k8s.io\/kubernetes v//p' go.mod)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tenantry/kubernetes-$version
programs=(kube-apiserver kube-controller-manager kubectl)
complete() { for program in "${programs[@]}"; do [ -x "$cache/bin/$program" ] || return 1; done; }
complete && exit 0

mkdir -p "$cache/bin"
exec 9>"$cache/lock"
flock -n 9 || { echo "==> another build of Kubernetes is under way; waiting for it"; flock 9; }
complete && exit 0
building=$(mktemp -d "$cache/building.XXXXXX")
trap 'rm -rf "$building"' EXIT
trap 'exit 130' INT TERM
echo "==> building Kubernetes $version from source (about seven minutes the first time, kept in $cache)"
(while sleep 60 >/dev/null 2>&1; do echo "    still building, $((SECONDS / 60)) min"; done) 9>&- &
ticker=$!
trap 'kill "$ticker" 2>/dev/null || true; rm -rf "$building"' EXIT

stamp=k8s.io/component-base/version
minor=${version#*.}
flags="-s -w -X $stamp.gitVersion=v$version -X $stamp.gitMajor=${version%%.*} -X $stamp.gitMinor=${minor%%.*} -X $stamp.gitTreeState=clean"
# One build for all, so that what they share is compiled once.
CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags "$flags" -o "$building/" "${programs[@]/#/k8s.io/kubernetes/cmd/}"
mv -f "$building"/* "$cache/bin/"
echo "==> built in $((SECONDS / 60)) min $((SECONDS % 60)) s"
