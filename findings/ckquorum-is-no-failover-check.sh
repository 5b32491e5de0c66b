#!/usr/bin/env bash
# Software: redis-sentinel and redis-server 7.0.15 (Debian 12).
#
# SENTINEL CKQUORUM says "OK … Quorum and failover authorization can be reached" for a master that cannot be failed over at all:
# here its only replica has replica-priority 0, then it has no replica. SENTINEL FAILOVER, asked at the same moment, says
# NOGOODSLAVE. A monitoring check by CKQUORUM is green until the day of the outage.
#
# Why it surprises: https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/ recommends CKQUORUM for monitoring
# systems, to check that a deployment of Sentinel is well. It counts Sentinels, and does not look at replicas.
#
# Seen:
#   replica with priority 0:  CKQUORUM OK   FAILOVER NOGOODSLAVE
#   no replica:               CKQUORUM OK   FAILOVER NOGOODSLAVE
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
master=$(free_port) replica=$(free_port)
server master "$master"
server replica "$replica" --replica-priority 0 --replicaof 127.0.0.1 "$master"
linked() { redis-cli -p "$replica" info replication | grep -q master_link_status:up; }
wait_for linked
# NAME REPLICAS: a Sentinel of this name that knows so many replicas, and what it says.
ask() {
    sentinel=$(free_port)
    printf 'port %s\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 %s 1\n' "$sentinel" "$master" >"$tmp/$1.conf"
    redis-server "$tmp/$1.conf" --sentinel >"$tmp/$1.log" &
    pids+=($!)
    wait_for redis-cli -e -p "$sentinel" ping
    wait_for knows "$2"
    said="CKQUORUM $(word ckquorum)   FAILOVER $(word failover)"
}
knows() {
    [ "$(redis-cli -p "$sentinel" sentinel master main | grep -A1 '^num-slaves$' | tail -1)" = "$1" ] &&
        redis-cli -p "$sentinel" sentinel master main | grep -A1 '^info-refresh$' | tail -1 | grep -qE '^[0-9]{1,5}$'
}
word() { redis-cli -p "$sentinel" sentinel "$1" main | head -1 | cut -d' ' -f1; }
ask one 1
priority=$said
redis-cli -p "$replica" shutdown nosave
wait "${pids[1]}"
gone() { redis-cli -p "$master" info replication | grep -q connected_slaves:0; }
wait_for gone
ask two 0
echo "replica with priority 0:  $priority"
echo "no replica:               $said"
[ "$priority" = "CKQUORUM OK   FAILOVER NOGOODSLAVE" ] || changed "with a replica that must not be promoted"
[ "$said" = "CKQUORUM OK   FAILOVER NOGOODSLAVE" ] || changed "without a replica"
