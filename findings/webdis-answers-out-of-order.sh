#!/usr/bin/env bash
# Software: webdis 0.1.9 (Debian 12) with redis-server 7.0.15.
#
# Two requests sent over one connection without waiting come back in the wrong order: what webdis answers by itself
# (OPTIONS, a method that it refuses) overtakes what it must ask from Redis. With more than one connection to Redis, GETs
# overtake each other, too. A client that matches answers by their order, as HTTP/1.1 has it, takes the answer to OPTIONS
# for its value, and the value for the answer to OPTIONS.
#
# Why it surprises: RFC 9112, section 9.3.2: a server must send the answers to pipelined requests in the order of the
# requests. webdis' README speaks of pipelining as supported.
#
# Seen:
#   GET a, OPTIONS:   (empty) {"GET":"A"}
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
debian 'webdis=0.1.9*'
port=$(free_port) http=$(free_port)
server one "$port"
cat >"$tmp/webdis.json" <<END
{"redis_host": "127.0.0.1", "redis_port": $port, "http_host": "127.0.0.1", "http_port": $http, "threads": 1,
 "pool_size": 2, "daemonize": false, "websockets": false, "database": 0, "acl": [], "verbosity": 1, "logfile": "$tmp/weblog"}
END
webdis "$tmp/webdis.json" 2>"$tmp/weberr" &
pids+=($!)
wait_for curl -sf "http://127.0.0.1:$http/PING"
redis-cli -p "$port" set a A >"$tmp/out"
cat >"$tmp/pipeline.py" <<'END'
import socket, sys


def answers(*requests):
    connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
    connection.sendall("".join(f"{request} HTTP/1.1\r\nHost: webdis\r\n\r\n" for request in requests).encode())
    stream, bodies = connection.makefile("rb"), []
    for _ in requests:
        length = 0
        while line := stream.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        bodies.append(stream.read(length).decode() or "(empty)")
    return bodies


seen = answers("GET /GET/a", "OPTIONS /")
print("GET a, OPTIONS:  ", *seen)
sys.exit(seen != ["(empty)", '{"GET":"A"}'])
END
python3 "$tmp/pipeline.py" "$http" || changed "the answers come in the order of the requests"
