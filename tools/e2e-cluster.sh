#!/usr/bin/env bash
# The whole story where pods really run: images, a database, a cluster, then e2e/cluster/tests/node.
#   KUBECONFIG and E2E_LOAD   a cluster to throw away, and the command that its nodes get an image archive by, such as
#                             E2E_LOAD="kind load image-archive"; what the tests make stays there to be looked at
#   E2E_NODE                  or a folder with tier2.sh up|down|env|exec|import: a node that is brought up for this and taken down again
# and the database, PostgreSQL over TLS, as pods reach it:
#   E2E_DATABASE_HOST         an address of this machine, for a server that is started here for this (with E2E_NODE not needed)
#   E2E_DATABASE_URL, E2E_DATABASE_CA   or one that stands, with an empty database, and the file of its certificate's authority
# PROFILE=release tests the images as they are shipped. E2E_TESTS=replaced chooses among the tests.
set -euo pipefail
cd "$(dirname "$0")/.."
part() { printf '\n==> %s (%d min %02d s so far)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }
fail() { echo "e2e-cluster: $1" >&2; exit 1; }

work=$(mktemp -d)
# User postgres has to get through.
chmod 755 "$work"
node= database=
finish() {
  local status=$?
  # What ends this ends once.
  trap '' INT TERM
  [ -z "$database" ] || as_postgres "$postgres/pg_ctl" -D "$work/database/data" -m immediate stop >/dev/null || true
  [ -z "$node" ] || { echo "==> taking the node down"; "$node" down || true; }
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

if [ -n "${E2E_NODE:-}" ]; then
  [ -x "$E2E_NODE/tier2.sh" ] || fail "E2E_NODE=$E2E_NODE has no tier2.sh"
  # Others may have one up.
  export STATE=$work/node NS=tenantry-e2e-$$ NODE_IP=${NODE_IP:-10.88.0.2}
  E2E_DATABASE_HOST=${E2E_DATABASE_HOST:-$NODE_IP}
  # A command where the node's addresses are reached.
  there() { "$E2E_NODE/tier2.sh" exec "$@"; }
  load() { "$E2E_NODE/tier2.sh" import "$1"; }
elif [ -n "${KUBECONFIG:-}" ] && [ -n "${E2E_LOAD:-}" ]; then
  there() { "$@"; }
  # It may have arguments.
  load() { $E2E_LOAD "$1"; }
else
  fail "name a cluster whose pods run: KUBECONFIG and E2E_LOAD, such as
  kind create cluster && KUBECONFIG=~/.kube/config E2E_LOAD='kind load image-archive' make e2e-cluster
CONTRIBUTING.md has all of it."
fi
if [ -n "${E2E_DATABASE_URL:-}" ]; then
  [ -s "${E2E_DATABASE_CA:-}" ] || fail "E2E_DATABASE_URL is set: put the file of its certificate's authority into E2E_DATABASE_CA"
elif [ -z "${E2E_DATABASE_HOST:-}" ]; then
  fail "name the database: E2E_DATABASE_HOST, an address of this machine that pods reach, or E2E_DATABASE_URL and E2E_DATABASE_CA"
fi

part "images"
PROFILE=${PROFILE:-dev} SAVE=$work/images tools/images.sh
SAVE=$work/images tools/incidents-image.sh
part "tests and their tools"
command -v kubectl >/dev/null || tools/kubernetes.sh kubectl
export HELM
HELM=$(tools/helm.sh)
cargo test --package tenantry-e2e --test node --no-run

if [ -n "${E2E_NODE:-}" ]; then
  part "a node"
  node=$E2E_NODE/tier2.sh
  "$node" up
  eval "$("$node" env)"
fi

as_postgres() { if [ "$(id -u)" = 0 ]; then there setpriv --reuid postgres --regid postgres --init-groups "$@"; else there "$@"; fi; }
# A server with an empty database and the user of docs/database.md.
start_database() {
  local folder=$work/database password port key
  postgres=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
  mkdir "$folder"
  password=$(openssl rand -hex 16)
  port=$(there python3 -c 'import socket, sys; s = socket.socket(); s.bind((sys.argv[1], 0)); print(s.getsockname()[1])' "$E2E_DATABASE_HOST")
  key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
  openssl req -x509 "${key[@]}" -days 2 -subj "/CN=database of this test" -addext keyUsage=critical,keyCertSign \
    -keyout "$folder/ca.key" -out "$folder/ca.pem"
  openssl req "${key[@]}" -subj /CN=database -keyout "$folder/server.key" -out "$folder/server.csr"
  openssl x509 -req -in "$folder/server.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -CAcreateserial -days 2 -out "$folder/server.crt" \
    -extfile <(echo "subjectAltName=IP:$E2E_DATABASE_HOST") 2>/dev/null
  echo "$password" >"$folder/password"
  [ "$(id -u)" != 0 ] || chown -R postgres "$folder"
  (
    cd "$folder"
    as_postgres "$postgres/initdb" -D "$folder/data" -U postgres -A scram-sha-256 --pwfile "$folder/password" --no-sync >/dev/null
    echo "hostssl all all all scram-sha-256" >"$folder/data/pg_hba.conf"
    as_postgres "$postgres/pg_ctl" -D "$folder/data" -l "$folder/log" -w start -o "-p $port -c listen_addresses=$E2E_DATABASE_HOST \
      -c unix_socket_directories= -c ssl=on -c ssl_cert_file=$folder/server.crt -c ssl_key_file=$folder/server.key -c fsync=off" >/dev/null ||
      { cat "$folder/log" >&2; exit 1; }
  )
  database=$folder/data
  local place=$E2E_DATABASE_HOST:$port verified="sslmode=verify-full&sslrootcert=$folder/ca.pem"
  there "$postgres/psql" -qX -v ON_ERROR_STOP=1 "postgres://postgres:$password@$place/postgres?$verified" -c "CREATE DATABASE mini_xdr"
  there "$postgres/psql" -qX -v ON_ERROR_STOP=1 "postgres://postgres:$password@$place/mini_xdr?$verified" <<SQL
CREATE ROLE tenantry LOGIN PASSWORD '$password';
CREATE SCHEMA tenantry AUTHORIZATION tenantry;
GRANT USAGE, CREATE ON SCHEMA public TO tenantry;
SQL
  export E2E_DATABASE_URL=postgres://tenantry:$password@$place/mini_xdr E2E_DATABASE_CA=$folder/ca.pem
}
if [ -z "${E2E_DATABASE_URL:-}" ]; then
  part "a database at $E2E_DATABASE_HOST"
  start_database
fi
export E2E_DATABASE_URL E2E_DATABASE_CA

part "images go to the nodes"
for image in operator proxy gate incidents; do load "$work/images/tenantry-$image.tar"; done

part "tests where pods run"
# One after the other, as they have one cluster; and what they tell is told.
there cargo test --quiet --package tenantry-e2e --test node -- --ignored --nocapture --test-threads=1 ${E2E_TESTS:-} || {
  there kubectl get pods --all-namespaces --output wide >&2 || true
  there kubectl get events --all-namespaces --sort-by=.lastTimestamp >&2 || true
  for of in tenantry-system/tenantry-operator mini-xdr/mini-xdr-authority mini-xdr/mini-xdr; do
    echo "==> the end of what $of told" >&2
    there kubectl --namespace "${of%/*}" logs "deployment/${of#*/}" --all-containers --tail=20 >&2 || true
  done
  exit 1
}
part "done"
