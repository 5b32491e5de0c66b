#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12).
#
# A subscriber of keyspace events at a replica hears other names than one at the master: a key that times out is
# "expired" at the master and "del" at the replica, INCRBYFLOAT is "set", HINCRBYFLOAT is "hset", SPOP is "srem". A user who
# moves an expiry listener to a replica to unburden the master never hears "expired" again.
#
# Why it surprises: https://redis.io/docs/latest/develop/pubsub/keyspace-notifications/ lists one event name for each
# command and "expired" for every key whose time is over; it does not speak of replicas. They report the commands that
# the master sends instead.
#
# Seen:
#   master:  expired incrbyfloat hincrbyfloat spop
#   replica: del set hset srem
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
for port in "$master" "$replica"; do
    redis-cli -p "$port" config set notify-keyspace-events EA >"$tmp/out"
    redis-cli -p "$port" --csv psubscribe '__keyevent@0__:*' >"$tmp/events.$port" 2>"$tmp/err" &
    pids+=($!)
    wait_for grep -q psubscribe "$tmp/events.$port"
done
redis-cli -p "$master" >"$tmp/out" <<'END'
SADD set a b c
SET timed value PX 50
END
gone() { [ -z "$(redis-cli -p "$master" get timed)" ]; }
wait_for gone
redis-cli -p "$master" >"$tmp/out" <<'END'
INCRBYFLOAT number 1.5
HINCRBYFLOAT hash field 1.5
SPOP set
LPUSH end 1
END
# The names, without those of SADD, SET … PX and LPUSH, which prepare and end the list.
names() { grep -o 'keyevent@0__:[a-z][a-z]*' "$tmp/events.$1" | cut -d: -f2 | grep -vxE 'sadd|expire|lpush' | tail -n +2 | xargs; }
for port in "$master" "$replica"; do wait_for grep -q lpush "$tmp/events.$port"; done
at_master=$(names "$master") at_replica=$(names "$replica")
echo "master:  $at_master"
echo "replica: $at_replica"
[ "$at_master" = "expired incrbyfloat hincrbyfloat spop" ] || changed "the master names its events otherwise"
[ "$at_replica" = "del set hset srem" ] || changed "the replica names its events otherwise"
