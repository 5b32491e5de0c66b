#!/usr/bin/env bash
# Software: sherlock 0.4.1 and redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# A RedisLock with expire=None, which is to last until it is released, is gone as soon as it is taken: acquire() says True, and
# there is no key. A second worker takes the same lock while the first one works. release() then raises a LockException. The
# script that takes the lock compares the number -1, its word for "no expiry", with an argument, which is text there: EXPIRE with
# -1 deletes.
#
# Why it surprises: https://pypi.org/project/sherlock/ shows expire=None as the way to "never expire locks", and with any other
# value the lock holds.
#
# Seen (two workers, one after the other, without a release):
#   expire=60:    first acquire() True, key there: True;   second acquire(): timed out
#   expire=None:  first acquire() True, key there: False;  second acquire(): True
#   release() of the first: LockException
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
pypi sherlock==0.4.1 redis==8.1.0
port=$(free_port)
server one "$port"
cat >"$tmp/lock.py" <<'END'
import sys

import redis
from sherlock import LockException, LockTimeoutException, RedisLock

client = redis.Redis(port=int(sys.argv[1]))
seen = []
for expire in (60, None):
    name = f"job-{expire}"
    first, second = (RedisLock(name, client=client, expire=expire, timeout=1) for _ in range(2))
    taken = first.acquire()
    there = bool(client.exists(name))
    try:
        again = second.acquire()
    except LockTimeoutException:
        again = "timed out"
    print(f"{f'expire={expire}:':12}  first acquire() {taken}, key there: {f'{there};':6}  second acquire(): {again}")
    seen.append((taken, there, again))
try:
    first.release()
    released = "done"
except LockException as error:
    released = type(error).__name__
print("release() of the first:", released)
sys.exit(seen != [(True, True, "timed out"), (True, False, True)] or released != "LockException")
END
"$tmp/venv/bin/python" "$tmp/lock.py" "$port" || changed "a lock without expiry is held"
