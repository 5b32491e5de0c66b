#!/usr/bin/env bash
# Software: dramatiq 2.2.1 and redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# A ConcurrentRateLimiter with limit=2 whose one holder died lets only one at a time work, for as long as somebody works: acquire and
# release give the common counter its whole time to live again, so that the dead holder's slot never expires. It comes back after a
# time in which no one worked at all. With limit=1 a holder that took longer than the time to live frees, at its end, the slot of the
# one that came after it, and a third one works beside that.
#
# Why it surprises: the limiter's time to live is there to give back what a dead worker holds, and "at most one" is the promise.
#
# Seen (a time to live of 1.5 s):
#   limit 2, one holder died, others work for 6 s:   two at once: never
#   no work for 2 s, then:                           two at once: True
#   limit 1, the first works for 2 s, and ends:      the second still works, a third gets in: True
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
pypi dramatiq==2.2.1 redis==8.1.0
port=$(free_port)
server one "$port"
cat >"$tmp/limit.py" <<'END'
import sys, time

from dramatiq.rate_limits import ConcurrentRateLimiter
from dramatiq.rate_limits.backends import RedisBackend

backend = RedisBackend(url=f"redis://127.0.0.1:{sys.argv[1]}")
two = ConcurrentRateLimiter(backend, "two", limit=2, ttl=1500)


def both():
    with two.acquire(raise_on_failure=False) as first, two.acquire(raise_on_failure=False) as second:
        return first and second


died = two.acquire()
died.__enter__()
start = time.monotonic()
seen = []
while time.monotonic() - start < 6:
    seen.append(both())
    time.sleep(0.5)
time.sleep(2)
rested = both()
print("limit 2, one holder died, others work for 6 s:   two at once:", "sometimes" if any(seen) else "never")
print("no work for 2 s, then:                           two at once:", rested)

one = ConcurrentRateLimiter(backend, "one", limit=1, ttl=1500)
late, second, third = (one.acquire(raise_on_failure=False) for _ in range(3))
late.__enter__()
time.sleep(2)
after = second.__enter__()
late.__exit__(None, None, None)
beside = third.__enter__()
print("limit 1, the first works for 2 s, and ends:      the second still works, a third gets in:", after and beside)
sys.exit(any(seen) or not rested or not (after and beside))
END
"$tmp/venv/bin/python" "$tmp/limit.py" "$port" || changed "a slot belongs to its holder"
