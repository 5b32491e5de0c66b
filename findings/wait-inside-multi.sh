#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12). 8.0 and Valkey 9.1 do the same.
#
# WAIT as the last command of a transaction says that a replica has the transaction's write, although no byte of it
# has left the master. Here the replica is frozen, and the answer is 1. The same WAIT after the same SET without MULTI
# says 0, which is true.
#
# Why it surprises: https://redis.io/docs/latest/commands/wait/ says that inside MULTI the command "does not block but
# instead just return[s] ASAP the number of replicas that acknowledged the previous write commands". The SET of the same
# transaction is a previous write command, and no replica acknowledged it: WAIT looks at what this connection had
# written before MULTI. Clients that wrap pipelines in MULTI by default (redis-py's pipeline()) run into it.
#
# Seen:
#   frozen replica, MULTI SET WAIT EXEC: 1
#   frozen replica, SET WAIT:            0
#   what the replica has after that:     (nothing: the write came later)
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
master=$(free_port) replica=$(free_port)
server master "$master"
server replica "$replica" --replicaof "127.0.0.1 $master"
linked() { redis-cli -p "$replica" info replication | grep -q master_link_status:up; }
in_step() { [ "$(redis-cli -p "$replica" info replication | grep ^slave_repl_offset | tr -dc 0-9)" = "$(redis-cli -p "$master" info replication | grep ^master_repl_offset | tr -dc 0-9)" ]; }
wait_for linked
acknowledged() { redis-cli -p "$master" info replication | grep -q "offset=$(redis-cli -p "$master" info replication | grep ^master_repl_offset | tr -dc 0-9),"; }

{
    echo 'SET before 1'
    wait_for redis-cli -e -p "$replica" get before
    wait_for acknowledged
    kill -STOP "${pids[1]}"
    printf 'MULTI\nSET inside 1\nWAIT 1 0\nEXEC\n'
} | redis-cli -p "$master" >"$tmp/transaction"
printf 'SET outside 1\nWAIT 1 500\n' | redis-cli -p "$master" >"$tmp/plain"
inside=$(tail -1 "$tmp/transaction") outside=$(tail -1 "$tmp/plain")
echo "frozen replica, MULTI SET WAIT EXEC: $inside"
echo "frozen replica, SET WAIT:            $outside"
[ "$outside" = 0 ] || changed "the frozen replica acknowledged a plain write"
[ "$inside" = 1 ] || changed "WAIT inside MULTI no longer counts replicas that lack the transaction"
