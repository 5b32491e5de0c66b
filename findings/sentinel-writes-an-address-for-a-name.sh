#!/usr/bin/env bash
# Software: redis-sentinel 7.0.15 (Debian 12). The name comes from Debian's nss_wrapper.
#
# With "resolve-hostnames yes" Sentinel takes "sentinel monitor main redis-master …", and writes the address that the name has at
# that moment into its file, in place of the name. When the name leads elsewhere later, Sentinel goes on with the old address,
# also after its own restart, for nothing is left of the name. With "announce-hostnames yes" the file keeps it.
#
# Why it surprises: resolve-hostnames is the option that allows names, and the name was written because addresses change.
# announce-hostnames is off by default, and by its name one expects it to decide what others are given.
#
# Seen:
#   written by the user:       sentinel monitor main redis-master 6379 1
#   file after the start:      sentinel monitor main 127.0.0.1 6379 1
#   name moved, and a restart: get-master-addr-by-name 127.0.0.1
#   with announce-hostnames:   sentinel monitor main redis-master 6379 1
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
debian 'redis-sentinel=5:7.0.15*' 'libnss-wrapper=1.1.12*'
wrapper=$(find "$tmp/root" /usr/lib -name libnss_wrapper.so 2>/dev/null | head -1)
master=$(free_port) sentinel=$(free_port)
redis-server --bind 127.0.0.1 --port "$master" --dir "$tmp" --save '' >"$tmp/log" &
pids+=($!)
wait_for redis-cli -e -p "$master" ping
monitor() { grep '^sentinel monitor' "$tmp/sentinel.conf" | sed "s/ $master / 6379 /"; }
start() {
    NSS_WRAPPER_HOSTS=$tmp/hosts LD_PRELOAD=$wrapper redis-server "$tmp/sentinel.conf" --sentinel >"$tmp/sentinel.log" &
    pids+=($!)
    wait_for redis-cli -e -p "$sentinel" ping
}
stop() {
    redis-cli -p "$sentinel" shutdown
    wait "${pids[-1]}" || true
}
write() {
    echo '127.0.0.1 redis-master' >"$tmp/hosts"
    printf 'port %s\nbind 127.0.0.1\ndir %s\nsentinel resolve-hostnames yes\n' "$sentinel" "$tmp" >"$tmp/sentinel.conf"
    printf '%s\n' "$@" "sentinel monitor main redis-master $master 1" >>"$tmp/sentinel.conf"
}
write
written=$(monitor)
start
after=$(monitor)
echo '127.0.0.2 redis-master' >"$tmp/hosts"
stop
start
address=$(redis-cli -p "$sentinel" sentinel get-master-addr-by-name main | head -1)
stop
write 'sentinel announce-hostnames yes'
start
announced=$(monitor)
echo "written by the user:       $written"
echo "file after the start:      $after"
echo "name moved, and a restart: get-master-addr-by-name $address"
echo "with announce-hostnames:   $announced"
[ "$after" = "sentinel monitor main 127.0.0.1 6379 1" ] || changed "the file keeps the name"
[ "$address" = 127.0.0.1 ] || changed "Sentinel looks the name up again"
[ "$announced" = "sentinel monitor main redis-master 6379 1" ] || changed "announce-hostnames does not keep the name"
