#!/usr/bin/env bash
# Software: redis-py 8.1.0 (PyPI) with redis-server and redis-sentinel 7.0.15 (Debian 12).
#
# Sentinel.slave_for() gives a client for the replicas. When no replica is up, it is a client for the master, without a word:
# reads that were kept away from the master all fall on it, and a write that READONLY refused a moment ago is carried out.
# What relies on "this client cannot change anything" is wrong on the day when the replica is down.
#
# Why it surprises: https://redis.readthedocs.io/en/stable/connections.html describes slave_for as a client for the slaves, and
# discover_slaves(), asked at the same moment, answers with an empty list.
#
# Seen:
#   replica up:    discover_slaves: 1   role slave    set: ReadOnlyError
#   replica down:  discover_slaves: 0   role master   set: True
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
debian 'redis-sentinel=5:7.0.15*'
pypi redis==8.1.0
master=$(free_port) replica=$(free_port) sentinel=$(free_port)
server master "$master"
server replica "$replica" --replicaof 127.0.0.1 "$master"
linked() { redis-cli -p "$replica" info replication | grep -q master_link_status:up; }
wait_for linked
printf 'port %s\nbind 127.0.0.1\ndir %s\nsentinel monitor main 127.0.0.1 %s 1\nsentinel down-after-milliseconds main 1000\n' \
    "$sentinel" "$tmp" "$master" >"$tmp/sentinel.conf"
redis-server "$tmp/sentinel.conf" --sentinel >"$tmp/sentinel.log" &
pids+=($!)
replicas() { redis-cli -p "$sentinel" sentinel replicas main | grep -A1 '^flags$' | grep -q "^$1"; }
wait_for replicas slave
cat >"$tmp/replica.py" <<'END'
import sys

from redis.sentinel import Sentinel

sentinel = Sentinel([("127.0.0.1", int(sys.argv[1]))])
client = sentinel.slave_for("main")
role = client.info("replication")["role"]
try:
    said = client.set("key", "value")
except Exception as error:
    said = type(error).__name__
print(f"discover_slaves: {len(sentinel.discover_slaves('main'))}   role {role:6}   set: {said}")
END
up=$("$tmp/venv/bin/python" "$tmp/replica.py" "$sentinel")
redis-cli -p "$replica" shutdown nosave
wait "${pids[1]}"
wait_for replicas s_down
down=$("$tmp/venv/bin/python" "$tmp/replica.py" "$sentinel")
echo "replica up:    $up"
echo "replica down:  $down"
[ "$up" = "discover_slaves: 1   role slave    set: ReadOnlyError" ] || changed "with a replica"
[ "$down" = "discover_slaves: 0   role master   set: True" ] || changed "without a replica slave_for() gives no master"
