#!/usr/bin/env bash
# Software: redlock-ng 2.0.4 and redis-py 5.3.1 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# extend(lock, additional_ttl=1000) of a lock that has ten seconds left makes it one second: the "additional" time takes the place
# of what is left. It returns True. The lock object goes on to tell its first validity, so that its holder works for nine seconds
# more, and another worker gets the lock meanwhile.
#
# Why it surprises: the method is described as extending the lock by additional_ttl milliseconds, and in redis-py the parameter
# with nearly the same name, Lock.extend(additional_time), adds.
#
# Seen (a lock for 10 s on three servers; extended by 1 s; then 1.5 s of work):
#   after acquire():              about 10 s left
#   after extend(lock, 1000):     True, about 1 s left, validity about 10 s, valid: True
#   1.5 s later:                  another worker gets the lock: True
#   redis-py, 10 s extended by 1:  about 11 s left
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
pypi redlock-ng==2.0.4 redis==5.3.1
one=$(free_port) two=$(free_port) three=$(free_port)
server one "$one"
server two "$two"
server three "$three"
cat >"$tmp/lock.py" <<'END'
import sys, time

import redis
from redlock import Redlock, RedlockConfig

urls = [f"redis://127.0.0.1:{port}/0" for port in sys.argv[1:]]
clients = [redis.Redis.from_url(url) for url in urls]
config = RedlockConfig(masters=urls, socket_timeout=5, socket_connect_timeout=5)
locks, others = (Redlock(config, retry_count=1) for _ in range(2))


def left(name):
    return round(max(client.pttl(name) for client in clients) / 1000)


lock = locks.acquire("job", 10000)
taken = left("job")
print(f"after acquire():               about {taken} s left")
extended = locks.extend(lock, 1000)
after, told = left("job"), round(lock.validity / 1000)
print(f"after extend(lock, 1000):      {extended}, about {after} s left, validity about {told} s, valid: {lock.valid}")
time.sleep(1.5)
other = others.acquire("job", 10000) is not None
print(f"1.5 s later:                   another worker gets the lock: {other}")
ours = clients[0].lock("ours", timeout=10)
ours.acquire()
ours.extend(1)
print(f"redis-py, 10 s extended by 1:  about {left('ours')} s left")
sys.exit((taken, extended, after, told, lock.valid, other, left("ours")) != (10, True, 1, 10, True, True, 11))
END
"$tmp/venv/bin/python" "$tmp/lock.py" "$one" "$two" "$three" || changed "extend() adds to what is left"
