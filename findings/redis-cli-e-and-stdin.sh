#!/usr/bin/env bash
# Software: redis-cli 7.0.15 (Debian 12's redis-tools).
#
# "redis-cli -e" exits with 1 when the command on its command line fails. The same command read from standard input
# fails as well, is printed as well, and the exit status is 0. A job that seeds a server with "redis-cli -e <file" is
# called a success although every line was refused, for instance because it met a read-only replica.
#
# Why it surprises: "redis-cli --help" says of -e: "Return exit error code when command execution fails." Nothing there,
# nor on https://redis.io/docs/latest/develop/tools/cli/, limits it to commands given as arguments.
#
# Seen:
#   redis-cli -e SET key value:        READONLY You can't write against a read only replica. exit 1
#   redis-cli -e <<< 'SET key value':  READONLY You can't write against a read only replica. exit 0
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
port=$(free_port)
server replica "$port" --replicaof '127.0.0.1 1'
try() {
    status=0
    redis-cli -e -p "$port" "$@" >"$tmp/reply" 2>&1 || status=$?
    reply=$(head -1 "$tmp/reply")
}
try SET key value
echo "redis-cli -e SET key value:        $(head -1 "$tmp/reply") exit $status"
[[ "$status $reply" == "1 READONLY"* ]] || changed "-e with arguments"
try <<<'SET key value'
echo "redis-cli -e <<< 'SET key value':  $(head -1 "$tmp/reply") exit $status"
[[ "$status $reply" == "0 READONLY"* ]] || changed "-e sees the errors of standard input"
