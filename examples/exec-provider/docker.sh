#!/bin/sh
# Instances that are Docker containers, by the contract of docs/providers.md. It needs a POSIX
# shell, sed and docker.
#
#   list  = ["examples/exec-provider/docker.sh", "list"]
#   start = ["examples/exec-provider/docker.sh", "start"]
#   stop  = ["examples/exec-provider/docker.sh", "stop"]
#
# DOCKER_IMAGE is what it runs, DOCKER_PORT where that listens within the container.
set -eu

question=$(cat)
port=${DOCKER_PORT:-8080}

# The value of one string in the question. Names need no escapes, so there are none to undo.
field() {
    printf '%s' "$question" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

# One container as an entry of the list.
entry='{{$ip := ""}}{{range .NetworkSettings.Networks}}{{$ip = .IPAddress}}{{end}}'
entry=$entry'{"id":"{{slice .Name 1}}","template":"{{index .Config.Labels "tidegate.template"}}"'
entry=$entry',"state":"{{if .State.Running}}running{{else}}stopping{{end}}"'
entry=$entry'{{if $ip}},"address":"{{$ip}}:'$port'"{{end}}}'

list() {
    # A failure of either must not look like an empty list: `set -e` ends us between them.
    ids=$(docker ps --all --quiet --filter "label=tidegate.pool=$(field pool)")
    entries=
    # shellcheck disable=SC2086 # one word for each container
    [ -z "$ids" ] || entries=$(docker inspect --format "$entry" $ids)
    printf '{"instances":[%s]}\n' "$(printf '%s' "$entries" | tr '\n' ',')"
}

start() {
    # Docker refuses a name that is taken, so two starts of one name cannot both succeed.
    docker inspect "$(field id)" >/dev/null 2>&1 || docker run --detach --name "$(field id)" \
        --label "tidegate.pool=$(field pool)" --label "tidegate.template=$(field template)" \
        "${DOCKER_IMAGE:?what to run}" >/dev/null
}

stop() {
    said=$(docker rm --force "$(field id)" 2>&1) && return
    case $said in
        *"No such container"*) ;;
        *) printf '%s\n' "$said" >&2; exit 1 ;;
    esac
}

case ${1:-} in
    list | start | stop) "$1" ;;
    *) echo "usage: docker.sh list|start|stop" >&2; exit 64 ;;
esac
