#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12).
#
# A client that reads from a replica with CLIENT TRACKING gets no invalidation for a key whose time is over while the
# master is silent, not even when the replica itself answers nil to a GET of that key: the message comes only with the
# DEL of the returning master. Until then a client-side cache serves a value that the server no longer admits to have.
#
# Why it surprises: https://redis.io/docs/latest/develop/reference/client-side-caching/ says that clients are notified
# when a key is modified by a client, and also when it goes because of its time to live or of a maxmemory
# policy; and a replica is where reads are cached.
#
# Seen:
#   cached old - the replica now answers nil: True - pushed: b''
#   master back - pushed: b'>2\r\n$10\r\ninvalidate\r\n*1\r\n$3\r\nkey\r\n'
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
server master "$master"
server replica "$replica" --replicaof "127.0.0.1 $master"
linked() { redis-cli -p "$replica" info replication | grep -q master_link_status:up; }
in_step() { [ "$(redis-cli -p "$replica" info replication | grep ^slave_repl_offset | tr -dc 0-9)" = "$(redis-cli -p "$master" info replication | grep ^master_repl_offset | tr -dc 0-9)" ]; }
wait_for linked
cat >"$tmp/client.py" <<'END'
import os, signal, socket, sys, time

replica, master_pid = int(sys.argv[1]), int(sys.argv[2])


class Client:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", replica))
        self.socket.settimeout(10)

    def ask(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.socket.recv(65536)

    def pushes(self, seconds):
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(65536)
        except TimeoutError:
            return b""


cache, other = Client(), Client()
cache.ask("HELLO 3")
assert cache.ask("CLIENT TRACKING ON") == b"+OK\r\n"
cached = cache.ask("GET key")
os.kill(master_pid, signal.SIGSTOP)
end = time.monotonic() + 30
while (answer := other.ask("GET key")) != b"$-1\r\n" and time.monotonic() < end:
    time.sleep(0.1)
silent = cache.pushes(2)
print("cached", cached.split(b"\r\n")[1].decode(), "- the replica now answers nil:", answer == b"$-1\r\n", "- pushed:", silent)
os.kill(master_pid, signal.SIGCONT)
late = cache.pushes(20)
print("master back - pushed:", late)
sys.exit(0 if cached == b"$3\r\nold\r\n" and answer == b"$-1\r\n" and silent == b"" and b"invalidate" in late else 1)
END
redis-cli -p "$master" set key old px 3000 >"$tmp/out"
wait_for in_step
python3 "$tmp/client.py" "$replica" "${pids[0]}" || changed "the replica tells of the expiry by itself"
