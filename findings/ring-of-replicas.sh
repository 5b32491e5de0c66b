#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12). Valkey 9.1.2 does the same.
#
# Two servers that are replicas of each other are content: REPLICAOF says OK, each reports master_link_status:up and one
# connected replica, reads are answered, and no write is accepted anywhere. There is no master, and neither the log nor INFO has
# a word about it. A replica that was sent to itself (REPLICAOF with its own address, which a Service with the wrong label
# selects) says OK as well; there the link stays down.
#
# Why it surprises: https://redis.io/docs/latest/operate/oss_and_stack/management/replication/ lets replicas follow other
# replicas, in a cascade, and master_link_status:up is what readiness checks look at. A ring is a cascade without an upper
# end, and each link of it is up.
#
# Seen:
#   one:    role:slave master_link_status:up connected_slaves:1   SET: READONLY
#   other:  role:slave master_link_status:up connected_slaves:1   SET: READONLY
#   alone:  REPLICAOF itself: OK, role:slave master_link_status:down
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
one=$(free_port) other=$(free_port) alone=$(free_port)
server one "$one"
server other "$other" --replicaof 127.0.0.1 "$one"
server alone "$alone"
about() { redis-cli -p "$1" info replication | tr -d '\r' | grep -E '^(role|master_link_status|connected_slaves):' | xargs; }
linked() { about "$1" | grep -q link_status:up; }
replica_online() { redis-cli -p "$one" info replication | grep -q state=online; }
wait_for linked "$other"
wait_for replica_online
redis-cli -p "$one" replicaof 127.0.0.1 "$other" >"$tmp/out"
wait_for linked "$one"
wait_for linked "$other"
sleep 3
for name in one other; do
    port=${!name}
    about "$port" >"$tmp/$name.about"
    redis-cli -p "$port" set key value | head -1 | cut -d' ' -f1 >"$tmp/$name.set"
    printf '%-8s%s   SET: %s\n' "$name:" "$(<"$tmp/$name.about")" "$(<"$tmp/$name.set")"
done
answer=$(redis-cli -p "$alone" replicaof 127.0.0.1 "$alone")
itself=$(about "$alone")
echo "alone:  REPLICAOF itself: $answer, ${itself% connected*}"
for name in one other; do
    [ "$(<"$tmp/$name.about")" = "role:slave master_link_status:up connected_slaves:1" ] || changed "$name shows it"
    [ "$(<"$tmp/$name.set")" = READONLY ] || changed "$name takes writes"
done
[ "$answer" = OK ] || changed "REPLICAOF refuses the server's own address"
