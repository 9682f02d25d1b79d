#!/usr/bin/env bash
# Starts the example backend and `tenantry-proxy standalone` in front of it, for demo.sh and test.sh to source.
#   stack_start FOLDER [tenantry-proxy arguments ...]   sets $backend, $https, $plain, $admin
#   stack_stop                                          ends both, in order
stack_proxy="" stack_backend=""

stack_wait() { # stack_wait SECONDS PID COMMAND...: until the command succeeds, or the process is gone
  local until=$((SECONDS + $1)) pid=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || return 1
    [ $SECONDS -lt $until ] || return 1
    sleep 0.1
  done
}

stack_start() {
  local folder=$1
  shift
  mkdir -p "$folder"
  rm -f "$folder/backend.port"
  (
    cd examples/incidents
    TENANTRY_ASSERTION_JWKS="$folder/data/assertion/jwks.json" INCIDENTS_DATABASE="$folder/incidents.db" PYTHONUNBUFFERED=1 \
      exec "$stack_venv/bin/python" -m incidents --port 0 --port-file "$folder/backend.port"
  ) >"$folder/backend.log" 2>&1 &
  stack_backend=$!
  stack_wait 30 $stack_backend test -s "$folder/backend.port" || {
    echo "The example backend did not start; its log:" >&2
    cat "$folder/backend.log" >&2
    return 1
  }
  backend="http://127.0.0.1:$(cat "$folder/backend.port")"
  rm -f "$folder/data/addresses.json"
  "$stack_binary" standalone --manifests examples/incidents/manifests --data "$folder/data" --upstream "$backend" "$@" \
    >"$folder/proxy.log" 2>&1 &
  stack_proxy=$!
  stack_wait 30 $stack_proxy test -s "$folder/data/addresses.json" || {
    echo "tenantry-proxy did not start:" >&2
    cat "$folder/proxy.log" >&2
    return 1
  }
  read -r https plain admin < <(python3 - "$folder/data/addresses.json" <<'PY'
import json, sys
addresses = json.load(open(sys.argv[1]))
first = lambda value: value[0] if isinstance(value, list) else value
print(*(first(addresses[name]) for name in ("https", "plain", "admin")))
PY
  )
  stack_wait 30 $stack_proxy curl -fsS "http://$admin/readyz" || {
    echo "tenantry-proxy did not become ready:" >&2
    cat "$folder/proxy.log" >&2
    return 1
  }
}

# A port that was free a moment ago: the public URL must name the port that browsers use.
stack_free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# stack_start_anywhere FOLDER: as stack_start, on free ports.
stack_start_anywhere() {
  local port
  port=$(stack_free_port)
  stack_start "$1" --listen "127.0.0.1:$port" --public-url "https://tenantry.localhost:$port" --plain 127.0.0.1:0 --admin 127.0.0.1:0
}

stack_stop() {
  local pid
  for pid in $stack_proxy $stack_backend; do
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  stack_proxy="" stack_backend=""
}
