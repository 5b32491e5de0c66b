#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12). 6.2.5, 8.0.6 and Valkey 9.1.2 do the same.
#
# A transaction of REPLICAOF and SET makes the server a read-only replica, and then writes to it all the same: EXEC answers OK twice.
# Outside of the transaction the same SET is READONLY. The value is in the replica alone until the next full copy drops it.
#
# Why it surprises: replica-read-only is described without exceptions, and a demotion in MULTI together with a marker ("old master")
# is an obvious thing to do. Commands in a transaction are checked when they are queued, and the server was a master then.
#
# Seen:
#   MULTI, REPLICAOF, SET key value, EXEC:  OK OK
#   role and value:                         role:slave value
#   SET key again, outside:                 READONLY
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
port=$(free_port)
server one "$port"
together=$(printf 'multi\nreplicaof 127.0.0.1 %s\nset key value\nexec\n' "$(free_port)" | redis-cli -p "$port" | tail -2 | xargs)
role=$(redis-cli -p "$port" info replication | tr -d '\r' | grep ^role)
value=$(redis-cli -p "$port" get key)
alone=$(redis-cli -p "$port" set key again | cut -d' ' -f1 | head -1)
echo "MULTI, REPLICAOF, SET key value, EXEC:  $together"
echo "role and value:                         $role $value"
echo "SET key again, outside:                 $alone"
[ "$role $alone" = 'role:slave READONLY' ] || { echo "the server is no read-only replica" >&2 && exit 3; }
[ "$together $value" = 'OK OK value' ] || changed "a write behind REPLICAOF in a transaction is refused"
