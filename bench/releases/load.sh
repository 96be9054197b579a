#!/bin/sh
# A load by one user for the benchmark of releases: bench/releases/load.sh URL CONNECTIONS SECONDS. The user has the
# cookies that a first visit sets, as browsers have.
set -eu
cookies=$(curl -s -o /dev/null -D - "$1" | tr -d '\r' |
    awk 'tolower($1) == "set-cookie:" { sub(/;.*/, "", $2); printf "%s%s", between, $2; between = "; " }')
wrk -t1 -c"$2" -d"$3"s -H "Cookie: ${cookies:-a=b}" "$1" | awk '/requests in/ { print "REQS", $1 }'
