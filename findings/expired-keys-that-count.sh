#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12).
#
# A replica that hears nothing from its master hides the keys whose time is over, but goes on counting them, and still
# names them: GET, EXISTS, KEYS and SCAN say that there is nothing, while DBSIZE and INFO keyspace say 3, and RANDOMKEY
# returns a key that EXISTS denies. MEMORY USAGE measures it, too. It lasts until the master is back.
#
# Why it surprises: https://redis.io/docs/latest/operate/oss_and_stack/management/replication/ says that a replica uses
# its logical clock "to report that a key does not exist" for reads, and https://redis.io/docs/latest/commands/randomkey/
# that nil is returned when the database is empty. A loop "RANDOMKEY, then GET" may never find a value.
#
# Seen:
#   EXISTS 0, KEYS 0, SCAN 0, DBSIZE 3, RANDOMKEY 'a', MEMORY USAGE '48'
#   db0:keys=3,expires=3,avg_ttl=0
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
redis-cli -p "$master" >"$tmp/out" <<'END'
SET a 1 PX 4000
SET b 1 PX 4000
SET c 1 PX 4000
END
wait_for in_step
kill -STOP "${pids[0]}"
ask() { redis-cli -p "$replica" "$@"; }
gone() { [ "$(ask exists a b c)" = 0 ]; }
wait_for gone
random=$(ask randomkey)
memory=$(ask memory usage a)
echo "EXISTS $(ask exists a b c), KEYS $(ask keys '*' | grep -c .), SCAN $(ask scan 0 | tail -n +2 | grep -c .)," \
    "DBSIZE $(ask dbsize), RANDOMKEY '$random', MEMORY USAGE '$memory'"
ask info keyspace | grep db0
[ "$(ask dbsize)" = 3 ] || changed "DBSIZE leaves out what has expired"
[[ "$random" =~ ^[abc]$ ]] || changed "RANDOMKEY names no expired key"
[[ "$memory" =~ ^[0-9]+$ ]] || changed "MEMORY USAGE leaves out what has expired"
[ -z "$(ask keys '*')" ] || changed "KEYS shows expired keys"
