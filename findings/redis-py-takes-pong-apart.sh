#!/usr/bin/env bash
# Software: redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# PubSub.ping(), the way to see that a subscriber's connection is alive, is answered by a message that never was:
# {'type': 'P', 'pattern': None, 'channel': 'O', 'data': 'N'}. With the new default protocol (RESP3) PONG comes as plain
# text where a list was expected, and its letters are taken for the members of a message. A subscriber that looks for type "pong" waits
# in vain; one that takes every message for data has some.
#
# Why it surprises: https://redis.readthedocs.io/en/stable/advanced_features.html lists the types of messages: there is no
# "P". With protocol=2, the default before, the type is "pong".
#
# Seen:
#   default:     {'type': 'P', 'pattern': None, 'channel': 'O', 'data': 'N'}
#   protocol=2:  {'type': 'pong', 'pattern': None, 'channel': None, 'data': ''}
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
pypi redis==8.1.0
port=$(free_port)
server one "$port"
cat >"$tmp/ping.py" <<'END'
import sys

import redis

seen = {}
for name, options in (("default", {}), ("protocol=2", {"protocol": 2})):
    subscriber = redis.Redis(port=int(sys.argv[1]), decode_responses=True, **options).pubsub()
    subscriber.subscribe("news")
    assert subscriber.get_message(timeout=10)["type"] == "subscribe"
    subscriber.ping()
    seen[name] = subscriber.get_message(timeout=10)
    print(f"{name + ':':12} {seen[name]}")
sys.exit(not (seen["default"]["type"] == "P" and seen["protocol=2"]["type"] == "pong"))
END
"$tmp/venv/bin/python" "$tmp/ping.py" "$port" || changed "the answer to PubSub.ping()"
