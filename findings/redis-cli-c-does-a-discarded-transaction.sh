#!/usr/bin/env bash
# Software: redis-cli 7.0.15 with redis-server 7.0.15 in cluster mode (Debian 12).
#
# "redis-cli -c" follows a redirection inside a transaction: MULTI stays with the first node, and the command behind it is carried
# out at once on another one. DISCARD comes too late and is refused there: the counter has already been counted. EXEC in its place
# is refused in the same way, and the commands before it are done all the same, one by one.
#
# Why it surprises: -c makes redis-cli follow -MOVED, and says so. That this leaves the transaction, it does not say; without -c the
# same lines count nothing, as Redis refuses a transaction with a wrong key.
#
# Seen (the key "far" is on the second node; MULTI, INCR far, DISCARD, sent to the first one):
#   redis-cli -c:   OK, -> Redirected to slot ..., 1, ERR DISCARD without MULTI   far = 1
#   redis-cli:      OK, MOVED ..., OK                                             far = (none)
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
node() {
    mkdir "$tmp/$1"
    redis-server --bind 127.0.0.1 --port "$1" --cluster-port "$2" --cluster-enabled yes --dir "$tmp/$1" --save '' >"$tmp/$1/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$1" ping
}
one=$(free_port) two=$(free_port) bus=$(free_port) other_bus=$(free_port)
node "$one" "$bus"
node "$two" "$other_bus"
near=$(redis-cli -p "$one" cluster keyslot near) far=$(redis-cli -p "$one" cluster keyslot far)
middle=$(((near + far) / 2))
low=$one high=$two
if [ "$near" -gt "$far" ]; then low=$two high=$one; fi
redis-cli -p "$low" cluster addslotsrange 0 "$middle" >"$tmp/out"
redis-cli -p "$high" cluster addslotsrange $((middle + 1)) 16383 >"$tmp/out"
redis-cli -p "$two" cluster set-config-epoch 2 >"$tmp/out"
redis-cli -p "$one" cluster meet 127.0.0.1 "$two" "$other_bus" >"$tmp/out"
ready() { for port in "$one" "$two"; do redis-cli -p "$port" cluster info | grep -q cluster_state:ok || return 1; done; }
wait_for ready
moved() { redis-cli -p "$one" get far | grep -q "MOVED $far 127.0.0.1:$two"; }
wait_for moved
try() {
    redis-cli -p "$two" del far >"$tmp/out"
    printf 'MULTI\nINCR far\nDISCARD\n' | redis-cli "$@" -p "$one" 2>&1 | sed '/^$/d' | paste -sd, | sed 's/,/, /g'
}
with=$(try -c) left=$(redis-cli -p "$two" get far)
without=$(try) left_without=$(redis-cli -p "$two" get far)
echo "redis-cli -c:   $with   far = ${left:-(none)}"
echo "redis-cli:      $without   far = ${left_without:-(none)}"
[[ "$with" == "OK, -> Redirected to slot "*"1, ERR DISCARD without MULTI" ]] || changed "redis-cli -c keeps a transaction together"
[ "$left" = 1 ] || changed "a discarded INCR is not carried out"
[ -z "$left_without" ] || changed "redis-cli without -c counts"
