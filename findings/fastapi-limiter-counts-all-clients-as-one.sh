#!/usr/bin/env bash
# Software: fastapi-limiter 0.2.0, fastapi 0.165.0, pyrate-limiter 4.5.1, redis-py 8.1.0 (PyPI); redis-server 7.0.15 (Debian 12).
#
# RateLimiter with a limit of two requests lets two requests through altogether, not two of each client: the third one gets 429,
# no matter who sends it. The limiter makes a name of the client's address and the path for each request, and hands it to
# pyrate-limiter, whose buckets do not look at names. It is so with a bucket in Redis and with the one in memory. An identifier of
# one's own (user, API key) changes nothing.
#
# Why it surprises: https://pypi.org/project/fastapi-limiter/ has a parameter "identifier" to tell where a request comes from,
# with address and path as the default. Such a parameter can only be there for counting them apart.
#
# Seen (a limit of 2 in 60 s; three clients send two requests each):
#   bucket in Redis:   client 1: 200 200   client 2: 429 429   client 3: 429 429
#   bucket in memory:  client 1: 200 200   client 2: 429 429   client 3: 429 429
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
pypi fastapi-limiter==0.2.0 fastapi==0.165.0 pyrate-limiter==4.5.1 redis==8.1.0
port=$(free_port)
server one "$port"
cat >"$tmp/app.py" <<'END'
import asyncio, sys

import redis.asyncio
from fastapi import Depends, FastAPI
from fastapi_limiter.depends import RateLimiter
from pyrate_limiter import Duration, Limiter, Rate, RedisBucket


async def ask(app, client):
    status = []
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": "/",
             "raw_path": b"/", "query_string": b"", "root_path": "", "headers": [], "client": (client, 1234), "server": ("app", 80)}

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            status.append(message["status"])

    await app(scope, receive, send)
    return status[0]


async def serve(limiter):
    app = FastAPI()

    @app.get("/", dependencies=[Depends(RateLimiter(limiter=limiter))])
    async def index():
        return "done"

    return [[await ask(app, f"192.0.2.{client}") for _ in range(2)] for client in (1, 2, 3)]


async def main():
    rate = Rate(2, Duration.MINUTE)
    client = redis.asyncio.Redis(port=int(sys.argv[1]))
    bucket = await RedisBucket.init([rate], client, "bucket")
    seen = [await serve(Limiter(bucket)), await serve(Limiter(rate))]
    await client.aclose()
    for name, answers in zip(("Redis: ", "memory:"), seen):
        clients = (f"client {number}: {one} {two}" for number, (one, two) in enumerate(answers, 1))
        print(f"bucket in {name} ", "   ".join(clients))
    return seen != [[[200, 200], [429, 429], [429, 429]]] * 2


sys.exit(asyncio.run(main()))
END
"$tmp/venv/bin/python" "$tmp/app.py" "$port" || changed "each client is counted"
