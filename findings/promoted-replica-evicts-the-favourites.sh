#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12). Valkey 9.1.2 does the same.
#
# Reads at the master do not tell a replica that a key is in use: for the replica a key that is read all day is idle since it was
# written. After a fail-over a cache with maxmemory-policy allkeys-lru throws out the keys that are read most, where they were
# written early, and keeps those that were written last and are never read.
#
# Why it surprises: https://redis.io/docs/latest/develop/reference/eviction/ says that allkeys-lru keeps the most recently
# used keys, and a replica is thought of as a copy that can take over. Master and replica have the same keys, values and times to
# live, and another order of use.
#
# Seen (a key that is read, written before 100 that are not; a quarter of the keys must go):
#   OBJECT IDLETIME:       master 0, replica 4
#   the master evicts:     favourite is there: 1
#   the promoted replica:  favourite is there: 0
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
# As many samples as there are keys: the choice is exact.
server master "$master" --maxmemory-samples 64
server replica "$replica" --maxmemory-samples 64 --replicaof 127.0.0.1 "$master"
value=$(head -c 1000 /dev/zero | tr '\0' x)
redis-cli -p "$master" set favourite "$value" >"$tmp/out"
sleep 2.5
for i in $(seq 100); do echo "SET other$i $value"; done | redis-cli -p "$master" >"$tmp/out"
copied() { [ "$(redis-cli -p "$replica" dbsize)" = 101 ]; }
wait_for copied
sleep 1.5
redis-cli -p "$master" get favourite >"$tmp/out"
idle() { redis-cli -p "$1" object idletime favourite; }
master_idle=$(idle "$master") replica_idle=$(idle "$replica")
redis-cli -p "$replica" replicaof no one >"$tmp/out"
# Leaves this server less memory than it uses, and says whether the favourite is still there.
evict() {
    local used
    redis-cli -p "$1" config set maxmemory-policy allkeys-lru >"$tmp/out"
    used=$(redis-cli -p "$1" info memory | tr -d '\r' | sed -n 's/^used_memory://p')
    redis-cli -p "$1" config set maxmemory $((used - 30000)) >"$tmp/out"
    redis-cli -p "$1" set new 1 >"$tmp/out"
    wait_for evicted "$1"
    redis-cli -p "$1" exists favourite
}
evicted() { [ "$(redis-cli -p "$1" dbsize)" -lt 95 ]; }
one=$(evict "$master") other=$(evict "$replica")
echo "OBJECT IDLETIME:       master $master_idle, replica $replica_idle"
echo "the master evicts:     favourite is there: $one"
echo "the promoted replica:  favourite is there: $other"
[ "$one" = 1 ] || { echo "the master threw it out as well" >&2 && exit 3; }
[ "$master_idle" -lt "$replica_idle" ] || changed "the replica knows of the reads"
[ "$other" = 0 ] || changed "the promoted replica keeps what was read most"
