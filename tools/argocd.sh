#!/usr/bin/env bash
# Prints the folder of Argo CD's definitions, Application, AppProject and ApplicationSet (56 MB, once).
set -euo pipefail
version=3.5.7
exec "$(dirname "$0")/from-module.sh" "argocd-$version/crds" "github.com/argoproj/argo-cd/v3@v$version" 'manifests/crds/*-crd.yaml'
