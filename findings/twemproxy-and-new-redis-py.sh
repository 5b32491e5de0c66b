#!/usr/bin/env bash
# Software: twemproxy 0.5.0 (Debian 12's nutcracker), redis-py 8.1.0 and valkey-py 6.2.0 (PyPI), redis-server 7.0.15.
#
# redis-py 8 cannot talk to twemproxy out of the box: "Connection closed by server". Asking for the old protocol
# (protocol=2), which helps with other old servers, does not help here: the client still introduces itself with CLIENT
# SETINFO, whose errors it ignores, and twemproxy answers a command that it does not know by closing the connection.
# driver_info=None is what turns the introduction off; then everything works.
#
# Why it surprises: https://redis.readthedocs.io/en/stable/connections.html presents the name and version of the library
# as information for CLIENT LIST, and servers before 7.2 answer an error that the client swallows. The message
# names neither the command nor the proxy.
#
# Seen:
#   redis-py, default:                     ConnectionError: Connection closed by server.
#   redis-py, protocol=2:                  ConnectionError: Connection closed by server.
#   redis-py, protocol=2, driver_info=None: True
#   valkey-py, default:                    ConnectionError: Connection closed by server.
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
pypi redis==8.1.0 valkey==6.2.0
cat >"$tmp/clients.py" <<'END'
import sys

import redis, valkey

port = int(sys.argv[1])


def attempt(name, connect):
    try:
        answer = connect().set("key", "value")
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    print(f"{name + ':':40}{answer}")
    return str(answer)


seen = [
    attempt("redis-py, default", lambda: redis.Redis(port=port)),
    attempt("redis-py, protocol=2", lambda: redis.Redis(port=port, protocol=2)),
    attempt("redis-py, protocol=2, driver_info=None", lambda: redis.Redis(port=port, protocol=2, driver_info=None)),
    attempt("valkey-py, default", lambda: valkey.Valkey(port=port)),
]
closed = ["closed" in answer for answer in seen]
sys.exit(not (closed == [True, True, False, True] and seen[2] == "True"))
END
"$tmp/venv/bin/python" "$tmp/clients.py" "$proxy" || changed "the clients and twemproxy get on otherwise"
