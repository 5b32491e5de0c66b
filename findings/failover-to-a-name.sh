#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12). Valkey 9.1.2 does the same.
#
# FAILOVER TO takes the replica's address as text: with a name that leads to just that replica the answer is "ERR FAILOVER
# target HOST and PORT is not a replica." Only the words that INFO shows will do. After the fail-over the old master follows an
# address, although its replica was set up by a name; CONFIG REWRITE writes it down, for the day when it is another pod's.
#
# Why it surprises: https://redis.io/docs/latest/commands/failover/ asks for a host and a port, as REPLICAOF does, which takes
# names; and the error says of a server that is a replica that it is none.
#
# Seen (the replica was set up with "replicaof localhost"):
#   FAILOVER TO localhost:   ERR FAILOVER target HOST and PORT is not a replica.
#   FAILOVER TO 127.0.0.1:   OK
#   the old master's file:   replicaof 127.0.0.1 <port>
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
mkdir "$tmp/one"
printf 'bind 127.0.0.1\nport %s\ndir %s/one\nsave ""\nrepl-diskless-sync-delay 0\n' "$master" "$tmp" >"$tmp/conf"
redis-server "$tmp/conf" >"$tmp/log" &
pids+=($!)
wait_for redis-cli -e -p "$master" ping
server replica "$replica" --replicaof localhost "$master"
online() { redis-cli -p "$master" info replication | grep -q state=online; }
role() { [ "$(redis-cli -p "$1" role | head -1)" = "$2" ]; }
wait_for online
name=$(redis-cli -p "$master" failover to localhost "$replica" | head -1)
address=$(redis-cli -p "$master" failover to 127.0.0.1 "$replica" | head -1)
wait_for role "$replica" master
wait_for role "$master" slave
redis-cli -e -p "$master" config rewrite >"$tmp/out"
file=$(grep ^replicaof "$tmp/conf" | sed "s/ $replica\$/ <port>/")
echo "FAILOVER TO localhost:   $name"
echo "FAILOVER TO 127.0.0.1:   $address"
echo "the old master's file:   $file"
[ "$name" = "ERR FAILOVER target HOST and PORT is not a replica." ] || changed "a name is taken"
[ "$address" = OK ] || { echo "the fail-over does not work" >&2 && exit 3; }
[ "$file" = "replicaof 127.0.0.1 <port>" ] || changed "the old master follows a name"
