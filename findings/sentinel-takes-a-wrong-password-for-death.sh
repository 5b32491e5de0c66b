#!/usr/bin/env bash
# Software: redis-sentinel and redis-server 7.0.15 (Debian 12).
#
# A Sentinel without the right password takes a healthy master for dead: it reports +sdown and +odown, is elected, and tries a
# fail-over. Its log does not mention the password, and SENTINEL MASTER says s_down, no more. The master answers each PING at once,
# with NOAUTH. A password that is changed at the server hurts later: the connection that is open stays good, the next one is not.
#
# Why it surprises: https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/ has a master down whose answers to
# PING are not valid, and NOAUTH is not valid. That such an answer is nowhere shown makes a wrong password look like a dead server.
#
# Seen:
#   password changed:                    flags master
#   Sentinel's connection is made again:  flags s_down,o_down,master; its log mentions a password: 0 times
#   redis-cli PING:                      NOAUTH Authentication required.
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
debian 'redis-sentinel=5:7.0.15*'
master=$(free_port) sentinel=$(free_port)
server master "$master"
printf 'port %s\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 %s 1\nsentinel down-after-milliseconds main 1000\n' \
    "$sentinel" "$master" >"$tmp/sentinel.conf"
redis-server "$tmp/sentinel.conf" --sentinel >"$tmp/sentinel.log" &
pids+=($!)
wait_for redis-cli -e -p "$sentinel" ping
flags() { redis-cli -p "$sentinel" sentinel master main | grep -A1 '^flags$' | tail -1; }
down() { [[ "$(flags)" == *o_down* ]]; }
sleep 2
redis-cli -p "$master" config set requirepass secret >"$tmp/out"
sleep 3
changed_at_server=$(flags)
REDISCLI_AUTH=secret redis-cli -p "$master" client kill type normal >"$tmp/out"
wait_for down
again=$(flags)
words=$(grep -ciE 'auth|password|NOAUTH' "$tmp/sentinel.log" || true)
ping=$(redis-cli -p "$master" ping | head -1)
echo "password changed:                     flags $changed_at_server"
echo "Sentinel's connection is made again:  flags $again; its log mentions a password: $words times"
echo "redis-cli PING:                       $ping"
[ "$changed_at_server" = master ] || changed "a new password breaks the open connection"
[ "$words" = 0 ] || changed "Sentinel's log mentions the password"
[[ "$ping" == NOAUTH* ]] || { echo "the master does not answer" >&2 && exit 3; }
