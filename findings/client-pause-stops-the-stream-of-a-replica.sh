#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12). 6.2.5, 8.0.6, redict 7.3.6, Valkey 8.1 and 9.1.2 do the same.
#
# CLIENT PAUSE with WRITE, sent to a replica, stops also what its master sends: the replica takes no write until the pause is over,
# WAIT at the master counts it for nothing, and readers get old values. Nothing that INFO shows says so: the link is up, the last
# word of the master is fresh, the master sees a replica online with a lag of 0 or 1 s. Only the offset stands still.
#
# Why it surprises: https://redis.io/docs/latest/commands/client-pause/ pauses "clients", and says that "interactions with replicas
# will continue normally"; a replica takes no writes of clients anyway.
#
# Seen:
#   no pause:     WAIT 1 500: 1  the replica has: one
#   in the pause: WAIT 1 500: 0  the replica has: one    master_link_status:up offset +0
#   after it:     WAIT 1 500: 1  the replica has: three  master_link_status:up
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
field() { redis-cli -p "$replica" info replication | tr -d '\r' | sed -n "s/^$1://p"; }
linked() { [ "$(field master_link_status)" = up ]; }
wait_for linked
# WAIT counts for the writes of its own connection.
write() { printf 'set key %s\nwait 1 500\n' "$1" | redis-cli -p "$master" | tail -1; }
has() { redis-cli -p "$replica" get key; }
online() { redis-cli -p "$master" info replication | grep -q state=online; }
wait_for online
write=$(write one)
first="$write $(has)"
echo "no pause:     WAIT 1 500: $write  the replica has: $(has)"
redis-cli -p "$replica" client pause 4000 write >"$tmp/out"
offset=$(field slave_repl_offset)
write=$(write two)
paused="$write $(has) $(field master_link_status) $(($(field slave_repl_offset) - offset))"
echo "in the pause: WAIT 1 500: $write  the replica has: $(has)    master_link_status:$(field master_link_status)" \
    "offset +$(($(field slave_repl_offset) - offset))"
sleep 4
write=$(write three)
over="$write $(has) $(field master_link_status)"
echo "after it:     WAIT 1 500: $write  the replica has: $(has)  master_link_status:$(field master_link_status)"
[ "$first" = '1 one' ] || { echo "the replica does not follow" >&2 && exit 3; }
[ "$paused" = '0 one up 0' ] || changed "a paused replica takes what its master sends, or says that it does not"
[ "$over" = '1 three up' ] || changed "the pause does not end"
