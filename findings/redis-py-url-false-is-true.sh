#!/usr/bin/env bash
# Software: redis-py 8.1.0 (PyPI), with redis-server 7.0.15 (Debian 12).
#
# decode_responses=False in a URL turns decoding on: a value that is no UTF-8 raises UnicodeDecodeError, and others come as str where
# the program wants bytes. The word False is kept as text, and text is true. socket_keepalive=False and
# health_check_interval=0 in the same URL are what they say.
#
# Why it surprises: from_url() is documented with "All querystring options are cast to their appropriate Python types", booleans may
# be "True"/"False" or "Yes"/"No", and what cannot be cast raises a ValueError. Only some names are cast.
#
# Seen:
#   decode_responses=False in the URL:       'text', UnicodeDecodeError
#   decode_responses=False as an argument:   b'text', b'\xff'
#   decode_responses=maybe in the URL:       'text', UnicodeDecodeError
#   socket_timeout=maybe in the URL:         ValueError
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
pypi redis==8.1.0
port=$(free_port)
server one "$port"
cat >"$tmp/url.py" <<'END'
import sys

import redis

address = f"redis://127.0.0.1:{sys.argv[1]}"
with redis.Redis.from_url(address) as client:
    client.mset({"text": b"text", "bytes": b"\xff"})


def read(query, **arguments):
    seen = []
    try:
        with redis.Redis.from_url(address + query, **arguments) as client:
            for key in ("text", "bytes"):
                seen.append(repr(client.get(key)))
    except ValueError as error:
        seen.append(type(error).__name__)
    return ", ".join(seen)


seen = [
    read("?decode_responses=False"),
    read("", decode_responses=False),
    read("?decode_responses=maybe"),
    read("?socket_timeout=maybe"),
]
for query, answer in zip(("False in the URL:      ", "False as an argument:  ", "maybe in the URL:      "), seen):
    print(f"decode_responses={query} {answer}")
print(f"socket_timeout=maybe in the URL:         {seen[3]}")
decoded = "'text', UnicodeDecodeError"
sys.exit(seen != [decoded, r"b'text', b'\xff'", decoded, "ValueError"])
END
"$tmp/venv/bin/python" "$tmp/url.py" "$port" || changed "the URL's False is false"
