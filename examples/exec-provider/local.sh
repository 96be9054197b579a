#!/bin/sh
# Instances that are processes of this machine: the smallest provider that keeps the contract of
# docs/providers.md. It needs a POSIX shell, sed and kill.
#
#   list  = ["examples/exec-provider/local.sh", "list"]
#   start = ["examples/exec-provider/local.sh", "start"]
#   stop  = ["examples/exec-provider/local.sh", "stop"]
#
# LOCAL_DIR is where it keeps a file for each instance, LOCAL_COMMAND what it runs; the port is the
# last argument, counted up from LOCAL_PORT.
set -eu

dir=${LOCAL_DIR:-/tmp/tidegate-local}
mkdir -p "$dir"
question=$(cat)

# The value of one string in the question. Names need no escapes, so there are none to undo.
field() {
    printf '%s' "$question" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

# A process may have ended, and its number be another's: the start time tells.
born() {
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

alive() {
    [ -s "$1" ] && read -r pid start port template < "$1" && [ "$(born "$pid")" = "$start" ]
}

list() {
    printf '{"instances":['
    comma=
    for file in "$dir"/*.instance; do
        alive "$file" || continue
        id=$(basename "$file" .instance)
        printf '%s{"id":"%s","address":"127.0.0.1:%s","state":"running","template":"%s"}' \
            "$comma" "$id" "$port" "$template"
        comma=,
    done
    printf ']}\n'
}

start() {
    file=$dir/$(field id).instance
    # The same name again is the same instance.
    if ! alive "$file"; then
        port=${LOCAL_PORT:-9300}
        while grep -q " $port " "$dir"/*.instance 2>/dev/null; do port=$((port + 1)); done
        # The process itself writes its file before it becomes the server: there is no moment at
        # which it runs and is not listed. It must not hold our lock.
        # shellcheck disable=SC2016,SC2086 # expanded there; the command is several words
        setsid sh -c '
            start=$(sed "s/.*) //" /proc/$$/stat | cut -d " " -f 20)
            echo "$$ $start $1 $2" > "$3.new" && mv "$3.new" "$3"
            shift 3
            exec "$@"
        ' sh "$port" "$(field template)" "$file" ${LOCAL_COMMAND:?what to run} "$port" \
            </dev/null >/dev/null 2>&1 9>&- &
        until alive "$file"; do sleep 0.01; done
    fi
    printf '{"address":"127.0.0.1:%s"}\n' "$port"
}

stop() {
    file=$dir/$(field id).instance
    # What is not there is stopped.
    if alive "$file"; then
        kill "$pid"
        while alive "$file"; do sleep 0.1; done
    fi
    rm -f "$file"
}

# One at a time: two starts at once would choose the same port.
exec 9> "$dir/lock"
flock 9
case ${1:-} in
    list | start | stop) "$1" ;;
    *) echo "usage: local.sh list|start|stop" >&2; exit 64 ;;
esac
