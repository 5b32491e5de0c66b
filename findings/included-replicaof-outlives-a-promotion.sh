#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12). Valkey 9.1.2 does the same.
#
# A replica whose replicaof stands in an included file, promoted with REPLICAOF NO ONE and CONFIG REWRITE (both OK), is a replica
# again after its next restart: it copies the old master, if that is back, and drops every write that it took as a master.
# With replicaof in the main file CONFIG REWRITE takes the line out, and the server stays a master.
#
# Why it surprises: https://redis.io/docs/latest/commands/config-rewrite/ says that the file is rewritten so that it reflects
# the configuration that the server uses. redis.conf warns that later lines win over an include; here no later line is left, for
# "master" is written as the absence of a line. CONFIG REWRITE reports success.
#
# Seen (after the restart):
#   replicaof in the main file:   role:master, keys: old written-as-master
#   … in an included file:        role:slave, keys: old
set -euo pipefail
tmp=$(mktemp -d)
pids=()
cleanup() {
    exec 2>/dev/null
    for pid in "${pids[@]}"; do kill -KILL "$pid" || true; done
    wait || true
    rm -rf "$tmp"
}
trap cleanup EXIT
changed() { echo "CHANGED: $*" >&2 && exit 1; }
wait_for() {
    for _ in $(seq 200); do if "$@" >/dev/null 2>&1; then return; fi; sleep 0.1; done
    echo "waited in vain for: $*" >&2 && exit 3
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# Takes what is missing from Debian into the temporary folder: nothing is installed, no service starts.
debian() {
    mkdir -p "$tmp/debs/partial"
    apt-get -qq -y --no-install-recommends --download-only -o Debug::NoLocking=1 -o Dir::Cache::archives="$tmp/debs" \
        install "$@" >"$tmp/apt" 2>&1 || { cat "$tmp/apt" >&2 && echo "needs Debian 12 with: $*" >&2 && exit 2; }
    for deb in "$tmp"/debs/*.deb; do if [ -f "$deb" ]; then dpkg -x "$deb" "$tmp/root"; fi; done
    PATH=$tmp/root/usr/bin:$tmp/root/usr/sbin:$PATH
    LD_LIBRARY_PATH=$tmp/root/usr/lib/$(uname -m)-linux-gnu
    export PATH LD_LIBRARY_PATH
}
debian 'redis-server=5:7.0.15*'
[[ "$(redis-server --version)" == *v=7.0.15* ]] || { echo "made for redis-server 7.0.15" >&2 && exit 2; }
server() {
    mkdir "$tmp/$1"
    redis-server --bind 127.0.0.1 --port "$2" --dir "$tmp/$1" --save '' --repl-diskless-sync-delay 0 "${@:3}" >"$tmp/$1/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$2" ping
}
master=$(free_port) node=$(free_port)
server master "$master"
redis-cli -p "$master" set old 1 >"$tmp/out"
mkdir "$tmp/node"
printf 'replicaof 127.0.0.1 %s\n' "$master" >"$tmp/replicaof"
common=$(printf 'bind 127.0.0.1\nport %s\ndir %s/node\nsave 3600 1' "$node" "$tmp")
start() {
    redis-server "$tmp/conf" >"$tmp/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$node" ping
}
about() { redis-cli -p "$node" info replication | tr -d '\r'; }
keys() { redis-cli -p "$node" keys '*' | sort | xargs; }
has_copied() { about | grep -q master_link_status:up && [ "$(keys)" = old ]; }
settled() { about | grep -qE '^(role:master|master_link_status:up)$'; }
# Promotes a replica that has this file, has it take a write, restarts it, and says what it is.
restart() {
    printf '%s\n' "$@" >"$tmp/conf"
    start
    wait_for has_copied
    redis-cli -p "$node" replicaof no one >"$tmp/out"
    redis-cli -e -p "$node" config rewrite >"$tmp/out"
    redis-cli -p "$node" set written-as-master 1 >"$tmp/out"
    redis-cli -p "$node" shutdown save
    wait "${pids[-1]}"
    start
    wait_for settled
    seen="$(about | grep ^role:), keys: $(keys)"
    redis-cli -p "$node" shutdown nosave
    rm -f "$tmp"/node/*
}
restart "$common" "replicaof 127.0.0.1 $master"
main=$seen
restart "$common" "include $tmp/replicaof"
included=$seen
echo "replicaof in the main file:   $main"
echo "… in an included file:        $included"
[ "$main" = "role:master, keys: old written-as-master" ] || changed "a promotion does not survive in the main file either"
[ "$included" = "role:slave, keys: old" ] || changed "an included replicaof does not come back"
