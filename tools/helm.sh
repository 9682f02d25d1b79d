#!/usr/bin/env bash
# Prints the path of helm; building it takes about two minutes, once. The variable HELM wins.
set -euo pipefail
here=$(dirname "$0")
[ -z "${HELM:-}" ] || { echo "$HELM"; exit 0; }
"$here/kubernetes.sh" helm >&2
modules=$here/../e2e/harness/kubernetes/go.mod
version() { sed -n "s|^require $1 v||p" "$modules"; }
echo "${XDG_CACHE_HOME:-$HOME/.cache}/tenantry/kubernetes-$(version k8s.io/kubernetes)/bin/helm-$(version helm.sh/helm/v4)"
