#!/usr/bin/env bash
# Software: redis-cli and redis-server 7.0.15 (Debian 12). Valkey 9.1.2's copies end the same way.
#
# A backup by "redis-cli --rdb -" is 40 bytes longer than the RDB file: at its end is the random mark with which the master
# says that the copy is over. With a file name in place of "-" redis-cli cuts the mark off. What goes straight to compression, to
# encryption or to an object store has another length and another check sum than the same copy that went to a file first.
#
# Why it surprises: redis-cli --help says 'Use filename of "-" to write to stdout' of the same transfer, and reports the right
# number of bytes in both cases. A server loads such a file and redis-check-rdb calls it good, for they stop reading at the
# end of the RDB, so that a restore does not show it either.
#
# Seen:
#   redis-cli: Transfer finished with success after 186 bytes
#   to a file: 186 bytes
#   to a pipe: 226 bytes, the last 40: 3a4ac4ff64dd9d2b1d4fa73e0a3bd8fc18c7b8d2
#   redis-check-rdb: \o/ RDB looks OK! \o/
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
master=$(free_port)
server master "$master"
redis-cli -p "$master" set key value >"$tmp/out"
redis-cli -p "$master" --rdb "$tmp/file" >"$tmp/said" 2>&1
redis-cli -p "$master" --rdb - 2>"$tmp/said.pipe" | cat >"$tmp/pipe"
told=$(sed -nE 's/.*success after ([0-9]+) bytes.*/\1/p' "$tmp/said.pipe")
size() { stat -c %s "$1"; }
last=$(tail -c 40 "$tmp/pipe")
echo "redis-cli: $(tail -1 "$tmp/said.pipe")"
echo "to a file: $(size "$tmp/file") bytes"
echo "to a pipe: $(size "$tmp/pipe") bytes, the last 40: $last"
checked=$(redis-check-rdb "$tmp/pipe" | grep -F 'looks OK' | sed 's/^[^\\]*//')
echo "redis-check-rdb: $checked"
[ "$(size "$tmp/file")" = "$told" ] || changed "a file has another length than redis-cli says"
[ "$(size "$tmp/pipe")" = $((told + 40)) ] || changed "a pipe has another length"
[ -n "$checked" ] || changed "redis-check-rdb refuses it"
[[ "$last" =~ ^[0-9a-f]{40}$ ]] || changed "the end is no mark"
