#!/usr/bin/env bash
# Software: webdis 0.1.9 (Debian 12) with redis-server 7.0.15.
#
# webdis takes a known file suffix off the last part of the path, whatever that part is. GET /GET/user.json answers the
# value of the key "user"; the key "user.json" cannot be read that way. GET /SET/file/report.txt stores "report" and says
# OK. ".example" stays, ".txt", ".json", ".html", ".raw" and others go: whether a name survives depends on its ending.
#
# Why it surprises: webdis' README describes the suffix as a way to choose the content type of an answer, and adds that
# it is not part of the last argument. That this shortens the values of writes, without a word, is what one learns from
# the data. A PUT with the value as its body keeps it.
#
# Seen:
#   GET /GET/user.json         -> {"GET":"value of user"}
#   GET /SET/file/report.txt   -> +OK, stored: report
#   GET /SET/file/report.dat   -> {"SET":[true,"OK"]}, stored: report.dat
#   PUT /SET/file < report.txt -> {"SET":[true,"OK"]}, stored: report.txt
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
ask() { curl -s "$@" | tr -d '\r\n'; }
stored() { redis-cli -p "$port" get file; }
redis-cli -p "$port" mset user 'value of user' user.json 'value of user.json' >"$tmp/out"
read=$(ask "http://127.0.0.1:$http/GET/user.json")
echo "GET /GET/user.json         -> $read"
said=$(ask "http://127.0.0.1:$http/SET/file/report.txt") text=$(stored)
echo "GET /SET/file/report.txt   -> $said, stored: $text"
other=$(ask "http://127.0.0.1:$http/SET/file/report.dat") data=$(stored)
echo "GET /SET/file/report.dat   -> $other, stored: $data"
put=$(ask -X PUT --data-binary report.txt "http://127.0.0.1:$http/SET/file") body=$(stored)
echo "PUT /SET/file < report.txt -> $put, stored: $body"
[ "$read" = '{"GET":"value of user"}' ] || changed "a key with a suffix can be read"
[ "$said:$text" = "+OK:report" ] || changed "a value keeps its suffix"
[ "$data:$body" = "report.dat:report.txt" ] || changed "other suffixes, or the value of a PUT, are cut"
