#!/usr/bin/env bash
# Software: etcd 3.4.23 (Debian 12's etcd-server and etcd-client), its JSON gateway.
#
# A plain word for a key is refused with 400 by its length, not by what it is: "leader" is no base64, but "lock", "jobs" and
# "database" are. Those are stored as other bytes, 3 for each 4 letters. The gateway shows them as they were sent, so whoever reads
# and writes through it never notices; etcdctl, and every program that encodes the key as documented, find no such key.
#
# Why it surprises: the 400 for the first word that one tries looks like a check, and the second one is answered with 200. Two halves
# of an application, one with the key "lock" and one with its base64, both hold "the" lock.
#
# Seen (put of the key as plain text):
#   leader:     400 illegal base64 data at input byte 4
#   lock:       200, the gateway's range of lock: "key":"lock", etcdctl get lock: nothing
#   etcdctl get --prefix "" --hex --keys-only:  \x96\x87\x24
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
debian 'etcd-server=3.4.23*' 'etcd-client=3.4.23*'
client=$(free_port) peer=$(free_port)
etcd --data-dir "$tmp/etcd" --listen-client-urls "http://127.0.0.1:$client" --advertise-client-urls "http://127.0.0.1:$client" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "default=http://127.0.0.1:$peer" >"$tmp/log" 2>&1 &
pids+=($!)
healthy() { curl -sf "http://127.0.0.1:$client/health" | grep -q true; }
wait_for healthy
post() { curl -s -w ' %{http_code}' "http://127.0.0.1:$client/v3/$1" -d "$2"; }
control() { ETCDCTL_API=3 etcdctl --endpoints "http://127.0.0.1:$client" "$@"; }
refused=$(post kv/put '{"key":"leader","value":"aGVsZA=="}')
stored=$(post kv/put '{"key":"lock","value":"aGVsZA=="}')
shown=$(post kv/range '{"key":"lock"}' | grep -o '"key":"[^"]*"' || true)
found=$(control get lock)
keys=$(control get --prefix '' --hex --keys-only | head -1)
echo "leader:     ${refused##* } $(cut -d'"' -f4 <<<"$refused")"
echo "lock:       ${stored##* }, the gateway's range of lock: $shown, etcdctl get lock: ${found:-nothing}"
echo "etcdctl get --prefix \"\" --hex --keys-only:  $keys"
[[ "$refused" == *'illegal base64'*' 400' ]] || changed "leader is taken for base64, too"
[ "${stored##* } $shown" = '200 "key":"lock"' ] || changed "a plain word is refused"
[ -z "$found" ] || changed "the plain word is the key"
[[ "$keys" == '\x96\x87'* ]] || changed "the key is stored otherwise"
