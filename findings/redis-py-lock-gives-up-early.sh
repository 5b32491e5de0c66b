#!/usr/bin/env bash
# Software: redis-py 8.1.0 (PyPI), with redis-server 7.0.15 (Debian 12).
#
# A lock that is to be waited for 1.9 s is given up at once when it looks every 2 s, and after 1 s when it looks every second: no
# attempt is made at the end of the time. A lock that gets free after 1.2 s is then not taken. With the default of 0.1 s between
# two looks, each blocking_timeout below that is a single attempt.
#
# Why it surprises: blocking_timeout is documented as "the maximum amount of time in seconds to spend trying to acquire the lock", and
# sleep as the pause between two looks. Who looks less often to spare the server waits less, too.
#
# Seen (the lock gets free after 1.2 s; blocking_timeout 1.9):
#   sleep 0.1:  taken, after 1 s
#   sleep 1:    not taken, after 1 s
#   sleep 2:    not taken, after 0 s
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
cat >"$tmp/lock.py" <<'END'
import sys, threading, time

import redis

client = redis.Redis(port=int(sys.argv[1]))
seen = []
for sleep in (0.1, 1, 2):
    holder = client.lock("lock", timeout=30, thread_local=False)
    holder.acquire()
    release = threading.Timer(1.2, holder.release)
    release.start()
    started = time.monotonic()
    taken = client.lock("lock", timeout=30, sleep=sleep, blocking_timeout=1.9).acquire()
    seen.append((taken, time.monotonic() - started))
    release.join()
    client.delete("lock")
    print(f"{f'sleep {sleep}:':11} {'taken' if taken else 'not taken'}, after {int(seen[-1][1])} s")
(first, _), (second, waited), (third, at_once) = seen
if not first:
    print("a waiting client does not get the free lock", file=sys.stderr)
    sys.exit(3)
sys.exit(second or third or waited > 1.6 or at_once > 0.7)
END
ended=0
"$tmp/venv/bin/python" "$tmp/lock.py" "$port" || ended=$?
[ "$ended" != 3 ] || exit 3
[ "$ended" = 0 ] || changed "a lock is waited for as long as was asked"
