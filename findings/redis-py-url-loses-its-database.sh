#!/usr/bin/env bash
# Software: redis-py 8.1.0 (PyPI), with redis-server 7.0.15 (Debian 12).
#
# A URL whose path is no number gives a client of database 0, without a word: a flushdb() or a write meant for another database is
# done in the one that everybody uses. Of a path with several parts the slashes are left out: /1/2 is database 12.
#
# Why it surprises: from_url() is documented to raise a ValueError for values that cannot be cast, and it does so for the same word
# as ?db=. A forgotten placeholder or a name, as other stores have it in such a URL, is noticed when the data is gone.
#
# Seen:
#   /5:             database 5
#   /shop:          database 0
#   /{database}:    database 0
#   /1/2:           database 12
#   ?db=shop:       ValueError
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

seen = []
for path in ("/5", "/shop", "/{database}", "/1/2", "?db=shop"):
    try:
        with redis.Redis.from_url(f"redis://127.0.0.1:{sys.argv[1]}{path}") as client:
            answer = f"database {client.client_info()['db']}"
    except ValueError as error:
        answer = type(error).__name__
    seen.append(answer)
    print(f"{path + ':':15} {answer}")
sys.exit(seen != ["database 5", "database 0", "database 0", "database 12", "ValueError"])
END
"$tmp/venv/bin/python" "$tmp/url.py" "$port" || changed "a path that is no number is refused"
