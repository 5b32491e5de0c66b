#!/usr/bin/env bash
# Software: redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# expire(key, timedelta(milliseconds=400)) deletes the key at once, and returns True: redis-py cuts the time down to whole
# seconds, sends EXPIRE key 0, and Redis takes a time to live of 0 as a deletion. timedelta(milliseconds=1900) becomes one
# second. set(ex=…) with the same 400 ms is an error of the server instead; px=… and pexpire keep the milliseconds.
#
# Why it surprises: https://redis.readthedocs.io/en/stable/commands.html says that the time "can be represented by an
# integer or a Python timedelta object", and a timedelta has microseconds. Nothing is rounded up, and nothing is refused.
#
# Seen:
#   expire 1900 ms:   True, PTTL at most 1000: True, value b'v'
#   expire 400 ms:    True, value None
#   set ex=400 ms:    ResponseError: invalid expire time in 'set' command
#   pexpire 400 ms:   True, value b'v'
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
cat >"$tmp/expire.py" <<'END'
import sys
from datetime import timedelta

import redis

client = redis.Redis(port=int(sys.argv[1]))
short, long = timedelta(milliseconds=400), timedelta(milliseconds=1900)
client.set("key", "v")
kept = client.expire("key", long)
left = client.pttl("key")
print(f"expire 1900 ms:   {kept}, PTTL at most 1000: {left <= 1000}, value {client.get('key')}")
client.set("key", "v")
done, value = client.expire("key", short), client.get("key")
print(f"expire 400 ms:    {done}, value {value}")
try:
    refused = client.set("key", "v", ex=short)
except redis.ResponseError as error:
    refused = f"ResponseError: {error}"
print(f"set ex=400 ms:    {refused}")
client.set("key", "v")
with client.pipeline() as pipeline:
    right = pipeline.pexpire("key", short).get("key").execute()
print(f"pexpire 400 ms:   {right[0]}, value {right[1]}")
sys.exit(not (left <= 1000 and done and value is None and "invalid expire" in str(refused) and right == [True, b"v"]))
END
"$tmp/venv/bin/python" "$tmp/expire.py" "$port" || changed "a part of a second is kept or refused"
