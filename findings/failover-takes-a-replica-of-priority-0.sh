#!/usr/bin/env bash
# Software: redis-server and redis-sentinel 7.0.15 (Debian 12). Valkey 9.1.2's FAILOVER does the same.
#
# FAILOVER, which chooses a replica itself, promotes one with replica-priority 0. Sentinel refuses the same group of servers:
# there is no good replica. With two replicas FAILOVER takes whichever has the whole stream first, and does not look at
# priorities.
#
# Why it surprises: the comment in redis.conf says of priority 0 that it marks a replica as not able to be a master; it is set for
# a smaller machine, another place, or a replica that is there for backups. https://redis.io/docs/latest/commands/failover/ names
# neither priorities nor an exception from them.
#
# Seen (a master with one replica, whose priority is 0):
#   SENTINEL FAILOVER main:  NOGOODSLAVE No suitable replica to promote
#   FAILOVER:                OK
#   roles afterwards:        the old master is slave, the replica of priority 0 is master
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
debian 'redis-sentinel=5:7.0.15*'
master=$(free_port) replica=$(free_port) sentinel=$(free_port)
server master "$master"
server replica "$replica" --replicaof 127.0.0.1 "$master" --replica-priority 0
linked() { redis-cli -p "$master" info replication | grep -q '^slave0:.*state=online'; }
wait_for linked
printf 'port %s\nbind 127.0.0.1\ndir %s\nsentinel monitor main 127.0.0.1 %s 1\n' "$sentinel" "$tmp" "$master" >"$tmp/sentinel.conf"
redis-server "$tmp/sentinel.conf" --sentinel >"$tmp/sentinel.log" &
pids+=($!)
priority() { [ "$(redis-cli -p "$sentinel" sentinel replicas main | grep -A1 '^slave-priority$' | tail -1)" = 0 ]; }
wait_for priority
refused=$(redis-cli -p "$sentinel" sentinel failover main | head -1)
# From here on without Sentinel, which does not get on with FAILOVER.
kill -KILL "${pids[-1]}"
wait "${pids[-1]}" 2>/dev/null || true
taken=$(redis-cli -p "$master" failover)
role() { redis-cli -p "$1" role | head -1; }
over() { [ "$(role "$replica")" = master ] && [ "$(role "$master")" = slave ]; }
for _ in $(seq 100); do if over; then break; fi; sleep 0.1; done
old=$(role "$master") new=$(role "$replica")
echo "SENTINEL FAILOVER main:  $refused"
echo "FAILOVER:                $taken"
echo "roles afterwards:        the old master is $old, the replica of priority 0 is $new"
[[ "$refused" == NOGOODSLAVE* ]] || changed "Sentinel takes a replica of priority 0"
[ "$taken, $old, $new" = "OK, slave, master" ] || changed "FAILOVER leaves a replica of priority 0 out"
