#!/usr/bin/env bash
# Software: redis-server and redis-sentinel 7.0.15 (Debian 12). Valkey 9.1.2 answers the same.
#
# A master that cannot write its RDB file refuses PING with -MISCONF, while GET, INFO and ROLE are answered. A liveness
# probe that wants PONG calls the server dead; its restart loads the last file that could be written, so that everything
# since then is gone, although the server still had it in memory. Sentinel takes the same answer for a master that is down. A
# replica whose own save failed refuses PING, too.
#
# Why it surprises: redis.conf says of stop-writes-on-bgsave-error that Redis "will stop accepting writes", and the error's own
# text that commands that may modify the data set are disabled. PING modifies nothing, and its page,
# https://redis.io/docs/latest/commands/ping/, offers it as a test whether the server can serve data. It can.
#
# Seen:
#   GET key:   value
#   PING:      MISCONF Redis is configured to save RDB snapshots, but …
#   replica:   GET value, PING MISCONF
#   Sentinel:  flags s_down,o_down,master,failover_in_progress
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
debian 'redis-sentinel=5:7.0.15*'
master=$(free_port) replica=$(free_port) sentinel=$(free_port)
start() {
    mkdir "$tmp/$1"
    redis-server --bind 127.0.0.1 --port "$2" --dir "$tmp/$1" --save 3600 1 --repl-diskless-sync-delay 0 "${@:3}" >"$tmp/$1.log" &
    pids+=($!)
    wait_for redis-cli -e -p "$2" ping
}
start master "$master"
start replica "$replica" --replicaof 127.0.0.1 "$master"
redis-cli -p "$master" set key value >"$tmp/out"
arrived() { [ "$(redis-cli -p "$replica" get key)" = value ]; }
wait_for arrived
printf 'port %s\nbind 127.0.0.1\ndir %s\nsentinel monitor main 127.0.0.1 %s 1\nsentinel down-after-milliseconds main 1000\n' \
    "$sentinel" "$tmp" "$master" >"$tmp/sentinel.conf"
redis-server "$tmp/sentinel.conf" --sentinel >"$tmp/sentinel.log" &
pids+=($!)
flags() { redis-cli -p "$sentinel" sentinel master main | grep -A1 '^flags$' | tail -1; }
well() { [ "$(flags)" = master ]; }
wait_for well
# The folders go away: a background save has no place for its file.
rm -rf "$tmp/master" "$tmp/replica"
redis-cli -p "$master" bgsave >"$tmp/out"
redis-cli -p "$replica" bgsave >"$tmp/out"
failed() { redis-cli -p "$1" info persistence | grep -q rdb_last_bgsave_status:err; }
wait_for failed "$master"
wait_for failed "$replica"
read=$(redis-cli -p "$master" get key) ping=$(redis-cli -p "$master" ping | head -1)
other="GET $(redis-cli -p "$replica" get key), PING $(redis-cli -p "$replica" ping | head -1 | cut -d' ' -f1)"
down() { [[ "$(flags)" == *s_down* ]]; }
echo "GET key:   $read"
echo "PING:      ${ping%%but*}but …"
echo "replica:   $other"
[ "$read" = value ] || changed "reads do not work either"
[[ "$ping" == MISCONF* ]] || changed "PING is answered"
[ "$other" = "GET value, PING MISCONF" ] || changed "a replica answers PING"
wait_for down
echo "Sentinel:  flags $(flags)"
