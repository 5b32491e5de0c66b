#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12).
#
# A replica that is still loading its first copy, and has not one key to show, is "state=online" with a "lag" of 0 to 2 s
# at the master from the moment that the copy is sent. It counts for min-replicas-to-write: the master takes writes because one
# replica is good, while the replica answers every read with LOADING. A copy of some gigabytes takes minutes to load.
#
# Why it surprises: redis.conf presents min-replicas-to-write as a bound on writes that could be lost: replicas must be
# connected, online and acknowledge within min-replicas-max-lag seconds. A loading replica sends empty lines so that the
# master does not time it out, and each one counts as such a sign of life.
#
# Seen (the load is slowed down by Redis' own key-load-delay):
#   without a replica: NOREPLICAS Not enough good replicas to write.
#   master:  min_slaves_good_slaves:1 slave0:…,state=online,offset=0,lag=1   SET: OK
#   replica: LOADING Redis is loading the dataset in memory
#   WAIT 1 100 after the SET: 0
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
master=$(free_port) replica=$(free_port)
server master "$master" --min-replicas-max-lag 5
server replica "$replica" --key-load-delay 100000 --loading-process-events-interval-bytes 1024
redis-cli -p "$master" eval 'for i = 1, 600 do redis.call("set", "key" .. i, "a value of some length") end' 0 >"$tmp/out"
redis-cli -p "$master" config set min-replicas-to-write 1 >"$tmp/out"
refused=$(redis-cli -p "$master" set before 1 | head -1)
redis-cli -p "$replica" replicaof 127.0.0.1 "$master" >"$tmp/out"
about() { redis-cli -p "$master" info replication | tr -d '\r' | grep -E '^(slave0|min_slaves_good)' | xargs; }
loading() { redis-cli -p "$replica" get key1 | grep -q LOADING; }
online() { about | grep -q state=online; }
wait_for loading
wait_for online
# Longer than the greatest lag that is allowed: it is not the grace of the first seconds.
sleep 8
seen=$(about)
printf 'SET during 1\nWAIT 1 100\n' | redis-cli -p "$master" >"$tmp/write"
answer=$(redis-cli -p "$replica" get key1 | head -1)
echo "without a replica: $refused"
echo "master:  ${seen//slave0:ip=127.0.0.1,port=$replica/slave0:…}   SET: $(head -1 "$tmp/write")"
echo "replica: $answer"
echo "WAIT 1 100 after the SET: $(tail -1 "$tmp/write")"
[[ "$refused" == NOREPLICAS* ]] || changed "a master without replicas takes the write"
[[ "$answer" == LOADING* ]] || { echo "the copy was loaded before the look" >&2 && exit 3; }
[[ "$seen" == *min_slaves_good_slaves:1*state=online* ]] || changed "a loading replica is not good"
[ "$(head -1 "$tmp/write")" = OK ] || changed "a loading replica does not count for min-replicas-to-write"
