#!/usr/bin/env bash
# Software: redis-cli 7.0.15 (Debian 12's redis-tools).
#
# "redis-cli --pipe" counts the errors among the replies and exits with 1 if there is one. Errors inside the reply to
# EXEC do not count: a bulk load whose file wraps its writes in MULTI … EXEC reports "errors: 0" and exits with 0 while a
# command in the middle was refused and the others were carried out.
#
# Why it surprises: https://redis.io/docs/latest/develop/clients/patterns/bulk-loading/ recommends --pipe because it
# prints the errors that it gets from the server to standard output, and shows the number of
# errors. A transaction's replies are one nested array; --pipe looks at the outermost type only.
#
# Seen:
#   plain:          errors: 1, replies: 2  exit 1
#   in MULTI/EXEC:  errors: 0, replies: 4  exit 0
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
redis-cli -p "$port" set text word >"$tmp/out"
load() {
    status=0
    redis-cli -p "$port" --pipe >"$tmp/pipe" 2>&1 || status=$?
    result="$(tail -1 "$tmp/pipe")  exit $status"
}
printf 'INCR text\r\nSET first 1\r\n' | { load && echo "$result" >"$tmp/plain"; }
printf 'MULTI\r\nINCR text\r\nSET second 1\r\nEXEC\r\n' | { load && echo "$result" >"$tmp/multi"; }
echo "plain:          $(cat "$tmp/plain")"
echo "in MULTI/EXEC:  $(cat "$tmp/multi")"
[ "$(cat "$tmp/plain")" = "errors: 1, replies: 2  exit 1" ] || changed "a plain error is counted otherwise"
[ "$(cat "$tmp/multi")" = "errors: 0, replies: 4  exit 0" ] || changed "errors inside EXEC are counted"
[ "$(redis-cli -p "$port" get second)" = 1 ] || changed "the rest of the transaction was not carried out"
[ "$(redis-cli -p "$port" get text)" = word ] || changed "INCR of a word was carried out"
