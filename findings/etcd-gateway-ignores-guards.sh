#!/usr/bin/env bash
# Software: etcd 3.4.23 (Debian 12's etcd-server), its JSON gateway.
#
# A field name that etcd does not know is ignored, also where it holds the condition of a transaction: with "compares" in
# place of "compare" the guard is gone, the transaction reports "succeeded", and the write is done over a value that it
# was meant to protect. A put with "val" stores an empty value, and "succeeded" itself is missing instead of false when
# the guard does fail.
#
# Why it surprises: the other misuse of the gateway is reported at once (plain text where base64 belongs is a 400), and a
# transaction without any condition is hardly what somebody meant. https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/
# describes the JSON mapping, without a word on unknown names.
#
# Seen:
#   guard "compare":    200 {}
#   guard "compares":   200 {"succeeded":true,"responses":[{"response_put":{"header":{"revision":"3"}}}]}
#   value, now:         stolen
#   put with "val":     200 {} stored: (empty)
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
# The answer without its header, behind the status.
ask() { curl -s -w ' %{http_code}' "http://127.0.0.1:$client/v3/$1" -d "$2" | tr -d '\n' | sed -E 's/"header":\{[^}]*\},?//; s/,\}/}/; s/(.*) (.*)/\2 \1/'; }
encoded() { printf %s "$1" | base64; }
key=$(encoded lock)
value() { ask kv/range "{\"key\":\"$1\"}" | grep -o '"value":"[^"]*"' | cut -d'"' -f4 | base64 -d; }
# Only if the key does not exist yet.
take() { ask kv/txn "{\"$1\":[{\"key\":\"$key\",\"target\":\"VERSION\",\"version\":\"0\"}],\"success\":[{\"requestPut\":{\"key\":\"$key\",\"value\":\"$(encoded stolen)\"}}]}"; }

ask kv/put "{\"key\":\"$key\",\"value\":\"$(encoded mine)\"}" >"$tmp/out"
guarded=$(take compare) before=$(value "$key")
typing_error=$(take compares) after=$(value "$key")
other=$(encoded other)
put=$(ask kv/put "{\"key\":\"$other\",\"val\":\"$(encoded text)\"}")
stored=$(value "$other" || true)
echo "guard \"compare\":    $guarded"
echo "guard \"compares\":   $typing_error"
echo "value, now:         $after"
echo "put with \"val\":     $put stored: ${stored:-(empty)}"
[ "$guarded:$before" = '200 {}:mine' ] || changed "a failed guard is answered otherwise"
[[ "$typing_error" == '200 {"succeeded":true'*  && "$after" = stolen ]] || changed "an unknown field is refused"
[[ "$put" == 200* && -z "$stored" ]] || changed "a put without a value is refused"
