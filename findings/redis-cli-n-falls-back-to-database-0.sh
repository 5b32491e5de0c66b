#!/usr/bin/env bash
# Software: redis-cli 7.0.15 with redis-server 7.0.15 (Debian 12).
#
# redis-cli -n 16 FLUSHDB, on a server with the default of 16 databases (0 to 15), empties database 0. redis-cli says that SELECT
# failed, sends the command all the same, and ends with 0, with -e too. A number in a URL is taken the same way. A word in place of a
# number is database 0 without any message.
#
# Why it surprises: the help calls -n the database number, and a command for one database is not meant for another. A smaller value of
# "databases", a cluster node, which has database 0 alone, or a mistyped number is enough to delete or overwrite what was not meant,
# and a script that looks at the status does not notice.
#
# Seen:
#   -n 16 flushdb:   SELECT 16 failed: ERR DB index is out of range; status 0; keys in database 0: 0
#   -e -n 16 set:    SELECT 16 failed: ERR DB index is out of range; status 0; in database 0: value
#   -u redis://127.0.0.1/16 set:  status 0; in database 0: value
#   -n shop set:     status 0; in database 0: value
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
# What redis-cli says and ends with, but for its answer OK.
call() {
    local status=0
    redis-cli -p "$port" "$@" >"$tmp/said" 2>&1 || status=$?
    said="$(grep -v -e '^OK' -e '^$' "$tmp/said" | tr -d '\r' | sed 's/$/; /' || true)status $status"
}
there() { redis-cli -p "$port" get "$1"; }
redis-cli -p "$port" mset one 1 two 2 >"$tmp/out"
call -n 16 flushdb
flushed="$said; keys in database 0: $(redis-cli -p "$port" dbsize)"
call -e -n 16 set number value
number="$said; in database 0: $(there number)"
call -u "redis://127.0.0.1:$port/16" set url value
url="$said; in database 0: $(there url)"
call -n shop set word value
word="$said; in database 0: $(there word)"
echo "-n 16 flushdb:                $flushed"
echo "-e -n 16 set:                 $number"
echo "-u redis://127.0.0.1/16 set:  $url"
echo "-n shop set:                  $word"
[ "${flushed#*; }" = 'status 0; keys in database 0: 0' ] || changed "FLUSHDB is not done in another database, or not with 0"
[ "${number#*; }" = 'status 0; in database 0: value' ] || changed "-e ends it"
[[ "$url" == *'status 0; in database 0: value' ]] || changed "the number in a URL is looked at"
[ "$word" = 'status 0; in database 0: value' ] || changed "a word is refused"
