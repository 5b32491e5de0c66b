#!/usr/bin/env bash
# Software: twemproxy 0.5.0 (Debian 12's nutcracker) with redis-server 7.0.15.
#
# A pipeline "SET key 1, DBSIZE, GET key" through twemproxy gets no reply at all, not even to the SET: at DBSIZE, which it
# does not forward, twemproxy closes the connection and drops the replies that it still owes. The SET was carried out, and
# the client cannot know. Sent alone, the same SET is answered.
#
# Why it surprises: twemproxy's notes/redis.md lists DBSIZE as not supported, and Redis itself answers an unknown command
# with an error and goes on. One expects an error for that command, and +OK for the one before it.
#
# Seen:
#   SET, DBSIZE, GET:   b'' then end of connection; stored: 1
#   SET:                b'+OK\r\n'
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
debian 'nutcracker=0.5.0*'
port=$(free_port) proxy=$(free_port)
server one "$port"
cat >"$tmp/proxy.yml" <<END
pool:
  listen: 127.0.0.1:$proxy
  redis: true
  timeout: 5000
  servers:
   - 127.0.0.1:$port:1
END
nutcracker -c "$tmp/proxy.yml" -s "$(free_port)" -a 127.0.0.1 -o "$tmp/proxylog" &
pids+=($!)
wait_for redis-cli -e -p "$proxy" ping
cat >"$tmp/pipeline.py" <<'END'
import socket, sys


def replies(*commands):
    connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
    request = b""
    for command in commands:
        words = [word.encode() for word in command.split()]
        request += b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    connection.sendall(request)
    data = b""
    while len(data) < 5 and (more := connection.recv(4096)):
        data += more
    return data


print(replies(*sys.argv[2:]))
END
mixed=$(python3 "$tmp/pipeline.py" "$proxy" 'SET key 1' DBSIZE 'GET key')
carried_out() { [ "$(redis-cli -p "$port" get key)" = 1 ]; }
wait_for carried_out
echo "SET, DBSIZE, GET:   $mixed then end of connection; stored: $(redis-cli -p "$port" get key)"
alone=$(python3 "$tmp/pipeline.py" "$proxy" 'SET key 2')
echo "SET:                $alone"
[ "$mixed" = "b''" ] || changed "an unsupported command leaves the earlier replies alone"
[ "$alone" = "b'+OK\\r\\n'" ] || changed "a SET alone"
