#!/usr/bin/env bash
# Software: etcd 3.4.23 (Debian 12's etcd-server), its JSON gateway.
#
# With authentication on, three requests that no client may make are refused in three ways: one without a token is 400 with the gRPC
# code 3, "invalid argument"; one with a token that etcd does not know (each token, after a restart) is 401 with code 16; and a
# watch of either kind is 200. That one's first line says created and canceled at once, the reason is in a text, and the
# stream stays open, as if changes were to come.
#
# Why it surprises: a missing token is what 401 is for, and 400 is for what no new login helps. A client that logs in again at 401,
# or one that takes the status 200 and "created":true for a watch, waits for ever.
#
# Seen:
#   range, no token:       400 code 3 etcdserver: user name is empty
#   range, unknown token:  401 code 16 etcdserver: invalid auth token
#   watch, no token:       200 created canceled rpc error: code = InvalidArgument desc = etcdserver: user name is empty
#   watch, unknown token:  200 created canceled rpc error: code = Unauthenticated desc = etcdserver: invalid auth token
#   both watches are open after 3 s
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
debian 'etcd-server=3.4.23*'
client=$(free_port) peer=$(free_port)
etcd --data-dir "$tmp/etcd" --listen-client-urls "http://127.0.0.1:$client" --advertise-client-urls "http://127.0.0.1:$client" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "default=http://127.0.0.1:$peer" >"$tmp/log" 2>&1 &
pids+=($!)
healthy() { curl -sf "http://127.0.0.1:$client/health" | grep -q true; }
wait_for healthy
post() { curl -s -m 3 -w '\n%{http_code}\n' "http://127.0.0.1:$client/v3/$1" -d "$2" "${@:3}"; }
post auth/user/add '{"name":"root","password":"secret"}' >"$tmp/out"
post auth/role/add '{"name":"root"}' >"$tmp/out"
post auth/user/grant '{"user":"root","role":"root"}' >"$tmp/out"
post auth/enable '{}' >"$tmp/out"
# The status, and what the answer says.
ask() {
    local ended=0
    post "$@" >"$tmp/answer" || ended=$?
    text=$(tail -1 "$tmp/answer")
    text+=$(grep -o '"code":[0-9]*' "$tmp/answer" | tr -d '"' | sed 's/^/ /; s/:/ /') || true
    if grep -q '"created":true' "$tmp/answer"; then text+=' created'; fi
    if grep -q '"canceled":true' "$tmp/answer"; then text+=' canceled'; fi
    text+=" $(grep -oE '"(cancel_reason|message)":"[^"]*"' "$tmp/answer" | cut -d'"' -f4)"
    # 28 is curl's word for its own time-out.
    open=$([ "$ended" = 28 ] && echo open || echo "ended $ended")
}
key='{"key":"YQ=="}'
watch='{"create_request":{"key":"YQ=="}}'
token='Authorization: of.yesterday'
ask kv/range "$key" && range=$text
ask kv/range "$key" -H "$token" && unknown=$text
ask watch "$watch" && watched=$text first=$open
ask watch "$watch" -H "$token" && last=$text second=$open
echo "range, no token:       $range"
echo "range, unknown token:  $unknown"
echo "watch, no token:       $watched"
echo "watch, unknown token:  $last"
[ "$first, $second" != 'open, open' ] || echo "both watches are open after 3 s"
[ "$range" = '400 code 3 etcdserver: user name is empty' ] || changed "without a token"
[ "$unknown" = '401 code 16 etcdserver: invalid auth token' ] || changed "with an unknown token"
[[ "$watched" == '200 created canceled '*': user name is empty' ]] || changed "a watch without a token"
[[ "$last" == '200 created canceled '*': invalid auth token' ]] || changed "a watch with an unknown token"
[ "$first, $second" = 'open, open' ] || changed "a refused watch is closed"
