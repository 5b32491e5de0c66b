#!/usr/bin/env bash
# Software: HAProxy 2.6.12 and redis-server 7.0.15 (Debian 12).
#
# A Redis with a password answers HAProxy's "option redis-check" at once: -NOAUTH. HAProxy goes on waiting, and reports a
# time-out at layer 7 (L7TOUT) when the check's interval is over, as if the server had hung. The same with a tcp-check
# that expects the string +PONG. Neither its statistics nor its log shows what the server said.
#
# Why it surprises: HAProxy's manual gives L7RSP ("invalid response") and L7STS ("response error") for wrong answers and
# L7TOUT for none, and its checks for SMTP, MySQL and others tell them apart. Looking for a slow server is the wrong search.
#
# Seen:
#   redis-check, no password:  UP L7OK after 0 ms
#   redis-check, password:     DOWN L7TOUT after 501 ms; redis-server itself: NOAUTH Authentication required.
#   tcp-check, password:       DOWN L7TOUT after 501 ms
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
debian 'haproxy=2.6.12*'
[[ "$(haproxy -v)" == *2.6.12* ]] || { echo "made for HAProxy 2.6.12" >&2 && exit 2; }
open=$(free_port) locked=$(free_port) port=$(free_port)
server open "$open"
mkdir "$tmp/locked"
redis-server --bind 127.0.0.1 --port "$locked" --dir "$tmp/locked" --save '' --requirepass secret >"$tmp/locked/log" &
pids+=($!)
wait_for grep -q 'Ready to accept' "$tmp/locked/log"
cat >"$tmp/haproxy.cfg" <<END
defaults
    mode tcp
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend statistics
    mode http
    bind 127.0.0.1:$port
    stats enable
    stats uri /
backend redis
    option redis-check
    server open 127.0.0.1:$open check inter 500 fall 1
    server locked 127.0.0.1:$locked check inter 500 fall 1
backend ping
    option tcp-check
    tcp-check send PING\r\n
    tcp-check expect string +PONG
    server locked 127.0.0.1:$locked check inter 500 fall 1
END
haproxy -db -f "$tmp/haproxy.cfg" 2>"$tmp/haproxy.err" &
pids+=($!)
# Status, code and duration of the last check, columns 18, 37 and 39 of HAProxy's CSV.
check() { curl -s "http://127.0.0.1:$port/;csv" | awk -F, -v proxy="$1" -v name="$2" '$1 == proxy && $2 == name { print $18, $37, "after", $39, "ms" }'; }
is() { [[ "$(check "$1" "$2")" == $3* ]]; }
wait_for is redis open 'UP L7OK'
wait_for is redis locked DOWN
wait_for is ping locked DOWN
redis=$(check redis locked) ping=$(check ping locked)
echo "redis-check, no password:  $(check redis open)"
echo "redis-check, password:     $redis; redis-server itself: $(redis-cli -p "$locked" ping | head -1)"
echo "tcp-check, password:       $ping"
[[ "$redis" == "DOWN L7TOUT after "* ]] || changed "redis-check reports the refusal"
[[ "$ping" == "DOWN L7TOUT after "* ]] || changed "tcp-check reports the refusal"
