#!/usr/bin/env bash
# Software: iredis 1.9.1 (Debian 12's package 1.13.0) with redis-server 7.0.15.
#
# "iredis set a 1" without a terminal as its input, as in a cron job, a container's start or a loop, does nothing, prints nothing,
# and ends with status 0. It reads commands from its standard input instead, and carries out what it finds there: in "while read
# name; do iredis del $name; done" the first iredis takes the other names for commands. With a terminal the same command is sent.
#
# Why it surprises: "iredis --help" has a command as its arguments, and the interactive mode for where none is given; of a terminal it
# says nothing. redis-cli carries out its arguments, and leaves its input alone.
#
# Seen ("set a argument" as arguments, "set b input" as input):
#   redis-cli, no input:   a = argument   b = (none)   exit status 0
#   iredis, a terminal:    a = argument   b = (none)   exit status 0
#   iredis, no input:      a = (none)     b = (none)   exit status 0
#   iredis, with input:    a = (none)     b = input    exit status 0
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
debian 'iredis=1.13.0*'
port=$(free_port)
server one "$port"
export HOME=$tmp/home PYTHONPATH=$tmp/root/usr/lib/python3/dist-packages
mkdir "$HOME"
with_terminal() { script -qec "iredis -p $port set a argument" /dev/null; }
try() {
    local status=0 a b
    redis-cli -p "$port" flushall >"$tmp/out"
    "$@" >"$tmp/out" 2>&1 || status=$?
    a=$(redis-cli -p "$port" get a) b=$(redis-cli -p "$port" get b)
    printf 'a = %-8s   b = %-6s   exit status %s\n' "${a:-(none)}" "${b:-(none)}" "$status"
}
cli=$(try redis-cli -p "$port" set a argument </dev/null)
terminal=$(try with_terminal </dev/null)
none=$(try iredis -p "$port" set a argument </dev/null)
input=$(try iredis -p "$port" set a argument < <(echo 'set b input'))
echo "redis-cli, no input:   $cli"
echo "iredis, a terminal:    $terminal"
echo "iredis, no input:      $none"
echo "iredis, with input:    $input"
[ "$cli" = "a = argument   b = (none)   exit status 0" ] || changed "redis-cli"
[ "$terminal" = "$cli" ] || changed "iredis with a terminal"
[ "$none" = "a = (none)     b = (none)   exit status 0" ] || changed "iredis carries out its arguments without a terminal"
[ "$input" = "a = (none)     b = input    exit status 0" ] || changed "iredis carries out its arguments, whatever the input"
