#!/usr/bin/env bash
# Software: redis-collections 0.13.0 and redis-py 5.3.1 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# A Counter with writeback=True that is at 10 and gets update() with one more says 1. Redis has the right 11 at this moment;
# sync(), or the end of a "with" block, writes the 1 there, and the ten are lost. subtract() by one makes it 1, too. update()
# writes the new sum to Redis, and puts what it was given, not the sum, into its own cache, which sync() takes for newer.
#
# Why it surprises: https://redis-collections.readthedocs.io/ describes the class as Python's Counter, and writeback as a cache of
# changes. Without writeback the same lines give 11.
#
# Seen (10 visits, then one more or one less; with writeback after a sync()):
#   collections.Counter:  update: 11                  subtract: 9
#   writeback=False:      update: 11, in Redis: 11    subtract: 9, in Redis: 9
#   writeback=True:       update: 1, in Redis: 1      subtract: 1, in Redis: 1
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
pypi redis-collections==0.13.0 redis==5.3.1
port=$(free_port)
server one "$port"
cat >"$tmp/count.py" <<'END'
import collections, sys

import redis
from redis_collections import Counter

client = redis.Redis(port=int(sys.argv[1]))


def count(change, writeback):
    counter = Counter(redis=client, writeback=writeback)
    counter["page"] = 10
    if writeback:
        counter.sync()
    getattr(counter, change)(["page"])
    before = counter["page"]
    if writeback:
        counter.sync()
    return before, Counter(redis=client, key=counter.key)["page"]


python = []
for change in ("update", "subtract"):
    counter = collections.Counter(page=10)
    getattr(counter, change)(["page"])
    python.append(counter["page"])
print(f"collections.Counter:  update: {python[0]}                  subtract: {python[1]}")
seen = []
for writeback in (False, True):
    texts = []
    for change in ("update", "subtract"):
        before, after = count(change, writeback)
        seen.append((before, after))
        texts.append(f"{change}: {before}, in Redis: {after}")
    print(f"{f'writeback={writeback}:':22}{texts[0]:28}{texts[1]}")
sys.exit(python != [11, 9] or seen != [(11, 11), (9, 9), (1, 1), (1, 1)])
END
"$tmp/venv/bin/python" "$tmp/count.py" "$port" || changed "the counter with writeback counts"
