#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12). 6.2 and Valkey 9.1.2 do the same. The name comes from Debian's nss_wrapper.
#
# A replica whose master has a name with two addresses, IPv6 first, tries the first one only. If the master listens on
# IPv4 alone, the replica is refused on IPv6 once a second, forever, and never tries the second address. redis-cli -h with
# the same name connects at once.
#
# Why it surprises: redis.conf asks for "replicaof <masterip> <masterport>", names are accepted, and programs that get
# several addresses for a name usually try them in turn (redis-cli, hiredis' blocking connect and curl do). The replica
# connects without blocking, takes "in progress" for success, and asks for the first address again at each attempt.
# In a dual-stack cluster a headless Service can have such a name.
#
# Seen:
#   redis-cli -h redis-master: PONG
#   replica of redis-master:   link down after 3 refused attempts
#   replica of 127.0.0.1:      link up
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
server() {
    mkdir "$tmp/$1"
    redis-server --bind 127.0.0.1 --port "$2" --dir "$tmp/$1" --save '' --repl-diskless-sync-delay 0 "${@:3}" >"$tmp/$1/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$2" ping
}
debian 'libnss-wrapper=1.1.12*'
wrapper=$(find "$tmp/root" /usr/lib -name libnss_wrapper.so 2>/dev/null | head -1)
python3 -c 'import socket; socket.socket(socket.AF_INET6).bind(("::1", 0))' 2>/dev/null ||
    { echo "needs IPv6 on loopback" >&2 && exit 2; }
printf '::1 redis-master\n127.0.0.1 redis-master\n' >"$tmp/hosts"

master=$(free_port) replica=$(free_port)
server master "$master"
pong=$(LD_PRELOAD=$wrapper NSS_WRAPPER_HOSTS=$tmp/hosts redis-cli -h redis-master -p "$master" ping)
echo "redis-cli -h redis-master: $pong"
mkdir "$tmp/replica"
LD_PRELOAD=$wrapper NSS_WRAPPER_HOSTS=$tmp/hosts redis-server --bind 127.0.0.1 --port "$replica" --dir "$tmp/replica" --save '' \
    --replicaof redis-master "$master" >"$tmp/replica/log" &
pids+=($!)
attempts() { grep -c 'Connection refused' "$tmp/replica/log"; }
three_attempts() { [ "$(attempts)" -ge 3 ]; }
link() { redis-cli -p "$replica" info replication | grep -o 'master_link_status:[a-z]*' | cut -d: -f2; }
linked() { [ "$(link)" = up ]; }
for _ in $(seq 100); do if three_attempts || linked; then break; fi; sleep 0.1; done
by_name=$(link)
echo "replica of redis-master:   link $by_name after $(attempts) refused attempts"
redis-cli -p "$replica" replicaof 127.0.0.1 "$master" >"$tmp/out"
wait_for linked
echo "replica of 127.0.0.1:      link $(link)"
[ "$pong" = PONG ] || changed "redis-cli no longer tries the second address"
[ "$by_name" = down ] || changed "the replica tries the second address"
