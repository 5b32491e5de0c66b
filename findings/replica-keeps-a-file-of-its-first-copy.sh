#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12). Valkey 9.1.2 does the same.
#
# A replica without persistence (save "", no append-only file) leaves a dump.rdb behind: the copy with which it began. The file
# is never renewed, and it is loaded at the next start. A replica that has followed for weeks, is restarted and does not
# find its master serves what the master had weeks ago: deleted keys are back, newer ones are missing. If it is
# started without replicaof, it is a master with these data.
#
# Why it surprises: https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/ presents "no persistence" as a
# server that writes nothing to disk. The option that removes the file, rdb-del-sync-files, is off by default; redis.conf
# speaks of security there, not of old data at the next start.
#
# Seen:
#   replica:            save "", appendonly no, keys: new
#   in its folder:      dump.rdb
#   after its restart:  keys: old, master_link_status:down
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
redis-cli -p "$master" set old 1 >"$tmp/out"
server replica "$replica" --appendonly no --replicaof 127.0.0.1 "$master"
arrived() { [ "$(redis-cli -p "$replica" keys '*' | xargs)" = "$1" ]; }
wait_for arrived old
redis-cli -p "$master" del old >"$tmp/out"
redis-cli -p "$master" set new 1 >"$tmp/out"
wait_for arrived new
saves=$(redis-cli -p "$replica" config get save | tail -1)
echo "replica:            save \"$saves\", appendonly no, keys: $(redis-cli -p "$replica" keys '*')"
redis-cli -p "$replica" shutdown
redis-cli -p "$master" shutdown
wait
files=$(find "$tmp/replica" -name '*.rdb' -printf '%f')
echo "in its folder:      $files"
redis-server --bind 127.0.0.1 --port "$replica" --dir "$tmp/replica" --save '' --replicaof 127.0.0.1 "$master" >"$tmp/log" &
pids+=($!)
wait_for redis-cli -e -p "$replica" ping
keys=$(redis-cli -p "$replica" keys '*' | xargs)
echo "after its restart:  keys: $keys, $(redis-cli -p "$replica" info replication | tr -d '\r' | grep master_link_status)"
[ "$files" = dump.rdb ] || changed "a replica without persistence leaves no file"
[ "$keys" = old ] || changed "the old copy is not loaded"
