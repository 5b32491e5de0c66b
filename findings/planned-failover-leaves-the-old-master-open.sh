#!/usr/bin/env bash
# Software: redis-sentinel and redis-server 7.0.15 (Debian 12).
#
# A planned SENTINEL FAILOVER of a healthy master promotes the replica within milliseconds. The old master is not told for about
# ten seconds. It goes on to acknowledge the writes of every client that is connected to it, and drops them all when it becomes
# a replica. A client that connects again after it asked a Sentinel is at the new master; one that stays connected gets no error.
#
# Why it surprises: https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/ describes SENTINEL FAILOVER as what
# forces a fail-over "as if the master was not reachable", and operators use it for maintenance, when nothing has failed and
# nothing needs to be lost.
#
# Seen: 3,710 writes acknowledged by the old master after the new one had been named, for 9.5 s; 0 of them left
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
debian 'redis-sentinel=5:7.0.15*'
master=$(free_port) replica=$(free_port) sentinel=$(free_port)
server master "$master"
server replica "$replica" --replicaof 127.0.0.1 "$master"
linked() { redis-cli -p "$replica" info replication | grep -q master_link_status:up; }
wait_for linked
printf 'port %s\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 %s 1\n' "$sentinel" "$master" >"$tmp/s.conf"
redis-server "$tmp/s.conf" --sentinel >"$tmp/s.log" &
pids+=($!)
wait_for redis-cli -e -p "$sentinel" ping
known() {
    redis-cli -p "$sentinel" sentinel master main | grep -A1 '^num-slaves$' | grep -qx 1 &&
        redis-cli -p "$sentinel" sentinel replicas main | grep -A1 '^info-refresh$' | tail -1 | grep -qE '^[0-9]{1,4}$'
}
wait_for known
redis-cli -p "$sentinel" sentinel failover main >"$tmp/said"
grep -qx OK "$tmp/said" || changed "SENTINEL FAILOVER says $(cat "$tmp/said")"
moved() { [ "$(redis-cli -p "$sentinel" sentinel get-master-addr-by-name main | tail -1)" = "$replica" ]; }
wait_for moved
# One client that stays connected to the old master, until that refuses a write.
python3 - "$master" >"$tmp/writes" <<'PYTHON'
import socket, sys, time
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
answers = client.makefile("rb")
begin = time.monotonic()
count = 0
while time.monotonic() < begin + 60:
    client.sendall(b"SET late:%d 1\r\n" % count)
    if answers.readline() != b"+OK\r\n":
        break
    count += 1
    time.sleep(0.002)
print(count, f"{time.monotonic() - begin:.1f}")
PYTHON
read -r count seconds <"$tmp/writes"
follows() { redis-cli -p "$master" info replication | grep -q master_link_status:up; }
wait_for follows
left=$(redis-cli -p "$replica" --scan --pattern 'late:*' | wc -l)
echo "$count writes acknowledged by the old master after the new one had been named, for $seconds s; $left of them left"
[ "$count" -gt 1000 ] || changed "the old master took $count writes only"
[ "$left" -eq 0 ] || changed "$left of them are kept"
