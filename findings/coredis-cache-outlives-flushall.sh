#!/usr/bin/env bash
# Software: coredis 6.9.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# coredis keeps values in the process and has the server tell it of changes. Of SET, DEL and expiry it hears; FLUSHALL and FLUSHDB
# change nothing for it: every value that it had read stays, until somebody writes that key again.
#
# Why it surprises: https://redis.io/docs/latest/develop/reference/client-side-caching/ has the server send one message for all
# keys, and coredis does read those messages: the other changes arrive.
#
# Seen (get of three keys; then one is set, one is deleted, and all are flushed):
#   read:             one two three
#   after SET, DEL:   new None three
#   after FLUSHALL:   new None three   (server: 0 keys)
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
pypi coredis==6.9.0
port=$(free_port)
server one "$port"
cat >"$tmp/cached.py" <<'END'
import asyncio, subprocess, sys

import coredis
from coredis.patterns.cache import LRUCache


def plain(*command):
    answer = subprocess.run(["redis-cli", "-p", sys.argv[1], *command], capture_output=True, text=True, check=True)
    return answer.stdout.strip()


async def main():
    plain("mset", "a", "one", "b", "two", "c", "three")
    seen = []
    async with coredis.Redis(port=int(sys.argv[1]), decode_responses=True, cache=LRUCache()) as client:
        async def look(what):
            await asyncio.sleep(0.5)
            seen.append(" ".join([str(await client.get(key)) for key in "abc"]))
            print(f"{what:17} {seen[-1]}   (server: {plain('dbsize')} keys)")

        await look("read:")
        plain("set", "a", "new")
        plain("del", "b")
        await look("after SET, DEL:")
        plain("flushall")
        await look("after FLUSHALL:")
    return seen


seen = asyncio.run(main())
sys.exit(seen != ["one two three", "new None three", "new None three"])
END
"$tmp/venv/bin/python" "$tmp/cached.py" "$port" || changed "coredis hears of FLUSHALL"
