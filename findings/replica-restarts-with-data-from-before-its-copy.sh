#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12).
#
# A replica with appendonly yes whose copy of the master is complete (link up, every key there, later writes acknowledged by
# WAIT) has none of it on disk yet: its append-only file is written again in the background, and until that is finished the
# files are those of before the copy, without the writes since. Killed in that time and started without its master, it has
# the data of its former life: keys that the copy had removed are back, and what WAIT counted is not there.
#
# Why it surprises: https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/ promises the loss of about one
# second with appendfsync everysec. Nothing but aof_rewrite_in_progress:1 says that the promise does not hold for now; a
# copy of some gigabytes takes minutes to be written.
#
# Seen (the rewrite is slowed down by Redis' own rdb-key-save-delay):
#   follows:          DBSIZE 301, link up, WAIT 1: 1, aof_rewrite_in_progress:1
#   killed, started:  DBSIZE 1, keys: former
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
server replica "$replica" --appendonly yes
redis-cli -p "$replica" set former 1 >"$tmp/out"
redis-cli -p "$master" eval 'for i = 1, 300 do redis.call("set", "key" .. i, "value") end' 0 >"$tmp/out"
redis-cli -p "$replica" config set rdb-key-save-delay 100000 >"$tmp/out"
redis-cli -p "$replica" replicaof 127.0.0.1 "$master" >"$tmp/out"
info() { redis-cli -p "$replica" info | tr -d '\r' | grep "^$1"; }
linked() { info master_link_status:up; }
online() { redis-cli -p "$master" info replication | grep -q state=online; }
wait_for linked
wait_for online
acknowledged=$(printf 'SET later 1\nWAIT 1 10000\n' | redis-cli -p "$master" | tail -1)
sleep 1.5
size=$(redis-cli -p "$replica" dbsize) rewriting=$(info aof_rewrite_in_progress)
echo "follows:          DBSIZE $size, link up, WAIT 1: $acknowledged, $rewriting"
kill -KILL "${pids[1]}"
wait "${pids[1]}" 2>/dev/null || true
redis-server --bind 127.0.0.1 --port "$replica" --dir "$tmp/replica" --save '' --appendonly yes >"$tmp/log" &
pids+=($!)
wait_for redis-cli -e -p "$replica" ping
after="DBSIZE $(redis-cli -p "$replica" dbsize), keys: $(redis-cli -p "$replica" keys '*' | xargs)"
echo "killed, started:  $after"
[ "$size $acknowledged $rewriting" = "301 1 aof_rewrite_in_progress:1" ] || { echo "the rewrite was over too soon" >&2 && exit 3; }
[ "$after" = "DBSIZE 1, keys: former" ] || changed "the copy is in the append-only file at once"
