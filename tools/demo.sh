#!/usr/bin/env bash
# The main job on one machine: the example backend behind `tenantry-proxy standalone`, until Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."
demo=$PWD/.demo
stack_venv=$demo/venv
stack_binary=${CARGO_TARGET_DIR:-$PWD/target}/debug/tenantry-proxy
. tools/stack.sh

tools/venv.sh "$stack_venv" examples/incidents/requirements.txt
trap 'echo; echo "==> stopping"; stack_stop; echo "Everything is kept in .demo; \`make demo\` goes on from there, \`rm -r .demo\` forgets it."; trap - EXIT; exit 0' INT TERM
trap stack_stop EXIT
echo "==> starting the example backend and the proxy (their logs: .demo/backend.log, .demo/proxy.log)"
stack_start "$demo" "$@"

port=${https##*:}
cat <<TXT

Tenantry is running.

  In a browser:   https://tenantry.localhost:$port   (a certificate made for this machine: accept it once)
  Plain, for curl: http://localhost:${plain##*:}

  Sign in as admin@harborlights.example with the generated password: cat .demo/data/admin-harbor-lights.password
  or register an organization of your own.

Three things to try in another terminal:

  # 1. without a token the backend is closed
  curl -i http://localhost:${plain##*:}/api/incidents

  # 2. register an organization
  curl -X POST http://localhost:${plain##*:}/api/auth/register -H "Content-Type: application/json" \\
    -d '{"organization_name": "mini corp", "admin_email": "admin@minicorp.example", "admin_password": "demo-sensor-api-key", "admin_name": "Mini Corp Admin"}'

  # 3. log in, and see only that organization's incidents
  token=\$(curl -s -X POST http://localhost:${plain##*:}/api/auth/login -H "Content-Type: application/json" \\
    -d '{"email": "admin@minicorp.example", "password": "demo-sensor-api-key"}' | python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])')
  curl -H "Authorization: Bearer \$token" http://localhost:${plain##*:}/api/incidents

Ctrl-C ends it.
TXT
wait -n $stack_proxy $stack_backend || true
echo "One of the two ended by itself; the end of its log:" >&2
tail -n 5 "$demo/proxy.log" "$demo/backend.log" >&2
exit 1
