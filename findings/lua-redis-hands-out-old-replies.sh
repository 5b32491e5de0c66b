#!/usr/bin/env bash
# Software: lua-redis 2.0.5 (Debian 12) with redis-server 7.0.15.
#
# A pipeline whose second command is answered with an error raises that error, and leaves the replies behind it unread. From
# then on every call of this connection returns the reply of an earlier one: get("mine") is the value of the key that the
# pipeline asked for last. A transaction with such a command, and a call that ran into the socket's time-out, do the same.
#
# Why it surprises: an error reply ends nothing in Redis's protocol, and a caller who catches the error of one command may go
# on. Nothing tells that the values are other keys' values: no error, no closed connection.
#
# Seen:
#   pipeline SET, INCR (of a text), GET other:  ERR value is not an integer or out of range
#   get("mine"):     value of other
#   get("yours"):    value of mine
#   after a time-out of BLPOP, get("mine"): nil, get("yours"): value of mine
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
debian 'lua-redis=2.0.5*' lua5.1 lua-socket
port=$(free_port)
server one "$port"
cat >"$tmp/replies.lua" <<'END'
local redis = require("redis")
local socket = require("socket")
local port = tonumber(arg[1])

local client = redis.connect("127.0.0.1", port)
for _, name in ipairs({"mine", "yours", "other"}) do client:set(name, "value of " .. name) end
local _, message = pcall(function()
    client:pipeline(function(pipe)
        pipe:set("a", 1)
        pipe:incr("mine")
        pipe:get("other")
    end)
end)
print("pipeline: " .. message:match("ERR.*"))
print("get mine: " .. client:get("mine"))
print("get yours: " .. client:get("yours"))

local waiting = redis.connect("127.0.0.1", port)
waiting.network.socket:settimeout(0.3)
print("blpop: " .. tostring(pcall(waiting.blpop, waiting, "empty", 1)))
socket.sleep(1.3)
print("get mine: " .. tostring(waiting:get("mine")))
print("get yours: " .. tostring(waiting:get("yours")))
END
root=$tmp/root/usr
LUA_PATH="$root/share/lua/5.1/?.lua;$root/share/lua/5.1/?/init.lua;;"
LUA_CPATH="$root/lib/$(uname -m)-linux-gnu/lua/5.1/?.so;;"
export LUA_PATH LUA_CPATH
seen=$(lua5.1 "$tmp/replies.lua" "$port")
echo "$seen"
expected="pipeline: ERR value is not an integer or out of range
get mine: value of other
get yours: value of mine
blpop: false
get mine: nil
get yours: value of mine"
[ "$seen" = "$expected" ] || changed "each call gets its own reply"
