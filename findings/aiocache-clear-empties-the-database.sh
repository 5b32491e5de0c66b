#!/usr/bin/env bash
# Software: aiocache 0.12.3 and redis-py 5.3.1 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# clear() of a RedisCache that was made with namespace="shop" sends FLUSHDB: it removes what other programs, caches with another
# namespace and everybody else keep in that database. get, set, delete and exists of the same object stay in the namespace.
#
# Why it surprises: the method's description in https://aiocache.aio-libs.org/en/latest/caches.html says that it clears the cache in
# the cache's namespace, and that one may name another one.
#
# Seen:
#   before:                    other:key queue shop:key
#   clear(namespace="shop"):   other:key queue
#   clear():                   (nothing)
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
pypi aiocache==0.12.3 redis==5.3.1
port=$(free_port)
server one "$port"
cat >"$tmp/clear.py" <<'END'
import asyncio, sys

import redis
from aiocache import RedisCache

port = int(sys.argv[1])
plain = redis.Redis(port=port, decode_responses=True)


async def main():
    shop = RedisCache(endpoint="127.0.0.1", port=port, namespace="shop")
    other = RedisCache(endpoint="127.0.0.1", port=port, namespace="other")
    seen = []
    for clear in (None, lambda: shop.clear(namespace="shop"), lambda: shop.clear()):
        plain.set("queue", "somebody else's")
        await shop.set("key", "value")
        await other.set("key", "value")
        if clear:
            await clear()
        seen.append(" ".join(sorted(plain.keys())))
    await shop.close()
    await other.close()
    return seen


seen = asyncio.run(main())
print("before:                   ", seen[0])
print('clear(namespace="shop"):  ', seen[1])
print("clear():                  ", seen[2] or "(nothing)")
sys.exit(seen != ["other:key queue shop:key", "other:key queue", ""])
END
"$tmp/venv/bin/python" "$tmp/clear.py" "$port" || changed "clear() keeps to the namespace"
