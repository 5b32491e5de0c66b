#!/usr/bin/env bash
# Software: prometheus-redis-exporter 1.45.0 and redis-server 7.0.15 (Debian 12).
#
# redis_master_last_io_seconds_ago, the metric that says how long a replica has not heard from its master, is -1 from the
# moment that the link is down. It never grows: an alert such as "redis_master_last_io_seconds_ago > 60" can fire for a
# master that is connected and silent, and never for one that is gone. INFO has the age of the loss
# (master_link_down_since_seconds), which this exporter leaves out.
#
# Why it surprises: the name promises an age in seconds, and https://redis.io/docs/latest/commands/info/ calls the field
# the "number of seconds since the last interaction with master", without a word on -1.
#
# Seen:
#   link up:    redis_master_link_up 1, redis_master_last_io_seconds_ago 4
#   link down:  redis_master_link_up 0, redis_master_last_io_seconds_ago -1
#   later:      redis_master_link_up 0, redis_master_last_io_seconds_ago -1, INFO says down for 3 s
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
server replica "$replica" --replicaof "127.0.0.1 $master"
linked() { redis-cli -p "$replica" info replication | grep -q master_link_status:up; }
in_step() { [ "$(redis-cli -p "$replica" info replication | grep ^slave_repl_offset | tr -dc 0-9)" = "$(redis-cli -p "$master" info replication | grep ^master_repl_offset | tr -dc 0-9)" ]; }
wait_for linked
debian 'prometheus-redis-exporter=1.45.0*'
port=$(free_port)
prometheus-redis-exporter -redis.addr "redis://127.0.0.1:$replica" -web.listen-address "127.0.0.1:$port" 2>"$tmp/exporter" &
pids+=($!)
metric() { curl -s "http://127.0.0.1:$port/metrics" | grep "^$1{" | cut -d' ' -f2; }
say() { echo "redis_master_link_up $(metric redis_master_link_up), redis_master_last_io_seconds_ago $(metric redis_master_last_io_seconds_ago)"; }
is() { [ "$(metric redis_master_link_up)" = "$1" ]; }
down_for() { redis-cli -p "$replica" info replication | tr -d '\r' | sed -n 's/^master_link_down_since_seconds://p'; }
old() { [ "$(down_for)" -ge 3 ]; }

wait_for is 1
up=$(say)
redis-cli -p "$master" shutdown nosave >"$tmp/out"
wait_for is 0
down=$(say)
wait_for old
later=$(say)
echo "link up:    $up"
echo "link down:  $down"
echo "later:      $later, INFO says down for $(down_for) s"
[[ "$up" =~ ^redis_master_link_up\ 1,\ redis_master_last_io_seconds_ago\ [0-9]+$ ]] || changed "the age while the link is up"
[ "$later" = "redis_master_link_up 0, redis_master_last_io_seconds_ago -1" ] || changed "the age grows while the link is down"
[ -z "$(metric redis_master_link_down_since_seconds)" ] || changed "the exporter shows since when the link is down"
