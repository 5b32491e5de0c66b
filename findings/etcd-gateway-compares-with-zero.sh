#!/usr/bin/env bash
# Software: etcd 3.4.23 (Debian 12's etcd-server), its JSON gateway.
#
# A condition whose "target" is not that of the number beside it compares its target with 0, and without a target it is the version
# that is compared: "the key is still at mod_revision 2" is then "there is no such key". It is false while the key is there
# unchanged, and true once it is deleted: a write that needs the unchanged key is done after somebody else's delete, and only then.
#
# Why it surprises: each name in the condition is one that etcd knows, and the condition says which number is meant.
# https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/ has an example with "createRevision" and "target":"CREATE", and does not say
# what happens to one without the other.
#
# Seen (mod_revision 2 is the key's own):
#   target MOD, key unchanged:      succeeded
#   no target, key unchanged:       refused
#   target VERSION, key unchanged:  refused
#   target MOD, key deleted:        refused
#   no target, key deleted:         succeeded
#   target VERSION, key deleted:    succeeded
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
post() { curl -s "http://127.0.0.1:$client/v3/$1" -d "$2"; }
post kv/put '{"key":"YQ==","value":"YQ=="}' >"$tmp/out"
revision=$(post kv/range '{"key":"YQ=="}' | grep -o '"mod_revision":"[0-9]*"' | tr -dc 0-9)
seen=
# WHAT TARGET: a transaction that does nothing but compare.
compare() {
    local answer=refused
    if post kv/txn "{\"compare\":[{\"key\":\"YQ==\",$2\"mod_revision\":\"$revision\"}]}" | grep -q '"succeeded":true'; then
        answer=succeeded
    fi
    printf '%-31s %s\n' "$1:" "$answer"
    seen+="$answer "
}
all() {
    compare "target MOD, key $1" '"target":"MOD",'
    compare "no target, key $1" ''
    compare "target VERSION, key $1" '"target":"VERSION",'
}
all unchanged
post kv/deleterange '{"key":"YQ=="}' >"$tmp/out"
all deleted
[ "$seen" = 'succeeded refused refused refused succeeded succeeded ' ] || changed "a condition without its target is refused"
