#!/usr/bin/env bash
# Software: redlock-py 1.0.8 and redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# With one of three servers down, lock() takes the lock on the other two, which is the majority, and then raises a
# MultipleRedlockException instead of returning it. The caller has nothing to work with, nor to unlock with; no one else gets the
# lock either until it expires. So it is with each lock, for as long as the one server is away.
#
# Why it surprises: coming through the loss of a minority is what several servers are for in the algorithm that
# https://pypi.org/project/redlock-py/ names, and this page has lock() return False, or the lock.
#
# Seen (time to live 30 s):
#   three of three servers:  lock() returns a Lock          the lock is on 3 servers, after unlock() on 0
#   two of three servers:    MultipleRedlockException       the lock is on 2 servers, for more than 10 s more
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
pypi redlock-py==1.0.8 redis==8.1.0
one=$(free_port) two=$(free_port) three=$(free_port)
server one "$one"
server two "$two"
server three "$three"
cat >"$tmp/lock.py" <<'END'
import sys

from redlock import Redlock

locks = Redlock([{"host": "127.0.0.1", "port": int(port)} for port in sys.argv[1:]])
try:
    lock = locks.lock("job", 30000)
    print("lock() returns a Lock" if lock else lock)
    sys.stdout.flush()
    sys.stdin.readline()
    if lock:
        locks.unlock(lock)
except Exception as error:
    print(type(error).__name__)
END
held() {
    local count=0 port left
    for port in "$@"; do
        left=$(redis-cli -p "$port" pttl job)
        if [ "$left" -gt 10000 ]; then count=$((count + 1)); fi
    done
    echo "$count"
}
mkfifo "$tmp/go"
"$tmp/venv/bin/python" "$tmp/lock.py" "$one" "$two" "$three" <"$tmp/go" >"$tmp/all" 2>"$tmp/errors" &
pids+=($!)
exec 9>"$tmp/go"
wait_for grep -q . "$tmp/all"
before=$(held "$one" "$two" "$three")
echo >&9
exec 9>&-
wait "${pids[-1]}"
after=$(held "$one" "$two" "$three")
redis-cli -p "$three" shutdown nosave
"$tmp/venv/bin/python" "$tmp/lock.py" "$one" "$two" "$three" </dev/null >"$tmp/most" 2>"$tmp/errors"
most=$(held "$one" "$two")
echo "three of three servers:  $(cat "$tmp/all")      the lock is on $before servers, after unlock() on $after"
echo "two of three servers:    $(cat "$tmp/most")   the lock is on $most servers, for more than 10 s more"
[ "$(cat "$tmp/all") $before $after" = "lock() returns a Lock 3 0" ] || changed "a lock on all servers"
[ "$(cat "$tmp/most") $most" = "MultipleRedlockException 2" ] || changed "a lock on most servers is returned"
