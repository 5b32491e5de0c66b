#!/usr/bin/env bash
# Software: etcd 3.4.23 (Debian 12's etcd-server and etcd-client), its JSON gateway.
#
# With --client-cert-auth and authentication on, the JSON gateway answers each request of a client whose certificate has a
# CommonName with 400, also the one that sends a name and a password for a token. The same certificate works before "auth enable",
# and it works for gRPC afterwards. The refusal is plain text, where all other errors of the gateway are JSON, and says that the
# CommonName "will be ignored", which it is not. A certificate without a CommonName is served.
#
# Why it surprises: https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/ says that the gateway does not support authentication by
# the CommonName. That reads as if the name did not count; nothing there says that no client with such a name may come in, and nearly
# every certificate has one. "auth enable" on a running cluster turns all clients of the gateway away, those with a password too.
#
# Seen (subject of the client's certificate):
#   CN=app, before auth enable:  200 application/json
#   CN=app, password:            400 text/plain; charset=utf-8 CommonName of client sending a request against gateway will be ignored
#       and not used as expected
#   O=app, password:             200 application/json
#   O=app, wrong password:       400 application/json
#   CN=app, password, gRPC:      OK
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
quietly() { "$@" >"$tmp/out" 2>&1 || { cat "$tmp/out" >&2 && exit 3; }; }
quietly openssl req -x509 -newkey rsa:2048 -nodes -keyout "$tmp/ca.key" -out "$tmp/ca.pem" -subj /CN=authority -days 2
printf 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n' >"$tmp/extensions"
# NAME SUBJECT: a certificate of the authority.
certificate() {
    quietly openssl req -newkey rsa:2048 -nodes -keyout "$tmp/$1.key" -out "$tmp/$1.csr" -subj "$2"
    quietly openssl x509 -req -in "$tmp/$1.csr" -CA "$tmp/ca.pem" -CAkey "$tmp/ca.key" -CAcreateserial -days 2 \
        -out "$tmp/$1.pem" -extfile "$tmp/extensions"
}
certificate server /O=etcd
certificate named /CN=app
certificate nameless /O=app
port=$(free_port) peer=$(free_port)
etcd --data-dir "$tmp/etcd" --listen-client-urls "https://127.0.0.1:$port" --advertise-client-urls "https://127.0.0.1:$port" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "default=http://127.0.0.1:$peer" --cert-file "$tmp/server.pem" --key-file "$tmp/server.key" \
    --client-cert-auth --trusted-ca-file "$tmp/ca.pem" >"$tmp/log" 2>&1 &
pids+=($!)
secured() { curl -s --cacert "$tmp/ca.pem" --cert "$tmp/$1.pem" --key "$tmp/$1.key" "https://127.0.0.1:$port/$2" "${@:3}"; }
control() {
    ETCDCTL_API=3 etcdctl --endpoints "https://127.0.0.1:$port" --cacert "$tmp/ca.pem" --cert "$tmp/$1.pem" --key "$tmp/$1.key" "${@:2}"
}
healthy() { secured nameless health | grep -q true; }
wait_for healthy
# CERTIFICATE PATH BODY: status and type of the answer, and the text, if it is no JSON.
ask() {
    secured "$1" "v3/$2" -d "$3" -o "$tmp/body" -w '%{http_code} %{content_type}'
    if ! grep -q '^{' "$tmp/body"; then echo " $(cat "$tmp/body")"; fi
}
before=$(ask named kv/range '{"key":"YQ=="}')
quietly control nameless user add root:secret
quietly control nameless user grant-role root root
quietly control nameless auth enable
login='{"name":"root","password":"secret"}'
named=$(ask named auth/authenticate "$login")
nameless=$(ask nameless auth/authenticate "$login")
wrong=$(ask nameless auth/authenticate "${login/secret/guess}")
grpc=$(control named --user root:secret put key value 2>&1)
echo "CN=app, before auth enable:  $before"
echo "CN=app, password:            $named"
echo "O=app, password:             $nameless"
echo "O=app, wrong password:       $wrong"
echo "CN=app, password, gRPC:      $grpc"
[ "$before" = '200 application/json' ] || changed "without authentication a named certificate is refused, too"
[[ "$named" == '400 text/plain'*CommonName* ]] || changed "a password is taken from a client with a named certificate"
[ "$nameless $grpc" = '200 application/json OK' ] || changed "others are refused, too"
[ "$wrong" = '400 application/json' ] || changed "a wrong password is refused otherwise"
