#!/usr/bin/env bash
# Software: python-redis-lock 4.0.1 and redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# A Lock with auto_renewal=True renews itself in a thread. One refused renewal ends that thread for good, although the lock is still
# there and could be renewed a moment later: here the server lacks a good replica for less than a second. The lock expires in the
# hands of its living holder, whose code learns nothing, and a second worker gets it.
#
# Why it surprises: https://pypi.org/project/python-redis-lock/ has it keep renewing the lock, which is what allows for a short time
# to live. A server that is read-only for a moment, as in any fail-over, ends it in the same way.
#
# Seen (lock for 3 s, renewed every 2 s; writes are refused from second 1.7 to 2.5):
#   after 2.6 s:  the lock is there, threads that renew it: 0
#   after 4 s:    a second worker gets the lock: True
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
pypi python-redis-lock==4.0.1 redis==8.1.0
port=$(free_port)
server one "$port"
cat >"$tmp/renew.py" <<'END'
import sys, threading, time

import redis
import redis_lock

plain = redis.Redis(port=int(sys.argv[1]))
plain.ping()
lock = redis_lock.Lock(plain, "job", expire=3, auto_renewal=True)
lock.acquire()
start = time.monotonic()


def until(second):
    time.sleep(max(0, start + second - time.monotonic()))


until(1.7)
plain.config_set("min-replicas-to-write", 1)
until(2.5)
plain.config_set("min-replicas-to-write", 0)
until(2.6)
there = plain.exists("lock:job") == 1
threads = sum("renew" in thread.name for thread in threading.enumerate())
print(f"after 2.6 s:  the lock is there: {there}, threads that renew it: {threads}")
until(4)
second = redis_lock.Lock(plain, "job", expire=3).acquire(blocking=False)
print(f"after 4 s:    a second worker gets the lock: {second}")
sys.exit(not (there and threads == 0 and second))
END
"$tmp/venv/bin/python" "$tmp/renew.py" "$port" 2>"$tmp/errors" || changed "the renewal goes on after a refusal"
grep -o 'NOREPLICAS Not enough good replicas to write' "$tmp/errors" | head -1 || changed "the renewal ends for another reason"
