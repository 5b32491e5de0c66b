#!/usr/bin/env bash
# Software: redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12); valkey-py 6.2.0 (PyPI) for comparison.
#
# When the connection breaks after the server carried out a command and before its reply arrived, redis-py sends the
# command again over a new connection, up to ten times, whatever the command: one incr() counts 2, one lpop() removes two
# elements and returns the second, and set(nx=True) returns None to the very client that now owns the key. No argument
# asked for it. valkey-py, a fork of redis-py, reports a ConnectionError and leaves the choice to the caller.
#
# Why it surprises: https://redis.readthedocs.io/en/stable/retry.html presents retries as a help against connection
# errors; that they make commands run twice by default is not said where incr() or lpop() is described.
#
# Seen:
#   redis-py 8.1.0:   incr() = 2, stored 2     lpop() = b'b', left []     set(nx) = None, stored b'me'
#   valkey-py 6.2.0:  incr() = ConnectionError, stored 1
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
pypi redis==8.1.0 valkey==6.2.0
port=$(free_port)
server one "$port"
cat >"$tmp/cut.py" <<'END'
import socket, sys, threading

import redis, valkey

port = int(sys.argv[1])
plain = redis.Redis(port=port)


def cutting_proxy(word):
    """Passes everything on, but closes the connection in place of the first reply to a command with this word."""
    listener = socket.create_server(("127.0.0.1", 0))
    left = [1]

    def serve(client):
        server = socket.create_connection(("127.0.0.1", port))
        while data := client.recv(65536):
            server.sendall(data)
            reply = server.recv(65536)
            if word in data and left[0]:
                left[0] = 0
                break
            client.sendall(reply)
        client.close()
        server.close()

    def accept():
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def attempt(call):
    try:
        return call()
    except Exception as error:
        return type(error).__name__


plain.rpush("list", "a", "b")
counted = attempt(lambda: redis.Redis(port=cutting_proxy(b"INCR")).incr("count"))
popped = attempt(lambda: redis.Redis(port=cutting_proxy(b"LPOP")).lpop("list"))
claimed = attempt(lambda: redis.Redis(port=cutting_proxy(b"NX")).set("lock", "me", nx=True))
print(f"redis-py {redis.__version__}:   incr() = {counted}, stored {int(plain.get('count'))}    ",
      f"lpop() = {popped}, left {plain.lrange('list', 0, -1)}     set(nx) = {claimed}, stored {plain.get('lock')}")
plain.delete("count")
other = attempt(lambda: valkey.Valkey(port=cutting_proxy(b"INCR")).incr("count"))
print(f"valkey-py {valkey.__version__}:  incr() = {other}, stored {int(plain.get('count'))}")
same = (counted, popped, plain.llen("list"), claimed, plain.get("lock"), other) == (2, b"b", 0, None, b"me", "ConnectionError")
sys.exit(not same)
END
"$tmp/venv/bin/python" "$tmp/cut.py" "$port" || changed "the clients treat a lost reply otherwise"
