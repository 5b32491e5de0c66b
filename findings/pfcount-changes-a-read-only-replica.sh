#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12). Valkey 9.1.2 does the same.
#
# PFCOUNT at a read-only replica changes the replica's value: it stores its result there, in the value's own bytes, and no
# command comes from or goes to the master. Afterwards master and replica hold different bytes under the same key (GET, DUMP and
# DEBUG DIGEST say so), and a tool that compares them reports a replica that has diverged. It lasts until the next PFADD.
#
# Why it surprises: https://redis.io/docs/latest/commands/pfcount/ says that PFCOUNT may modify the key, and is for that reason
# a write command of sorts. A replica refuses write commands with READONLY, and replica-read-only is on here.
#
# Seen:                     master          replica
#   before PFCOUNT:         bfcb2efd        bfcb2efd
#   PFCOUNT at the replica: 3
#   after it:               bfcb2efd        2e23ac9c
#   PFADD at the replica:   READONLY
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
redis-cli -p "$master" pfadd visitors a b c >"$tmp/out"
server replica "$replica" --replicaof 127.0.0.1 "$master"
sum() { redis-cli -p "$1" get visitors | sha1sum | cut -c1-8; }
same() { [ "$(sum "$master")" = "$(sum "$replica")" ]; }
wait_for same
echo "                        master          replica"
echo "before PFCOUNT:         $(sum "$master")        $(sum "$replica")"
count=$(redis-cli -p "$replica" pfcount visitors)
refused=$(redis-cli -p "$replica" pfadd visitors d | head -1 | cut -d' ' -f1)
echo "PFCOUNT at the replica: $count"
echo "after it:               $(sum "$master")        $(sum "$replica")"
echo "PFADD at the replica:   $refused"
[ "$refused" = READONLY ] || { echo "the replica takes writes" >&2 && exit 3; }
if same; then changed "PFCOUNT leaves the replica's value alone"; fi
