#!/usr/bin/env bash
# kubernetes.sh [PROGRAM...]: builds programs of the whole-system tests from source, once, outside the tree, in the versions of
# e2e/harness/kubernetes/go.mod: kube-apiserver, kube-controller-manager and kubectl, or those named; helm is another. Silent when
# they are there.
set -euo pipefail
cd "$(dirname "$0")/../e2e/harness/kubernetes"
version_of() { sed -n "s|^require $1 v||p" go.mod; }
version=$(version_of k8s.io/kubernetes)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tenantry/kubernetes-$version
[ $# -gt 0 ] || set -- kube-apiserver kube-controller-manager kubectl
# Helm has a version of its own, which its file is told by.
file() { case $1 in helm) echo "$cache/bin/helm-$(version_of helm.sh/helm/v4)" ;; *) echo "$cache/bin/$1" ;; esac; }
package() { case $1 in helm) echo helm.sh/helm/v4/cmd/helm ;; *) echo "k8s.io/kubernetes/cmd/$1" ;; esac; }
missing() { for program in "$@"; do [ -x "$(file "$program")" ] || echo "$program"; done; }
[ -n "$(missing "$@")" ] || exit 0

mkdir -p "$cache/bin"
exec 9>"$cache/lock"
flock -n 9 || { echo "==> another build of Kubernetes is under way; waiting for it"; flock 9; }
programs=($(missing "$@"))
[ ${#programs[@]} -gt 0 ] || exit 0
building=$(mktemp -d "$cache/building.XXXXXX")
trap 'rm -rf "$building"' EXIT
trap 'exit 130' INT TERM
echo "==> building ${programs[*]} from source, once: Kubernetes $version takes ten to twenty minutes on two cores, Helm alone two (kept in $cache)"
(while sleep 60 >/dev/null 2>&1; do echo "    Kubernetes is still building, $((SECONDS / 60)) min"; done) 9>&- &
ticker=$!
trap 'kill "$ticker" 2>/dev/null || true; rm -rf "$building"' EXIT

stamp=k8s.io/component-base/version
minor=${version#*.}
flags="-s -w -X $stamp.gitVersion=v$version -X $stamp.gitMajor=${version%%.*} -X $stamp.gitMinor=${minor%%.*} -X $stamp.gitTreeState=clean"
packages=()
for program in "${programs[@]}"; do packages+=("$(package "$program")"); done
# One build for all, so that what they share is compiled once; nobody will debug them.
# The compiler spends a tenth of its time collecting garbage that there is room for.
GOGC=800 CGO_ENABLED=0 go build -mod=readonly -trimpath -gcflags=all=-dwarf=false -ldflags "$flags" -o "$building/" "${packages[@]}"
for program in "${programs[@]}"; do mv -f "$building/$program" "$(file "$program")"; done
echo "==> built in $((SECONDS / 60)) min $((SECONDS % 60)) s"
