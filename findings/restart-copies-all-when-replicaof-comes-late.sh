#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12). 6.2.5 and Valkey 9.1.2 do the same.
#
# Whether a replica that was shut down with a save needs the whole data set again depends on who says REPLICAOF: from the
# configuration file it is a partial resynchronisation, by a command after the start a full copy, although the file that was
# loaded holds the same history and offset. With appendonly yes it is a full copy in any case. Operators, start
# scripts and Sentinel that send REPLICAOF to a server that has just started pay with a full copy at every restart.
#
# Why it surprises: https://redis.io/docs/latest/operate/oss_and_stack/management/replication/ says that a replica can store in
# its RDB file what it needs to resynchronise, and recommends SHUTDOWN for it. The position is forgotten when the server starts
# as a master, if only for a second.
#
# Seen (at the master):          full  partial
#   first copy:                  1     0
#   restart, in the file:        1     1
#   restart, then the command:   2     1
#   restart, append-only file:   3     1
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
master=$(free_port) replica=$(free_port)
server master "$master"
folder=$tmp/replica
mkdir "$folder"
start() {
    redis-server --bind 127.0.0.1 --port "$replica" --dir "$folder" --save 3600 1 "$@" >>"$folder/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$replica" ping
}
# A write that arrives says that the replica is in sync again.
in_sync() { [ "$(redis-cli -p "$replica" get "$1")" = arrived ]; }
count() {
    redis-cli -p "$master" set "$1" arrived >"$tmp/out"
    wait_for in_sync "$1"
    redis-cli -p "$master" info stats | tr -d '\r' | sed -nE 's/^sync_(full|partial_ok):/ /p' | xargs | sed 's/ /     /'
}
stop() {
    redis-cli -p "$replica" shutdown save
    wait "${pids[-1]}"
}
of=(--replicaof 127.0.0.1 "$master")
start "${of[@]}"
first=$(count copy)
stop
start "${of[@]}"
file=$(count file)
stop
start
redis-cli -p "$replica" replicaof 127.0.0.1 "$master" >"$tmp/out"
command=$(count command)
redis-cli -p "$replica" config set appendonly yes >"$tmp/out"
written() {
    [ "$(redis-cli -p "$replica" info persistence | tr -d '\r' | grep -E '^aof_(enabled|rewrite)' | head -3 | xargs)" = \
        "aof_enabled:1 aof_rewrite_in_progress:0 aof_rewrite_scheduled:0" ]
}
wait_for written
stop
start --appendonly yes "${of[@]}"
aof=$(count aof)
echo "(at the master)            full  partial"
echo "first copy:                $first"
echo "restart, in the file:      $file"
echo "restart, then the command: $command"
echo "restart, append-only file: $aof"
[ "$first" = "1     0" ] || { echo "the first copy was done otherwise" >&2 && exit 3; }
[ "$file" = "1     1" ] || changed "a restart with replicaof in the file"
[ "$command" = "2     1" ] || changed "REPLICAOF after the start gives a partial resynchronisation"
[ "$aof" = "3     1" ] || changed "an append-only file keeps the position"
