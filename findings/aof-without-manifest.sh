#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12).
#
# A folder of append-only files that lost its small manifest (a copy, a backup or a sync that left one file out) is taken
# for a new one: the server starts without an error or a warning, empty, and overwrites the base file. Then it appends to
# the old increments, and the next start replays them all: the "lost" data come back, mixed with what was written since.
#
# Why it surprises: https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/ says that the manifest
# tracks the files of appenddirname; a missing increment that the manifest names is a fatal error at start. A missing
# manifest beside files of exactly those names is neither an error nor a new beginning.
#
# Seen:
#   before:                2 keys
#   manifest gone:         0 keys, 0 warnings about it in the log
#   after the next start:  3 keys: new old1 old2
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
server() {
    mkdir "$tmp/$1"
    redis-server --bind 127.0.0.1 --port "$2" --dir "$tmp/$1" --save '' --repl-diskless-sync-delay 0 "${@:3}" >"$tmp/$1/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$2" ping
}
port=$(free_port) run=0
start() {
    run=$((run + 1))
    server "$run" "$port" --appendonly yes --dir "$tmp/data"
    wait_for redis-cli -e -p "$port" dbsize
}
stop() {
    redis-cli -p "$port" shutdown >"$tmp/out"
    wait "${pids[-1]}"
}
keys() { redis-cli -p "$port" keys '*' | sort | xargs; }

mkdir "$tmp/data"
start
redis-cli -p "$port" mset old1 1 old2 2 >"$tmp/out"
echo "before:                $(redis-cli -p "$port" dbsize) keys"
stop
rm "$tmp/data/appendonlydir/appendonly.aof.manifest"
start
empty=$(redis-cli -p "$port" dbsize)
warnings=$(grep ' # ' "$tmp/$run/log" | grep -ic 'aof\|manifest' || true)
echo "manifest gone:         $empty keys, $warnings warnings about it in the log"
redis-cli -p "$port" set new 3 >"$tmp/out"
stop
start
echo "after the next start:  $(redis-cli -p "$port" dbsize) keys: $(keys)"
[ "$empty:$warnings" = 0:0 ] || changed "the server says something, or finds the data"
[ "$(keys)" = "new old1 old2" ] || changed "the old increments are not replayed"
