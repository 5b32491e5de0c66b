#!/usr/bin/env bash
# Software: twemproxy 0.5.0 (Debian 12's nutcracker) with redis-server 7.0.15.
#
# PING through twemproxy is answered with PONG when no server behind it is left: twemproxy answers by itself. A probe, or a
# connection pool that tests its connections by PING, sees a working Redis, while each GET is an error.
#
# Why it surprises: https://redis.io/docs/latest/commands/ping/ offers PING to verify that the server can serve data. Other
# commands without a key, DBSIZE for one, are refused by twemproxy; this one is not, and goes nowhere.
#
# Seen:
#   server up:    PING PONG   GET key: value
#   server down:  PING PONG   GET key: ERR Connection refused
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
debian 'nutcracker=0.5.0*'
port=$(free_port) proxy=$(free_port) stats=$(free_port)
server one "$port"
cat >"$tmp/nutcracker.yml" <<END
one:
  listen: 127.0.0.1:$proxy
  redis: true
  servers:
  - 127.0.0.1:$port:1
END
nutcracker -c "$tmp/nutcracker.yml" -o "$tmp/nutcracker.log" -p "$tmp/nutcracker.pid" -a 127.0.0.1 -s "$stats" &
pids+=($!)
wait_for redis-cli -e -p "$proxy" set key value
first() { redis-cli -p "$proxy" "$@" 2>&1 | head -1; }
up="PING $(first ping)   GET key: $(first get key)"
redis-cli -p "$port" shutdown nosave
wait "${pids[0]}"
down="PING $(first ping)   GET key: $(first get key)"
echo "server up:    $up"
echo "server down:  $down"
[ "$up" = "PING PONG   GET key: value" ] || { echo "twemproxy does not work" >&2 && exit 3; }
[[ "$down" == "PING PONG   GET key: "* ]] || changed "PING needs a server"
[[ "$down" != *value ]] || changed "GET needs no server"
