#!/usr/bin/env bash
# Software: cashews 7.6.0 and redis-py 7.4.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# slice_rate_limit(limit=2, period=3) lets the first two calls of a steady caller through, and never again one, as long as the
# caller keeps asking: the call that is refused takes the place of the one that falls out of the window. A caller who stops for
# three seconds is let in again; one who asks twice a second for an hour gets two calls done in that hour.
#
# Why it surprises: https://pypi.org/project/cashews/ has it as a limit of N calls in a window; the ban for somebody who goes over
# the limit belongs to the other decorator, rate_limit, where it is a parameter of its own. Two of six calls should go through.
#
# Seen (a call each half second for 12 s):
#   slice_rate_limit:  110000000000000000000000
#   after 3 s of rest: 11
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
pypi cashews==7.6.0 redis==7.4.0
port=$(free_port)
server one "$port"
cat >"$tmp/limit.py" <<'END'
import asyncio, sys

from cashews import Cache, RateLimitError

cache = Cache()
cache.setup(f"redis://127.0.0.1:{sys.argv[1]}")


@cache.slice_rate_limit(limit=2, period=3, key="limit")
async def work():
    return "1"


async def ask(times):
    seen = ""
    for _ in range(times):
        try:
            seen += await work()
        except RateLimitError:
            seen += "0"
        await asyncio.sleep(0.5)
    return seen


async def main():
    steady = await ask(24)
    await asyncio.sleep(3)
    rested = await ask(2)
    print("slice_rate_limit: ", steady)
    print("after 3 s of rest:", rested)
    sys.exit(steady != "11" + "0" * 22 or rested != "11")


asyncio.run(main())
END
"$tmp/venv/bin/python" "$tmp/limit.py" "$port" || changed "calls are let through again"
