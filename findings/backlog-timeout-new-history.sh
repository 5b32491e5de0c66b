#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12).
#
# A master whose last replica has been away for longer than repl-backlog-ttl (one hour by default) gives its data set a
# new replication ID, and keeps no trace of the old one. No write was lost, no role changed, nothing restarted: yet the
# replica that comes back must copy everything, and "replid:offset" pairs that were noted before mean nothing any more.
#
# Why it surprises: redis.conf describes repl-backlog-ttl as the time after which the backlog's memory is freed, and
# https://redis.io/docs/latest/operate/oss_and_stack/management/replication/ says that a replication ID marks "a given
# history of the data set" and changes when an instance restarts as a master or is promoted.
#
# Seen (IDs shortened; they differ at each run):
#   with a replica:       id 9c874614 id2 00000000 offset 56
#   an hour without one:  id 705e4ab2 id2 00000000 offset 56
#   the replica is back:  1 more full copy, 0 partial
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
server master "$master" --repl-backlog-ttl 1
server replica "$replica" --replicaof "127.0.0.1 $master"
linked() { redis-cli -p "$replica" info replication | grep -q master_link_status:up; }
wait_for linked
value() { redis-cli -p "$master" info | tr -d '\r' | sed -n "s/^$1://p"; }
say() { echo "$1 id $(value master_replid | cut -c1-8) id2 $(value master_replid2 | cut -c1-8) offset $(value master_repl_offset)"; }

redis-cli -p "$master" set key value >"$tmp/out"
before=$(value master_replid)
full=$(value sync_full)
say "with a replica:      "
redis-cli -p "$replica" replicaof no one >"$tmp/out"
freed() { [ "$(value repl_backlog_active)" = 0 ]; }
wait_for freed
after=$(value master_replid)
say "an hour without one: "
redis-cli -p "$replica" replicaof 127.0.0.1 "$master" >"$tmp/out"
wait_for linked
echo "the replica is back:  $(($(value sync_full) - full)) more full copy, $(value sync_partial_ok) partial"
[ "$before" != "$after" ] || changed "the replication ID outlives the backlog"
[ "$(value master_replid2)" = 0000000000000000000000000000000000000000 ] || changed "the old ID is remembered"
[ "$(($(value sync_full) - full)):$(value sync_partial_ok)" = 1:0 ] || changed "no full copy was needed"
