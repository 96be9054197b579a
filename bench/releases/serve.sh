#!/bin/sh
# Runs a balancer for the benchmark of releases: bench/releases/serve.sh KIND PORT, from target/bench.
# KIND: plain, a pool and nothing else; canary, users keep their server by a cookie and half of them meet another
# version; mirror, every request is copied to another version.
set -eu
kind=$1 port=$2 admin=$((port + 100)) state="$PWD/state-$1"
program=$PWD/../release/tidegate
rm -rf "$state"
{
    cat <<TOML
runtime = { workers = 1, state = "$state" }
admin = { address = "127.0.0.1:$admin" }
[listener.web]
address = "127.0.0.1:$port"
[route.all]
pool = "one"
[pool.one]
servers = ["127.0.0.1:9000"]
TOML
    [ "$kind" = canary ] && echo 'session = { mode = "cookie" }'
    [ "$kind" = plain ] || cat <<TOML
[pool.two]
servers = ["127.0.0.1:9000"]
[rollout.two]
pool = "one"
candidate = "two"
strategy = "canary"
hold = "24h"
TOML
    [ "$kind" = canary ] && echo 'steps = [50, 100]'
    # Whoever carries no cookie stays with stable, and is copied.
    [ "$kind" = mirror ] && cat <<TOML
steps = [0.0001, 100]
user = ["client"]
mirror = { share = 1.0, at_once = 1000 }
TOML
    :
} > "$kind.toml"
if [ "$kind" != plain ]; then
    (
        until "$program" rollout start two --admin "http://127.0.0.1:$admin" 2> /dev/null; do sleep 0.1; done
    ) &
fi
exec "$program" run -c "$kind.toml"
