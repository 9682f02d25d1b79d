#!/usr/bin/env bash
# Prints the path of glua, the Lua that Argo CD runs health checks with.
exec "$(dirname "$0")/gobin.sh" glua github.com/yuin/gopher-lua/cmd/glua v1.1.2
