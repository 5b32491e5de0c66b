#!/usr/bin/env bash
# Software: cashews 7.6.0 with redis-py 8.1.0, and with redis-py 7.4.0 for comparison (PyPI); redis-server 7.0.15 (Debian 12).
#
# cashews with client_side=True keeps values in the process, and has the server tell it of changes. With redis-py 8 it is told
# nothing: the client speaks RESP3 now, in which the news comes in another form than the one that cashews reads. Each process
# reads its own old value, for ever; no error, no line in the log.
#
# Why it surprises: https://pypi.org/project/cashews/ means Redis's client-side caching, in which the server keeps the readers up to
# date. cashews 7.6.0 asks for any redis-py from 4.3.1 on, and pip installs both without a word.
#
# Seen (one process reads, another one sets "two", 1 s later):
#   redis-py 8.1.0:              reader: one, writer: two
#   redis-py 8.1.0, protocol=2:  reader: two, writer: two
#   redis-py 7.4.0:              reader: two, writer: two
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
pypi cashews==7.6.0 redis==8.1.0
"$tmp/venv/bin/pip" install -q --disable-pip-version-check --no-deps --target "$tmp/older" redis==7.4.0 || exit 2
port=$(free_port)
server one "$port"
cat >"$tmp/caches.py" <<'END'
import asyncio, sys

from cashews import Cache


async def main():
    reader, writer = Cache(), Cache()
    for cache in reader, writer:
        cache.setup(sys.argv[1], client_side=True)
    await reader.set("key", "one")
    await reader.get("key")
    await asyncio.sleep(0.5)
    await writer.set("key", "two")
    await asyncio.sleep(1)
    print(f"reader: {await reader.get('key')}, writer: {await writer.get('key')}")


asyncio.run(main())
END
look() { "$tmp/venv/bin/python" "$tmp/caches.py" "redis://127.0.0.1:$port$1" 2>"$tmp/errors" || { cat "$tmp/errors" >&2 && exit 3; }; }
new=$(look "")
two=$(look "?protocol=2")
old=$(PYTHONPATH=$tmp/older look "")
echo "redis-py 8.1.0:              $new"
echo "redis-py 8.1.0, protocol=2:  $two"
echo "redis-py 7.4.0:              $old"
[ "$new" = "reader: one, writer: two" ] || changed "cashews hears of changes with redis-py 8"
[ "$two $old" = "reader: two, writer: two reader: two, writer: two" ] || changed "cashews hears of nothing with RESP2, or an older redis-py"
