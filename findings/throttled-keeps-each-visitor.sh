#!/usr/bin/env bash
# Software: throttled-py 3.5.0 and redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# The leaking bucket leaves a key without a time to live for each caller who comes once: the expiry is set before the key is made,
# and is lost. A caller who comes again gets one. A service whose callers are addresses or visitors fills its Redis with keys that
# nothing removes, also no eviction where maxmemory-policy is one of the volatile ones. The token bucket gives each key an expiry.
#
# Why it surprises: a bucket that has leaked is worth nothing after a second, the same code asks for an expiry of two, and it is
# the busy callers, of all, whose keys go away.
#
# Seen (per_sec(10), a hundred callers; 3 s later):
#   token bucket, each came once:     100 keys at once, 0 later
#   leaking bucket, each came once:   100 keys at once, 100 later, without an expiry: 100
#   leaking bucket, each came twice:  100 keys at once, 0 later
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
pypi throttled-py==3.5.0 redis==8.1.0
port=$(free_port)
server one "$port"
cat >"$tmp/limit.py" <<'END'
import sys, time

import redis
from throttled import RateLimiterType, Throttled, rate_limiter, store

url = f"redis://127.0.0.1:{sys.argv[1]}/0"
client = redis.Redis.from_url(url)
cases = (
    ("token bucket, each came once:", RateLimiterType.TOKEN_BUCKET.value, 1),
    ("leaking bucket, each came once:", RateLimiterType.LEAKING_BUCKET.value, 1),
    ("leaking bucket, each came twice:", RateLimiterType.LEAKING_BUCKET.value, 2),
)
seen = []
for name, kind, times in cases:
    client.flushall()
    limiter = Throttled(using=kind, quota=rate_limiter.per_sec(10), store=store.RedisStore(server=url))
    for _ in range(times):
        for caller in range(100):
            limiter.limit(f"caller-{caller}")
    before = client.dbsize()
    time.sleep(3)
    later = list(client.scan_iter())
    endless = sum(client.ttl(key) == -1 for key in later)
    print(f"{name:33} {before} keys at once, {len(later)} later" + (f", without an expiry: {endless}" if later else ""))
    seen.append((before, len(later), endless))
sys.exit(seen != [(100, 0, 0), (100, 100, 100), (100, 0, 0)])
END
"$tmp/venv/bin/python" "$tmp/limit.py" "$port" || changed "the keys of the leaking bucket"
