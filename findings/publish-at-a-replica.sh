#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12).
#
# PUBLISH sent to a read-only replica is accepted, and reaches the subscribers of that one server alone: neither those at
# the master, nor those at replicas of this replica. What is published at the master reaches all three. A client that
# sends PUBLISH over its read pool loses messages without an error.
#
# Why it surprises: a write at a replica is refused with READONLY, so one expects the same here, or a message that
# travels. https://redis.io/docs/latest/commands/publish/ has a word on clusters (where messages are forwarded to every
# node) and none on replicas.
#
# Seen:
#   published at the master:  heard by master replica sub-replica
#   published at the replica: heard by replica
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
sub=$(free_port)
server sub "$sub" --replicaof "127.0.0.1 $replica"
sub_linked() { redis-cli -p "$sub" info replication | grep -q master_link_status:up; }
wait_for sub_linked
ports=("$master" "$replica" "$sub")
names=(master replica sub-replica)
for index in 0 1 2; do
    redis-cli -p "${ports[index]}" --csv subscribe news >"$tmp/heard.$index" 2>"$tmp/err" &
    pids+=($!)
    wait_for grep -q subscribe "$tmp/heard.$index"
done
heard() {
    for index in 0 1 2; do if grep -q "\"$1\"" "$tmp/heard.$index"; then printf ' %s' "${names[index]}"; fi; done
}
redis-cli -p "$replica" publish news from-replica >"$tmp/receivers"
redis-cli -p "$master" publish news from-master >"$tmp/out"
# The master's message came later over the same links: where it is, the other one would be, too.
for index in 0 1 2; do wait_for grep -q from-master "$tmp/heard.$index"; done
echo "published at the master:  heard by$(heard from-master)"
echo "published at the replica: heard by$(heard from-replica)"
grep -qx 1 "$tmp/receivers" || changed "PUBLISH at a replica is not accepted"
[ "$(heard from-replica)" = " replica" ] || changed "the message of the replica reached other servers"
