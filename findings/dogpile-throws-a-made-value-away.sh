#!/usr/bin/env bash
# Software: dogpile.cache 1.5.0 and redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# With distributed_lock and a lock_timeout, get_or_create() raises LockNotOwnedError when making the value took longer than the
# lock lasts. The value is made, and it is in the cache: the caller who made it is the only one who does not get it, and has an
# error instead. The next call returns the value at once.
#
# Why it surprises: lock_timeout is described as the time after which Redis lets go of a lock, which is the way to come through a
# worker that died. The lock is there to spare work, the cache to be left out when it fails; nothing about the value was wrong.
#
# Seen (a lock of 1 s):
#   made in 0.2 s:  the caller gets the value
#   made in 1.5 s:  LockNotOwnedError; in the cache: True
#   the next call:  the caller gets the value, made in all: 1 time
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
pypi dogpile.cache==1.5.0 redis==8.1.0
port=$(free_port)
server one "$port"
cat >"$tmp/cache.py" <<'END'
import sys, time

from dogpile.cache import make_region
from dogpile.cache.api import NO_VALUE

region = make_region().configure("dogpile.cache.redis", arguments={
    "port": int(sys.argv[1]), "distributed_lock": True, "thread_local_lock": False, "lock_timeout": 1,
})
made = []


def get(key, seconds):
    def make():
        time.sleep(seconds)
        made.append(key)
        return "value"

    try:
        return "the caller gets the " + region.get_or_create(key, make)
    except Exception as error:
        return type(error).__name__


quick = get("quick", 0.2)
slow = get("slow", 1.5)
there = region.get("slow") is not NO_VALUE
again = get("slow", 1.5)
print("made in 0.2 s: ", quick)
print(f"made in 1.5 s:  {slow}; in the cache: {there}")
print(f"the next call:  {again}, made in all: {made.count('slow')} time")
sys.exit((quick, slow, there, again, made.count("slow")) !=
         ("the caller gets the value", "LockNotOwnedError", True, "the caller gets the value", 1))
END
"$tmp/venv/bin/python" "$tmp/cache.py" "$port" || changed "the caller gets what it made"
