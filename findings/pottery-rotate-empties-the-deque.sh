#!/usr/bin/env bash
# Software: pottery 3.0.1 and redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# rotate() of a RedisDeque by more places to the left than it has elements deletes some or all of them; to the right it does
# nothing. A RedisList loses elements, too: a slice that is replaced by a longer list keeps the old length, without an error.
# insert(-1, ...) puts the element in front of all others.
#
# Why it surprises: https://pypi.org/project/pottery/ calls both containers compatible with Python's own, and no call raises
# anything.
#
# Seen:
#   deque 1 2 3, rotate(-6):          Python 1 2 3        pottery (empty)
#   deque 1 2 3, rotate(4):           Python 3 1 2        pottery 1 2 3
#   list 1 2 3, list[1:2] = 7 8 9:    Python 1 7 8 9 3    pottery 1 7 3
#   list 1 2 3, insert(-1, 9):        Python 1 2 9 3      pottery 9 1 2 3
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
pypi pottery==3.0.1 redis==8.1.0
port=$(free_port)
server one "$port"
cat >"$tmp/containers.py" <<'END'
import sys
from collections import deque

import redis
from pottery import RedisDeque, RedisList

client = redis.Redis(port=int(sys.argv[1]))
seen = []


def both(what, plain, stored, change):
    change(plain)
    change(stored)
    texts = [" ".join(map(str, container)) or "(empty)" for container in (plain, stored)]
    print("{:33} Python {:12} pottery {}".format(what + ":", *texts))
    seen.append(texts[1])
    client.delete("container")


def a_deque():
    return deque([1, 2, 3]), RedisDeque([1, 2, 3], redis=client, key="container")


def a_list():
    return [1, 2, 3], RedisList([1, 2, 3], redis=client, key="container")


both("deque 1 2 3, rotate(-6)", *a_deque(), lambda some: some.rotate(-6))
both("deque 1 2 3, rotate(4)", *a_deque(), lambda some: some.rotate(4))
both("list 1 2 3, list[1:2] = 7 8 9", *a_list(), lambda some: some.__setitem__(slice(1, 2), [7, 8, 9]))
both("list 1 2 3, insert(-1, 9)", *a_list(), lambda some: some.insert(-1, 9))
sys.exit(seen != ["(empty)", "1 2 3", "1 7 3", "9 1 2 3"])
END
"$tmp/venv/bin/python" "$tmp/containers.py" "$port" 2>"$tmp/errors" || changed "pottery's containers do what Python's do"
