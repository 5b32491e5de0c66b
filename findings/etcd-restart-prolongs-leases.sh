#!/usr/bin/env bash
# Software: etcd 3.4.23 (Debian 12's etcd-server), its JSON gateway.
#
# A lease of 10 s whose holder has died 6 s ago has its full 10 s again after a restart of etcd: it lives 16 s or more in all. A
# lock or a leadership that rests on it passes on later than its time to live says. No client has kept the lease alive, and
# timetolive shows "grantedTTL" 10 before and after.
#
# Why it surprises: https://etcd.io/docs/v3.4/learning/api/ says that a lease expires when no keep-alive arrives within its time
# to live. A node that takes the holder and etcd along when it fails is a case in which one counts on that number.
#
# Seen:
#   granted:               TTL 10
#   6 s later:             TTL 4 or less
#   etcd restarted:        TTL 9 or more, no client has kept it alive
#   12 s after the grant:  its key is there
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
start() {
    etcd --data-dir "$tmp/etcd" --listen-client-urls "http://127.0.0.1:$client" --advertise-client-urls "http://127.0.0.1:$client" \
        --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
        --initial-cluster "default=http://127.0.0.1:$peer" >"$tmp/log" 2>&1 &
    pids+=($!)
    wait_for healthy
}
healthy() { curl -fsS "http://127.0.0.1:$client/health" | grep -q true; }
post() { curl -sS "http://127.0.0.1:$client/v3/$1" -d "$2"; }
left() { post lease/timetolive '{"ID": 77}' | grep -o '"TTL":"[0-9]*"' | tr -dc 0-9; }
start
key=$(printf lock | base64)
begin=$(date +%s)
post lease/grant '{"TTL": 10, "ID": 77}' >"$tmp/out"
post kv/put "{\"key\": \"$key\", \"value\": \"$key\", \"lease\": \"77\"}" >"$tmp/out"
granted=$(left)
sleep 6
later=$(left)
kill -TERM "${pids[0]}"
wait "${pids[0]}" || true
start
restarted=$(left)
while [ $(($(date +%s) - begin)) -lt 12 ]; do sleep 0.2; done
there=$(post kv/range "{\"key\": \"$key\"}" | grep -c '"count":"1"' || true)
seconds=$(($(date +%s) - begin))
echo "granted:               TTL $granted"
echo "6 s later:             TTL $later"
echo "etcd restarted:        TTL $restarted, no client has kept it alive"
echo "$seconds s after the grant:  its key is there: $there"
[ "$later" -le 4 ] || { echo "the lease does not run" >&2 && exit 3; }
[ "$restarted" -ge 8 ] || changed "the lease goes on from where it was"
[ "$there" = 1 ] || changed "the key is gone after the lease's time"
