#!/usr/bin/env bash
# Software: aiocache 0.12.3 and redis-py 5.3.1 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# aiocache's RedLock, and cached_stampede, which uses it, put a lock into Redis and do not wait for it when another process holds
# it: three processes that want the same value all compute it at once, while the lock is there to be seen. Within one process the
# second and third caller wait.
#
# Why it surprises: https://aiocache.aio-libs.org/en/latest/locking.html says of the lock in memory that it is for one process
# alone, and of the one in Redis that it does the algorithm correctly. Several processes are what one takes Redis for.
#
# Seen (three callers, the value takes 1 s, the lease is 10 s):
#   three tasks of one process:  computed 1 time
#   three processes:             computed 3 times
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
cat >"$tmp/compute.py" <<'END'
import asyncio, sys, time

import redis
from aiocache import RedisCache, cached_stampede
from aiocache.serializers import JsonSerializer

port, name, callers, start = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
plain = redis.Redis(port=port)


@cached_stampede(lease=10, key=name, cache=RedisCache, endpoint="127.0.0.1", port=port, serializer=JsonSerializer())
async def value():
    plain.incr(f"{name}:computed")
    await asyncio.sleep(1)
    return "value"


async def main():
    await asyncio.sleep(max(0, start - time.time()))
    return await asyncio.gather(*[value() for _ in range(callers)])


asyncio.run(main())
END
compute() { "$tmp/venv/bin/python" "$tmp/compute.py" "$port" "$@"; }
compute tasks 3 0
# The processes begin together, once all of them are loaded.
begin=$(($(date +%s) + 5))
started=()
for _ in 1 2 3; do
    compute processes 1 "$begin" &
    started+=($!)
    pids+=($!)
done
wait "${started[@]}" || { echo "a process failed" >&2 && exit 3; }
tasks=$(redis-cli -p "$port" get tasks:computed) processes=$(redis-cli -p "$port" get processes:computed)
echo "three tasks of one process:  computed $tasks time"
echo "three processes:             computed $processes times"
[ "$tasks" = 1 ] || changed "tasks of one process do not wait for each other"
[ "$processes" = 3 ] || changed "processes wait for each other"
