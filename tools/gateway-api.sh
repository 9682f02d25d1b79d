#!/usr/bin/env bash
# Prints the folder of the Gateway API's definitions.
set -euo pipefail
version=1.4.0
exec "$(dirname "$0")/from-module.sh" "gateway-api-$version" "sigs.k8s.io/gateway-api@v$version" \
  'config/crd/standard/gateway.networking.k8s.io_*.yaml'
