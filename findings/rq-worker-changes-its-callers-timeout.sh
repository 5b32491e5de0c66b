#!/usr/bin/env bash
# Software: rq 3.0.0 and redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# Making a worker with the application's Redis client changes the client: its socket_timeout becomes 415 seconds, also
# where the application had asked for 2. From then on every connection that the application itself opens waits for almost
# seven minutes on a server that has stopped answering. Queue(connection=client) leaves the client alone.
#
# Why it surprises: https://python-rq.org/docs/workers/ shows a worker that is given the connection. A parameter is
# read, one thinks; the time that a worker may wait for a job (default_worker_ttl, less 5 s) ends up in somebody else's object.
#
# Seen:
#   before:            socket_timeout 2, a frozen server: GET ends: TimeoutError
#   after Queue():     socket_timeout 2
#   after Worker():    socket_timeout 415, a frozen server: GET still waits after 6 s
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
pypi rq==3.0.0 redis==8.1.0
port=$(free_port)
server one "$port"
cat >"$tmp/worker.py" <<'END'
import os, signal, sys, threading

import redis
import rq
from redis.backoff import NoBackoff
from redis.retry import Retry

port, server = int(sys.argv[1]), int(sys.argv[2])
client = redis.Redis(port=port, socket_timeout=2, retry=Retry(NoBackoff(), 0))


def timeout():
    return client.connection_pool.connection_kwargs["socket_timeout"]


def get_from_a_frozen_server(wait):
    answers = []

    def get():
        try:
            answers.append(client.get("key"))
        except Exception as error:
            answers.append(type(error).__name__)

    client.connection_pool.reset()
    client.ping()  # a new connection, with the settings of now
    os.kill(server, signal.SIGSTOP)
    thread = threading.Thread(target=get, daemon=True)
    thread.start()
    thread.join(wait)
    waiting = thread.is_alive()
    os.kill(server, signal.SIGCONT)
    thread.join(10)
    return "GET still waits after 6 s" if waiting else f"GET ends: {answers[0]}"


before, frozen_before = timeout(), get_from_a_frozen_server(6)
print(f"before:            socket_timeout {before}, a frozen server: {frozen_before}")
rq.Queue("jobs", connection=client)
queue = timeout()
print(f"after Queue():     socket_timeout {queue}")
rq.SimpleWorker(["jobs"], connection=client)
after, frozen_after = timeout(), get_from_a_frozen_server(6)
print(f"after Worker():    socket_timeout {after}, a frozen server: {frozen_after}")
sys.exit(not ((before, queue, after) == (2, 2, 415) and "TimeoutError" in frozen_before and "still waits" in frozen_after))
END
"$tmp/venv/bin/python" "$tmp/worker.py" "$port" "${pids[0]}" || changed "a worker leaves its caller's client alone"
