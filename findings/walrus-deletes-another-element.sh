#!/usr/bin/env bash
# Software: walrus 0.9.8 and redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# "del queue[3]" on a walrus List removes the first element that is equal to the fourth one, wherever it stands: of a list with two
# equal elements the order of what is left is wrong. queue[3] itself, and queue[3] = value, mean the fourth element.
#
# Why it surprises: the method's description in https://walrus.readthedocs.io/en/latest/api.html says that a number is taken as an
# index, in contrast to Redis's own LREM. It raises nothing, and lists without repetitions look right.
#
# Seen:
#   x a b a c, del queue[3]:  walrus x b a c   Python x a b c
#   x a b a c, queue[3] = z:  walrus x a b z c   Python x a b z c
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
pypi walrus==0.9.8 redis==8.1.0
port=$(free_port)
server one "$port"
cat >"$tmp/lists.py" <<'END'
import sys

import walrus

database = walrus.Database(port=int(sys.argv[1]), decode_responses=True)


def both(change):
    plain = "x a b a c".split()
    queue = database.List("queue")
    queue.clear()
    queue.extend(plain)
    change(plain)
    change(queue)
    return " ".join(queue), " ".join(plain)


deleted = both(lambda some: some.__delitem__(3))
replaced = both(lambda some: some.__setitem__(3, "z"))
print("x a b a c, del queue[3]:  walrus {}   Python {}".format(*deleted))
print("x a b a c, queue[3] = z:  walrus {}   Python {}".format(*replaced))
sys.exit(deleted != ("x b a c", "x a b c") or replaced[0] != replaced[1])
END
"$tmp/venv/bin/python" "$tmp/lists.py" "$port" || changed "walrus deletes the element at the position"
