#!/usr/bin/env bash
# Software: huey 3.5.4 and redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# RedisHuey("shop-1.1") and RedisHuey("shop-11") are one queue: all but letters, digits and _ is taken out of a name before it
# becomes a key. The consumer of one application takes the other one's tasks. Where it knows the task's name it does it, as here,
# where two releases run side by side; where it does not, it logs an error, and the task is gone. flush() of one empties both.
#
# Why it surprises: a name is there to tell one queue from another in the same database, and "my-app", the example on
# https://pypi.org/project/huey/, has such a character itself. A name that is refused would be noticed.
#
# Seen (one task each; the first one's worker asks for the next task twice):
#   keys:                 huey.redis.shop11
#   worker of shop-1.1:   did the task of release 1.1, did the task of release 11
#   waiting for shop-11:  0
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
pypi huey==3.5.4 redis==8.1.0
port=$(free_port)
server one "$port"
cat >"$tmp/tasks.py" <<'END'
import sys

import redis
from huey import RedisHuey


def application(release):
    huey = RedisHuey(f"shop-{release}", port=int(sys.argv[1]), blocking=False)

    @huey.task(name="send", namespace="mail")
    def send(text):
        done.append(text)

    return huey, send


done = []
first, send_first = application("1.1")
second, send_second = application("11")
send_first("release 1.1")
send_second("release 11")
keys = sorted(key.decode() for key in redis.Redis(port=int(sys.argv[1])).keys("huey.redis.*"))
for _ in range(2):
    task = first.dequeue()
    if task is not None:
        first.execute(task)
waiting = second.pending_count()
print("keys:                ", *keys)
print("worker of shop-1.1:  ", ", ".join(f"did the task of {text}" for text in done))
print("waiting for shop-11: ", waiting)
sys.exit(keys != ["huey.redis.shop11"] or done != ["release 1.1", "release 11"] or waiting != 0)
END
"$tmp/venv/bin/python" "$tmp/tasks.py" "$port" || changed "each name has its own queue"
