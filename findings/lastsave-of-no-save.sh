#!/usr/bin/env bash
# Software: redis-server 7.0.15 and prometheus-redis-exporter 1.45.0 (Debian 12).
#
# LASTSAVE, and rdb_last_save_time in INFO, tell when the server was started where it has saved nothing since: a server that never
# saved anything says that it did a second ago, and one that came back with a file of three days ago says so, too. The exporter's
# redis_rdb_last_save_timestamp_seconds, from which one tells that backups have stopped, starts again with each restart.
#
# Why it surprises: https://redis.io/docs/latest/commands/lastsave/ has it as the time of the last save that succeeded.
#
# Seen (the file was written three days ago; the server has just been started):
#   the file with the data:   259201 s old, keys: 1
#   LASTSAVE:                 1 s ago, saves: 0
#   the exporter:             1 s ago
#   a server without a file:  2 s ago, saves: 0, ok
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
debian 'prometheus-redis-exporter=1.45.0*'
port=$(free_port) empty=$(free_port) web=$(free_port)
server empty "$empty"
server first "$port"
redis-cli -p "$port" set key value >"$tmp/out"
redis-cli -p "$port" save >"$tmp/out"
redis-cli -p "$port" shutdown nosave
wait "${pids[-1]}" || true
touch -d '3 days ago' "$tmp/first/dump.rdb"
server second "$port" --dir "$tmp/first"
prometheus-redis-exporter --redis.addr "redis://127.0.0.1:$port" --web.listen-address "127.0.0.1:$web" 2>"$tmp/exporter" &
pids+=($!)
metric() { curl -sf "http://127.0.0.1:$web/metrics" | sed -n "s/^$1 //p"; }
wait_for metric redis_up
age() { echo $(($(date +%s) - $(printf %.0f "$1"))); }
field() { redis-cli -p "$1" info persistence | tr -d '\r' | sed -n "s/^$2://p"; }
file=$(age "$(stat -c %Y "$tmp/first/dump.rdb")")
saved=$(age "$(redis-cli -p "$port" lastsave)")
exported=$(age "$(metric redis_rdb_last_save_timestamp_seconds)")
never=$(age "$(redis-cli -p "$empty" lastsave)")
echo "the file with the data:   $file s old, keys: $(redis-cli -p "$port" dbsize)"
echo "LASTSAVE:                 $saved s ago, saves: $(field "$port" rdb_saves)"
echo "the exporter:             $exported s ago"
echo "a server without a file:  $never s ago, saves: $(field "$empty" rdb_saves), $(field "$empty" rdb_last_bgsave_status)"
[ "$file" -ge 259200 ] && [ "$(redis-cli -p "$port" get key)" = value ] || { echo "the old file was not loaded" >&2 && exit 3; }
[ "$saved" -lt 60 ] && [ "$exported" -lt 60 ] && [ "$never" -lt 60 ] || changed "the start of a server is no save"
[ "$(field "$empty" rdb_saves)" = 0 ] || changed "the server saved by itself"
