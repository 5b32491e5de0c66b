#!/usr/bin/env bash
# Software: etcd 3.4.23 (Debian 12's etcd-server), its JSON gateway.
#
# A transaction with the condition "the value of lock is NOT_EQUAL to me" fails as long as there is no key "lock", and succeeds
# when it holds "you". Of a key that does not exist, EQUAL and NOT_EQUAL to a value are both false. NOT_EQUAL with the key's
# revision is true. "Take it unless I have it already" takes away what others hold, and never what is free.
#
# Why it surprises: of EQUAL and NOT_EQUAL one is true everywhere else. https://etcd.io/docs/v3.4/learning/api/ describes the
# targets and results of a comparison; that a missing key has a version and a revision of 0, and no value at all, one has to know.
#
# Seen (succeeded):              no key   key holds "you"
#   value EQUAL me:              no       no
#   value NOT_EQUAL me:          no       yes
#   mod revision NOT_EQUAL 99:   yes      yes
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
healthy() { curl -fsS "http://127.0.0.1:$client/health" | grep -q true; }
wait_for healthy
post() { curl -sS "http://127.0.0.1:$client/v3/$1" -d "$2"; }
lock=$(printf lock | base64) me=$(printf me | base64) you=$(printf you | base64)
succeeded() {
    if post kv/txn "{\"compare\": [{\"key\": \"$lock\", $1}]}" | grep -q '"succeeded":true'; then echo yes; else echo no; fi
}
conditions=("\"target\": \"VALUE\", \"result\": \"EQUAL\", \"value\": \"$me\""
    "\"target\": \"VALUE\", \"result\": \"NOT_EQUAL\", \"value\": \"$me\""
    '"target": "MOD", "result": "NOT_EQUAL", "mod_revision": "99"')
without=() with=()
for condition in "${conditions[@]}"; do without+=("$(succeeded "$condition")"); done
post kv/put "{\"key\": \"$lock\", \"value\": \"$you\"}" >"$tmp/out"
for condition in "${conditions[@]}"; do with+=("$(succeeded "$condition")"); done
printf '%-28s %-8s %s\n' '(succeeded)' 'no key' 'key holds "you"' \
    'value EQUAL me:' "${without[0]}" "${with[0]}" 'value NOT_EQUAL me:' "${without[1]}" "${with[1]}" \
    'mod revision NOT_EQUAL 99:' "${without[2]}" "${with[2]}"
[ "${with[*]}" = "no yes yes" ] || { echo "the conditions do not work at all" >&2 && exit 3; }
[ "${without[*]}" = "no no yes" ] || changed "a missing key compares otherwise"
