#!/usr/bin/env bash
# Software: pottery 3.0.1 and redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# update() of a RedisCounter with a list of what is to be counted adds what was there once more: a counter of 10 visits that is told
# of one more has 21, and the next one makes 43. subtract() doubles, too. Elements that are new to the counter come out right.
#
# Why it surprises: https://pypi.org/project/pottery/ says that a RedisCounter is used in the same way as any other Counter of
# Python. counter["page"] += 1 counts as it should, and so does update({"page": 1}).
#
# Seen (10 visits; update twice and subtract with one visit each; then += 1):
#   collections.Counter:   10 -> 11 -> 12 -> 11   += 1: 12
#   pottery.RedisCounter:  10 -> 21 -> 43 -> 85   += 1: 86
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
cat >"$tmp/count.py" <<'END'
import sys
from collections import Counter

import redis
from pottery import RedisCounter


def visits(counter):
    counter["page"] = 10
    seen = [counter["page"]]
    for change in (counter.update, counter.update, counter.subtract):
        change(["page"])
        seen.append(counter["page"])
    counter["page"] += 1
    return " -> ".join(map(str, seen)) + f"   += 1: {counter['page']}"


plain = visits(Counter())
stored = visits(RedisCounter(redis=redis.Redis(port=int(sys.argv[1])), key="visits"))
print("collections.Counter:  ", plain)
print("pottery.RedisCounter: ", stored)
sys.exit(not (stored.startswith("10 -> 21 -> 43") and plain == "10 -> 11 -> 12 -> 11   += 1: 12"))
END
"$tmp/venv/bin/python" "$tmp/count.py" "$port" 2>"$tmp/errors" || changed "a RedisCounter adds what it is asked to"
