#!/usr/bin/env bash
# Software: webdis 0.1.9 (Debian 12) with redis-server 7.0.15.
#
# A value that is not UTF-8 text makes webdis' JSON answer empty: 200 OK and "{}", without the value, without an error,
# and without the name of the command. In a list such an element is left out, so that the others move up. The same key
# with ".raw" or ".txt" behind it arrives whole.
#
# Why it surprises: webdis' README calls JSON the default format and binary data supported; a client that reads
# answer["GET"] finds no field, which is different from the null of a key that does not exist, and MGET of three keys
# with two answers gives a value to the wrong key.
#
# Seen:
#   GET /GET/packed      -> 200 {}
#   GET /GET/none        -> 200 {"GET":null}
#   GET /MGET/a/packed/b -> 200 {"MGET":["A","B"]}
#   GET /GET/packed.txt  -> ff fe 00 01
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
debian 'webdis=0.1.9*'
port=$(free_port) http=$(free_port)
server one "$port"
cat >"$tmp/webdis.json" <<END
{"redis_host": "127.0.0.1", "redis_port": $port, "http_host": "127.0.0.1", "http_port": $http, "threads": 1,
 "pool_size": 2, "daemonize": false, "websockets": false, "database": 0, "acl": [], "verbosity": 1, "logfile": "$tmp/weblog"}
END
webdis "$tmp/webdis.json" 2>"$tmp/weberr" &
pids+=($!)
wait_for curl -sf "http://127.0.0.1:$http/PING"
redis-cli -p "$port" mset a A b B >"$tmp/out"
printf '\xff\xfe\x00\x01' | redis-cli -p "$port" -x set packed >"$tmp/out"
ask() { curl -s -w ' %{http_code}' "http://127.0.0.1:$http/$1" | sed 's/\(.*\) \(.*\)/\2 \1/'; }
one=$(ask GET/packed) none=$(ask GET/none) three=$(ask MGET/a/packed/b)
echo "GET /GET/packed      -> $one"
echo "GET /GET/none        -> $none"
echo "GET /MGET/a/packed/b -> $three"
bytes=$(curl -s "http://127.0.0.1:$http/GET/packed.txt" | od -An -tx1 | xargs)
echo "GET /GET/packed.txt  -> $bytes"
[ "$one" = '200 {}' ] || changed "a binary value is answered otherwise"
[ "$none" = '200 {"GET":null}' ] || changed "a missing key is answered otherwise"
[ "$three" = '200 {"MGET":["A","B"]}' ] || changed "MGET keeps the place of a binary value"
[ "$bytes" = 'ff fe 00 01' ] || changed "the plain text answer is not the value"
