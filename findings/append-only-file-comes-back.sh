#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12). 6.0.16, 6.2.5, 8.0.6, Valkey 8.1 and 9.1.2 do the same.
#
# CONFIG SET appendonly no ends the append-only file, and leaves it where it is. A later start with "appendonly yes" loads that file,
# however old it is, and not the newer RDB beside it, which SAVE wrote and the last start loaded: each write since the file was
# switched off is gone, and the next save writes the old data over the RDB. Nothing in the log says that there was something newer.
#
# Why it surprises: to switch the file off for a while, as for a bulk load, and on again at the next restart looks harmless: the data
# is saved all the time. https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/ says that the append-only file
# is loaded "since it is guaranteed to be the most complete"; this one is guaranteed to be older.
#
# Seen:
#   append-only file on:        1 key
#   off, five writes, SAVE:     6 keys
#   restart without it:         6 keys
#   restart with it:            1 key
#   SAVE, restart without it:   1 key
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
debian 'redis-server=5:7.0.15*'
[[ "$(redis-server --version)" == *v=7.0.15* ]] || { echo "made for redis-server 7.0.15" >&2 && exit 2; }
port=$(free_port)
mkdir "$tmp/data"
start() {
    redis-server --bind 127.0.0.1 --port "$port" --dir "$tmp/data" --save '' --appendonly "$1" >>"$tmp/log" &
    pid=$!
    pids+=("$pid")
    wait_for redis-cli -e -p "$port" ping
}
stop() {
    redis-cli -p "$port" shutdown nosave >"$tmp/out" 2>&1 || true
    wait "$pid" || true
}
do_it() { redis-cli -e -p "$port" "$@" >"$tmp/out"; }
seen=()
say() {
    local keys
    keys=$(redis-cli -p "$port" dbsize)
    seen+=("$keys")
    echo "$1 $keys $([ "$keys" = 1 ] && echo key || echo keys)"
}
start yes
do_it set first value
say "append-only file on:       "
do_it config set appendonly no
for number in 1 2 3 4 5; do do_it set "key$number" value; done
do_it save
say "off, five writes, SAVE:    "
stop
start no
say "restart without it:        "
stop
start yes
say "restart with it:           "
do_it save
stop
start no
say "SAVE, restart without it:  "
[ "${seen[*]:0:3}" = '1 6 6' ] || { echo "the RDB is not loaded" >&2 && exit 3; }
[ "${seen[*]:3}" = '1 1' ] || changed "the newer file is loaded, or the old one is gone"
