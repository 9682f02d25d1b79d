# Runs programs for as long as standard input stays open. The test process holds the other end, so they stop and
# their folder goes even if the test is killed.
# Argument: the folder; `NAME.run` in it is the script of the program NAME, which writes to `NAME.log`.
# Orders, one a line, each answered by one: start NAME, stop NAME SIGNAL, signal NAME SIGNAL, alive NAME.
set -u
folder=$1 started=""
# A zombie is not alive, though kill would still find it.
is_alive() { [ -n "$1" ] && { read -r _ _ state _ <"/proc/$1/stat" && [ "$state" != Z ]; } 2>/dev/null; }
pid_of() { eval "echo \${pid_$1:-}"; }
# The whole group, as a program may have children of its own; the process alone while it has no group yet.
signal() { kill -s "$2" -- "-$1" 2>/dev/null || kill -s "$2" "$1" 2>/dev/null; }
stop() {
    pid=$(pid_of "$1") left=400
    [ -n "$pid" ] || return 0
    signal "$pid" "$2"
    # A test that is killed meanwhile is noticed only afterwards, so that patience ends after about 20 s.
    while [ "$2" != KILL ] && is_alive "$pid" && [ $left -gt 0 ]; do left=$((left - 1)) && sleep 0.05; done
    signal "$pid" KILL
    wait "$pid" 2>/dev/null
    eval "pid_$1="
}
cleanup() {
    for name in $started; do stop "$name" KILL; done
    rm -rf "$folder"
}
trap cleanup EXIT
trap '' INT PIPE # Ctrl-C reaches the test first, and its end reaches us through the pipe
trap 'exit 1' TERM HUP
cd "$folder" || exit 1
while read -r order name how; do
    case $order in
        start)
            setsid /bin/sh "$folder/$name.run" </dev/null >>"$folder/$name.log" 2>&1 &
            eval "pid_$name=$!"
            started="$name $started"
            echo started
            ;;
        stop)
            stop "$name" "$how"
            echo stopped
            ;;
        signal)
            if signal "$(pid_of "$name")" "$how"; then echo sent; else echo gone; fi
            ;;
        alive) if is_alive "$(pid_of "$name")"; then echo yes; else echo no; fi ;;
    esac
done
