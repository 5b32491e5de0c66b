#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12).
#
# A replica that loses the link to its master during CLIENT PAUSE forgets its place in the stream: it copies all data again, and
# until then INFO says slave_repl_offset:1, so that nothing can tell how far its data go. Without a pause the same cut costs a
# partial resynchronisation. One key is written on the master meanwhile: the command waits on the replica, and a link with a
# command that waits is not remembered.
#
# Why it surprises: https://redis.io/docs/latest/commands/client-pause/ says that interactions with replicas continue normally, and
# a pause is what a backup or a maintenance script takes for harmless. Where the master died, a replica without its place cannot be
# compared with the others any more.
#
# Seen:
#   without a pause:  partial 1  full 0  slave_repl_offset kept
#   during a pause:   partial 0  full 1  slave_repl_offset 1
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
server replica "$replica" --replicaof 127.0.0.1 "$master"
field() { redis-cli -p "$1" info all | tr -d '\r' | sed -n "s/^$2://p"; }
linked() { [ "$(field "$replica" master_link_status)" = up ]; }
in_step() { [ "$(field "$replica" slave_repl_offset)" = "$(field "$master" master_repl_offset)" ]; }
down() { [ "$(field "$replica" master_link_status)" = down ]; }
# Cuts the link where it cannot come back at once, and says what that costs.
cut_link() {
    local partial full
    partial=$(field "$master" sync_partial_ok) full=$(field "$master" sync_full)
    # The replica has another password than it needs for a moment.
    redis-cli -p "$master" config set requirepass secret >/dev/null
    redis-cli -p "$master" -a secret --no-auth-warning client kill type replica >/dev/null
    wait_for down
    sleep 1.5
    offset=$(field "$replica" slave_repl_offset)
    redis-cli -p "$master" -a secret --no-auth-warning config set requirepass '' >/dev/null
    wait_for linked
    if [ "$offset" != 1 ]; then offset=kept; fi
    said="partial $(($(field "$master" sync_partial_ok) - partial))  full $(($(field "$master" sync_full) - full))  slave_repl_offset $offset"
}
wait_for linked
redis-cli -p "$master" set a 1 >/dev/null
wait_for in_step
cut_link
without=$said
redis-cli -p "$replica" client pause 1000 write >/dev/null
redis-cli -p "$master" set b 1 >/dev/null
sleep 0.2
cut_link
during=$said
echo "without a pause:  $without"
echo "during a pause:   $during"
[ "$without" = "partial 1  full 0  slave_repl_offset kept" ] || changed "without a pause"
[ "$during" = "partial 0  full 1  slave_repl_offset 1" ] || changed "during a pause"
