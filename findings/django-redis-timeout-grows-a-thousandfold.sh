#!/usr/bin/env bash
# Software: django-redis 7.0.0, Django 5.2.19 and redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# With REPLICA_READ_ONLY False, cache.set() goes to the next server when the first one is away. The value that arrives there lives
# a thousand times longer than asked for: 60 s become 16 hours. The seconds are made milliseconds in the loop that tries the
# servers, once for each of them.
#
# Why it surprises: the loop exists for the case that the first server is away, and a session or a lock of a minute is in the
# cache only because it ends after a minute. With the first server up the same line is right.
#
# Seen (cache.set("k", "v", timeout=60)):
#   first of two servers up:    60 s left
#   first of two servers away:  60000 s left
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
pypi django-redis==7.0.0 Django==5.2.19 redis==8.1.0
port=$(free_port) away=$(free_port)
server one "$port"
cat >"$tmp/cache.py" <<'END'
import sys

import django
from django.conf import settings

up, away = (f"redis://127.0.0.1:{port}/0" for port in sys.argv[1:])
options = {"REPLICA_READ_ONLY": False}
settings.configure(CACHES={
    name: {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": servers, "KEY_PREFIX": name, "OPTIONS": options}
    for name, servers in {"default": [up, away], "second": [away, up]}.items()
})
django.setup()
from django.core.cache import caches

import redis

left = []
for name in ("default", "second"):
    caches[name].set("k", "v", timeout=60)
    left.append(round(redis.Redis.from_url(up).pttl(f"{name}:1:k") / 1000))
print(f"first of two servers up:    {left[0]} s left")
print(f"first of two servers away:  {left[1]} s left")
sys.exit(left != [60, 60000])
END
"$tmp/venv/bin/python" "$tmp/cache.py" "$port" "$away" || changed "the time to live is as asked for"
