#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12). 6.2.5, 8.0.6 and Valkey 9.1.2 do the same.
#
# A replica with fewer databases than its master executes what the master writes to database 5 in the database before it: its own
# value of the same name in database 0 is overwritten, while the master keeps both. The link stays up, the offsets are equal, WAIT
# counts the write as replicated. One line in the log tells of the refused SELECT, and none of the writes behind it.
#
# Why it surprises: a data set that does not fit would have to end the replication, as it does for a full copy: a replica that finds
# a database beyond its last one in the copy refuses that and stops. "databases" in redis.conf says nothing of replicas.
#
# Seen (the replica has databases 1; the master wrote name=zero to database 0, then name=five to database 5):
#   master:   database 0 zero, database 5 five
#   replica:  database 0 five, WAIT 1 1000: 1, master_link_status:up, offsets equal
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
server replica "$replica" --databases 1 --replicaof 127.0.0.1 "$master"
field() { redis-cli -p "$1" info replication | tr -d '\r' | sed -n "s/^$2://p"; }
linked() { [ "$(field "$replica" master_link_status)" = up ] && redis-cli -p "$master" info replication | grep -q state=online; }
wait_for linked
level() { [ "$(field "$replica" slave_repl_offset)" = "$(field "$master" master_repl_offset)" ]; }
redis-cli -e -p "$master" set name zero >"$tmp/out"
wait_for level
copied=$(redis-cli -p "$replica" get name)
# WAIT counts for the writes of its own connection.
acknowledged=$(printf 'set name five\nwait 1 1000\n' | redis-cli -p "$master" -n 5 | tail -1)
wait_for level || true
zero=$(redis-cli -p "$master" get name) five=$(redis-cli -p "$master" -n 5 get name) there=$(redis-cli -p "$replica" get name)
link=$(field "$replica" master_link_status) offsets=$(if level; then echo equal; else echo differ; fi)
echo "master:   database 0 $zero, database 5 $five"
echo "replica:  database 0 $there, WAIT 1 1000: $acknowledged, master_link_status:$link, offsets $offsets"
[ "$copied $zero $five" = 'zero zero five' ] || { echo "the writes are not as they are to be" >&2 && exit 3; }
[ "$there" = five ] || changed "database 5 is not written to database 0 of the replica"
[ "$acknowledged $link $offsets" = '1 up equal' ] || changed "the replication ends, or is reported as incomplete"
