#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12). 6.2.5, 8.0.6 and Valkey 9.1.2 do the same.
#
# CONFIG SET replica-announce-ip at a connected replica is OK, CONFIG GET shows the new address, and the master, and
# Sentinel which asks it, go on with the old address. REPLICAOF with the same master does not help, either: "OK Already connected
# to specified master". Only a new connection tells the master (CLIENT KILL TYPE master at the replica).
#
# Why it surprises: redis.conf has the replica report these "to its master", and an option that can be set at run time is expected to
# count, as replica-priority does. An announced address that was wrong is corrected, and a fail-over days later takes the old one.
#
# Seen (what the master lists):
#   before:                    ip=127.0.0.1
#   CONFIG SET, after 12 s:    ip=127.0.0.1
#   REPLICAOF the same:        ip=127.0.0.1
#   CLIENT KILL TYPE master:   ip=192.0.2.7
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
server replica "$replica" --replicaof 127.0.0.1 "$master"
listed() { redis-cli -p "$master" info replication | sed -nE 's/^slave0:(ip=[^,]*),.*state=online.*/\1/p'; }
is_listed() { [ -n "$(listed)" ]; }
wait_for is_listed
before=$(listed)
echo "before:                    $before"
redis-cli -e -p "$replica" config set replica-announce-ip 192.0.2.7 >"$tmp/out"
# The replica reports its offset each second, and the master pings every ten.
sleep 12
set=$(listed)
echo "CONFIG SET, after 12 s:    $set"
redis-cli -e -p "$replica" replicaof 127.0.0.1 "$master" >"$tmp/out"
sleep 2
same=$(listed)
echo "REPLICAOF the same:        $same"
redis-cli -e -p "$replica" client kill type master >"$tmp/out"
anew() { is_listed && [ "$(listed)" != "$same" ]; }
wait_for anew
last=$(listed)
echo "CLIENT KILL TYPE master:   $last"
[ "$before $set $same" = 'ip=127.0.0.1 ip=127.0.0.1 ip=127.0.0.1' ] || changed "the master learns of the new address"
[ "$last" = ip=192.0.2.7 ] || changed "a new connection does not tell the address"
