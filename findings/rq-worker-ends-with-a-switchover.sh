#!/usr/bin/env bash
# Software: rq 3.0.0 and redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# A worker that waits for a job ends when its master is made a replica, as in a planned fail-over: the server answers the waiting
# BLPOP with -UNBLOCKED, which is neither a lost connection nor a time-out for the client, and the worker quits with "found an
# unhandled exception". When the master dies instead, the same worker says that it cannot connect, waits, and goes on.
#
# Why it surprises: https://python-rq.org/docs/workers/ has workers come through a lost connection. A planned change, which
# closes nothing and loses nothing, takes all idle workers away at once.
#
# Seen:
#   the server is gone and back:       worker alive: yes
#   the server is made a replica:      worker alive: no
#   ResponseError: UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)
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
pypi rq==3.0.0 redis==8.1.0
one=$(free_port) two=$(free_port)
server one "$one"
server two "$two"
cat >"$tmp/work.py" <<'END'
import sys

import redis
import rq

client = redis.Redis(port=int(sys.argv[1]))
rq.SimpleWorker([rq.Queue("jobs", connection=client)], connection=client).work()
END
blocked() { redis-cli -p "$one" info clients | grep -q blocked_clients:1; }
alive() { if kill -0 "$worker" 2>/dev/null; then echo yes; else echo no; fi; }
ended() { [ "$(alive)" = no ]; }
"$tmp/venv/bin/python" "$tmp/work.py" "$one" >"$tmp/worker.log" 2>&1 &
worker=$!
pids+=("$worker")
wait_for blocked
redis-cli -p "$one" shutdown nosave
wait "${pids[0]}"
sleep 2
rm -rf "$tmp/one"
server one "$one"
wait_for blocked
gone=$(alive)
redis-cli -p "$one" replicaof 127.0.0.1 "$two" >"$tmp/out"
wait_for ended || true
made=$(alive)
error=$(grep -o 'ResponseError: UNBLOCKED.*' "$tmp/worker.log" | head -1)
echo "the server is gone and back:       worker alive: $gone"
echo "the server is made a replica:      worker alive: $made"
echo "$error"
[ "$gone" = yes ] || changed "a worker does not come through a lost connection"
[ "$made" = no ] || changed "a worker comes through a switchover"
[ -n "$error" ] || changed "the worker ends for another reason"
