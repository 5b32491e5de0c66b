#!/usr/bin/env bash
# Software: redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# With decode_responses=True zrandmember(…, withscores=True) returns the member as text and its score as bytes:
# ['a', b'1.5']. With protocol=2 both are text, with protocol=3 the score is a number in a pair. zrange with scores gives
# a number in all three cases. Code that was written against redis-py 5 or 6 compares text with bytes, and is never true.
#
# Why it surprises: https://redis.readthedocs.io/en/stable/ says of decode_responses that replies are decoded to text. The
# default now speaks RESP3 and puts the replies into the forms of RESP2: here it writes the number as bytes, too late for
# the decoding.
#
# Seen:
#   default:     zrandmember ['a', b'1.5']  zrange [('a', 1.5)]
#   protocol=2:  zrandmember ['a', '1.5']  zrange [('a', 1.5)]
#   protocol=3:  zrandmember [['a', 1.5]]  zrange [['a', 1.5]]
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
redis-cli -p "$port" zadd set 1.5 a >"$tmp/out"
cat >"$tmp/scores.py" <<'END'
import sys

import redis

seen = {}
for name, options in (("default", {}), ("protocol=2", {"protocol": 2}), ("protocol=3", {"protocol": 3})):
    client = redis.Redis(port=int(sys.argv[1]), decode_responses=True, **options)
    seen[name] = client.zrandmember("set", 1, withscores=True)
    print(f"{name + ':':12} zrandmember {seen[name]}  zrange {client.zrange('set', 0, -1, withscores=True)}")
sys.exit(seen != {"default": ["a", b"1.5"], "protocol=2": ["a", "1.5"], "protocol=3": [["a", 1.5]]})
END
"$tmp/venv/bin/python" "$tmp/scores.py" "$port" || changed "the three forms of the reply"
