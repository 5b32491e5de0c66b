#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12). 6.0, 6.2.5, 8.0.6, Valkey 8.1 and 9.1.2 do the same.
#
# A master that no replica has reached yet gets another replication ID when the first one does, and the old one is not kept as
# master_replid2. So the ID that a fail-over tool noted when it promoted such a server (a replica that never had a link, or a new
# master) is void a moment later, with no write, restart or change of role in between. The second replica changes nothing.
#
# Why it surprises: https://redis.io/docs/latest/operate/oss_and_stack/management/replication/ says that a replication ID marks "a
# given history of the data set", changes when an instance restarts as a master or is promoted, and that the one from before a
# promotion is remembered. A replica that attaches does not change the data.
#
# Seen (IDs shortened; they differ at each run):
#   promoted:        id 3c6ffb62 id2 0c0b1b8f
#   first replica:   id 2f6a7fde id2 00000000
#   second replica:  id 2f6a7fde id2 00000000
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
master=$(free_port) first=$(free_port) second=$(free_port) nobody=$(free_port)
value() { redis-cli -p "$master" info replication | tr -d '\r' | sed -n "s/^$1://p"; }
say() { echo "$1 id $(value master_replid | cut -c1-8) id2 $(value master_replid2 | cut -c1-8)"; }
# A replica whose master is away is promoted.
server master "$master" --replicaof "127.0.0.1 $nobody"
redis-cli -p "$master" replicaof no one >"$tmp/out"
redis-cli -p "$master" set key value >"$tmp/out"
promoted=$(value master_replid) before=$(value master_replid2)
say "promoted:       "
linked() { redis-cli -p "$1" info replication | grep -q master_link_status:up; }
server first "$first" --replicaof "127.0.0.1 $master"
wait_for linked "$first"
renamed=$(value master_replid) after=$(value master_replid2)
say "first replica:  "
server second "$second" --replicaof "127.0.0.1 $master"
wait_for linked "$second"
say "second replica: "
zeros=0000000000000000000000000000000000000000
[ "$before" != "$zeros" ] || { echo "the promotion kept no earlier ID" >&2 && exit 3; }
[ "$renamed" != "$promoted" ] || changed "the first replica leaves the ID as it is"
[ "$after" = "$zeros" ] || changed "the ID from before is remembered"
[ "$(value master_replid)" = "$renamed" ] || changed "the second replica changes the ID, too"
