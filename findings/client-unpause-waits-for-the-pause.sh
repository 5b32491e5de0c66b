#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12). 6.2.5, 8.0.6, Valkey 8.1.1 and 9.1.2, and redict 7.3.6 do the same.
#
# CLIENT UNPAUSE during a CLIENT PAUSE is itself paused, and is answered when the pause is over: nothing ends such a pause early.
# Only one with the word WRITE can be ended. That one becomes the other kind when somebody pauses again: CLIENT PAUSE 100 during a
# CLIENT PAUSE 3000 WRITE stops readers, too, and not for 100 ms: of two pauses the server keeps the later end and the stricter
# kind, and UNPAUSE waits then, too.
#
# Why it surprises: https://redis.io/docs/latest/commands/client-unpause/ has the command resume what CLIENT PAUSE paused, and ALL
# is the default of CLIENT PAUSE. A fail-over script that pauses for a minute, fails, and unpauses at its end leaves the minute as
# it is.
#
# Seen (sent half a second after the last pause):
#   PAUSE 3000 WRITE:                  GET: at once    UNPAUSE: at once
#   PAUSE 3000:                        GET: 2 s later  UNPAUSE: 2 s later
#   PAUSE 100:                         GET: at once    UNPAUSE: at once
#   PAUSE 3000 WRITE, then PAUSE 100:  GET: 2 s later  UNPAUSE: 2 s later
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
server one "$port"
# When a command is answered that comes half a second after the given pauses.
answered() {
    local started took
    for pause in "${@:2}"; do
        # shellcheck disable=SC2086  # a pause is one or two words
        redis-cli -p "$port" client pause $pause >"$tmp/out"
    done
    sleep 0.5
    started=$(date +%s%3N)
    # shellcheck disable=SC2086  # so is a command
    redis-cli -p "$port" $1 >"$tmp/out"
    took=$(($(date +%s%3N) - started))
    # None of these pauses is longer than 3 s.
    sleep 2.6
    if [ "$took" -gt 1500 ]; then echo "2 s later"; else echo "at once"; fi
}
seen=
for pauses in '3000 write' '3000' '100' '3000 write+100'; do
    IFS=+ read -ra list <<<"$pauses"
    get=$(answered 'get key' "${list[@]}")
    unpause=$(answered 'client unpause' "${list[@]}")
    text=${pauses/write/WRITE}
    printf '%-34s GET: %-10s UNPAUSE: %s\n' "PAUSE ${text/+/, then PAUSE }:" "$get" "$unpause"
    seen+="$get, $unpause; "
done
wanted='at once, at once; 2 s later, 2 s later; at once, at once; 2 s later, 2 s later; '
[ "$seen" = "$wanted" ] || changed "UNPAUSE ends a pause, or a short pause does not prolong another"
