#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12).
#
# MIGRATE moves a key's time of expiry: PEXPIRETIME of the copy is some milliseconds later than that of the original for a part of
# the keys. So a copy outlives its original, and a comparison of two data sets by PEXPIRETIME finds differences where nothing was
# changed.
#
# Why it surprises: https://redis.io/docs/latest/commands/migrate/ says that the source uses DUMP and the target RESTORE, and RESTORE
# has ABSTTL for exact times, which a key with PXAT would need. MIGRATE sends the time that is left, which passes on the way.
#
# Seen: 3000 keys with one time of expiry: 54 later on the target, 0 earlier (the number changes)
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
source=$(free_port) target=$(free_port)
server source "$source"
server target "$target"
at=4102444800000
for number in $(seq 3000); do echo "SET key:$number v PXAT $at"; done | redis-cli -p "$source" | sort -u | grep -qx OK
for number in $(seq 3000); do echo "MIGRATE 127.0.0.1 $target key:$number 0 5000 COPY"; done |
    redis-cli -p "$source" | sort -u | grep -qx OK
for number in $(seq 3000); do echo "PEXPIRETIME key:$number"; done >"$tmp/questions"
redis-cli -p "$source" <"$tmp/questions" | sort -u | grep -qx "$at" || changed "the originals have another time"
later=$(redis-cli -p "$target" <"$tmp/questions" | awk -v at=$at '$1 > at' | wc -l)
earlier=$(redis-cli -p "$target" <"$tmp/questions" | awk -v at=$at '$1 < at' | wc -l)
echo "3000 keys with one time of expiry: $later later on the target, $earlier earlier"
[ "$later" -gt 0 ] || changed "all copies have the time of their originals"
[ "$earlier" -eq 0 ] || changed "some copies end earlier"
