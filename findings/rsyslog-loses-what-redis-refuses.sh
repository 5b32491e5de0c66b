#!/usr/bin/env bash
# Software: rsyslog 8.2302.0 with rsyslog-hiredis (Debian 12) and redis-server 7.0.15.
#
# rsyslog's output to Redis takes an error reply for a success: what it sends while the server is read-only, out of memory, or short
# of replicas is lost, and nothing is logged. When the server is down, the same action keeps the messages and sends them later.
#
# Why it surprises: the action shall try for ever (action.resumeRetryCount="-1"), and a fail-over, in which the old server is
# made a replica, is the case for which one sets that.
#
# Seen (messages 1 to 5, one a second):
#   1 while all is well, 2 and 3 while writes are refused, 4 while the server is down, 5 after it
#   stored: 1 4 5
#   rsyslog's own messages about a refusal: 0
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
debian 'rsyslog=8.2302.0*' 'rsyslog-hiredis=8.2302.0*'
[[ "$(rsyslogd -v)" == *8.2302.0* ]] || { echo "made for rsyslog 8.2302.0" >&2 && exit 2; }
port=$(free_port) input=$(free_port)
server one "$port" --appendonly yes
cat >"$tmp/rsyslog.conf" <<END
module(load="imptcp")
module(load="omhiredis")
input(type="imptcp" port="$input" address="127.0.0.1")
template(name="text" type="string" string="%msg%")
action(type="omhiredis" server="127.0.0.1" serverport="$port" mode="queue" key="logs" template="text"
       action.resumeRetryCount="-1" action.resumeInterval="1" queue.type="LinkedList")
END
# Debian's packages lie in the temporary folder, or in the system where they are installed.
modules=/usr/lib/$(uname -m)-linux-gnu/rsyslog
rsyslogd -n -f "$tmp/rsyslog.conf" -i "$tmp/rsyslog.pid" -M "$tmp/root$modules:$modules" >"$tmp/rsyslog.log" 2>&1 &
pids+=($!)
log() { printf '<14>Jan  1 00:00:00 host tag: %s\n' "$1" >"/dev/tcp/127.0.0.1/$input"; }
stored() { redis-cli -p "$port" lrange logs 0 -1 | tr -d ' ' | sort | paste -sd' '; }
has() { stored | grep -q "$1"; }
listens() { (: >"/dev/tcp/127.0.0.1/$input"); }
wait_for listens
log 1
wait_for has 1
redis-cli -p "$port" config set min-replicas-to-write 1 >"$tmp/out"
log 2
sleep 1
log 3
sleep 1
redis-cli -p "$port" config set min-replicas-to-write 0 >"$tmp/out"
redis-cli -p "$port" shutdown
wait "${pids[0]}" || true
log 4
sleep 1
mv "$tmp/one" "$tmp/kept"
server one "$port" --dir "$tmp/kept" --appendonly yes
log 5
wait_for has 5
wait_for has 4
seen=$(stored)
refusals=$(grep -ci 'replicas' "$tmp/rsyslog.log" || true)
echo "stored: $seen"
echo "rsyslog's own messages about a refusal: $refusals"
[ "$seen $refusals" = "1 4 5 0" ] || changed "rsyslog sees that Redis refused a message"
