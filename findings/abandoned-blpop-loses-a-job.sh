#!/usr/bin/env bash
# Software: valkey-glide 2.6.0, and redis-py 8.1.0 for comparison (PyPI), with redis-server 7.0.15 (Debian 12).
#
# A task that waits in BLPOP is cancelled, here by asyncio.wait_for() after 0.3 s; valkey-glide lets the command stand at the server,
# in a connection that it keeps. The next job that comes into the queue goes to no client: the server removes it, and the client
# throws the reply away. A consumer with a shorter time-out of its own loses one job with each of them.
#
# Why it surprises: to Python the wait is over, the caller has seen its TimeoutError, and no list was touched. redis-py closes the
# connection in which it has left a command behind, so that the server forgets about it.
#
# Seen (wait for 0.3 s in a BLPOP of 5 s; then a job is pushed, and looked for):
#   redis-py:      TimeoutError, clients that wait: 0, left in the queue: 1 job
#   valkey-glide:  TimeoutError, clients that wait: 1, left in the queue: 0 jobs
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
pypi valkey-glide==2.6.0 redis==8.1.0
port=$(free_port)
server one "$port"
cat >"$tmp/abandon.py" <<'END'
import asyncio, sys

import glide
import redis

port = int(sys.argv[1])
plain = redis.Redis(port=port)


async def attempt(client, blpop):
    async def work():
        return await blpop()

    try:
        end = await asyncio.wait_for(work(), 0.3)
    except asyncio.TimeoutError:
        end = "TimeoutError"
    await asyncio.sleep(0.3)
    waiting = plain.info("clients")["blocked_clients"]
    plain.rpush("queue", "job")
    await asyncio.sleep(0.3)
    left = plain.llen("queue")
    plain.delete("queue")
    print(f"{client + ':':14} {end}, clients that wait: {waiting}, left in the queue: {left} job{'' if left == 1 else 's'}")
    return left


async def main():
    one = redis.asyncio.Redis(port=port)
    seen = [await attempt("redis-py", lambda: one.blpop("queue", 5))]
    await one.aclose()
    address = glide.GlideClientConfiguration([glide.NodeAddress("127.0.0.1", port)])
    two = await glide.GlideClient.create(address)
    seen.append(await attempt("valkey-glide", lambda: two.blpop(["queue"], 5)))
    await two.close()
    return seen


sys.exit(asyncio.run(main()) != [1, 0])
END
"$tmp/venv/bin/python" "$tmp/abandon.py" "$port" || changed "an abandoned BLPOP takes nothing from the queue"
