# Runs one PostgreSQL server for as long as standard input stays open. The test process holds the other end, so
# the server stops and its folder goes even if the test is killed.
# Arguments: folder (with the certificates and `password`), folder of the server's programs, port.
# Orders, one a line: stop, start, reload. The server's start and every order done are answered by `ready`.
set -eu
folder=$1 bin=$2 port=$3 data=$1/data
as=""
if [ "$(id -u)" = 0 ]; then # initdb and postgres refuse to run as root
    chown -R postgres: "$folder"
    as="setpriv --reuid=postgres --regid=postgres --init-groups --"
fi
pid="" ready=""
# Immediate shutdown, as in a crash: what was committed is in the write-ahead log.
stop() {
    if [ -n "$pid" ]; then kill -QUIT "$pid" 2>/dev/null && wait "$pid" || true; fi
    pid=""
}
start() {
    ready=""
    $as "$bin/postgres" -D "$data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
        -c ssl=on -c ssl_cert_file="$folder/server.crt" -c ssl_key_file="$folder/server.key" \
        -c fsync=off -c full_page_writes=off -c max_connections=200 -c shared_buffers=64MB \
        >>"$folder/log" 2>&1 &
    pid=$!
    until "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" -U postgres; do
        kill -0 "$pid" 2>/dev/null || exit 1
        sleep 0.05
    done
    # Another server may hold the port: ours is the one that still lives.
    kill -0 "$pid" 2>/dev/null || exit 1
    ready=1
}
cleanup() {
    stop
    # A failed start leaves the log to whoever asked for the server.
    if [ -n "$ready" ]; then rm -rf "$folder"; else rm -rf "$data"; fi
}
trap cleanup EXIT
trap '' INT PIPE # Ctrl-C reaches the test first, and its end reaches us through the pipe
trap 'exit 1' TERM HUP
cd "$folder"
chmod 600 server.key
$as "$bin/initdb" --auth=scram-sha-256 --pwfile="$folder/password" --username=postgres --encoding=UTF8 --no-locale \
    --no-sync --pgdata="$data" >"$folder/log" 2>&1
echo 'hostssl all all 127.0.0.1/32 scram-sha-256' >"$data/pg_hba.conf"
start
echo ready
while read -r order; do
    case $order in
        stop) stop ;;
        start) [ -n "$pid" ] || start ;;
        reload) kill -HUP "$pid" ;;
    esac
    echo ready
done
