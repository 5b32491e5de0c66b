#!/usr/bin/env bash
# Software: etcd3gw 2.7.0 (PyPI) with etcd 3.4.23 (Debian 12).
#
# "with client.lock("job"):" runs its block whether the lock is free or not. The block of a second worker runs while the first one
# is in its own: no waiting, no error, and the lock that "as" gives is not None. Only is_acquired() of it, a request of its own,
# says False. Each such attempt leaves a lease behind in etcd until it runs out.
#
# Why it surprises: a lock as a context manager (threading.Lock, redis-py's Lock) holds the block back, or raises. acquire() of
# the same class returns False here, and its result is what "with" drops.
#
# Seen:
#   acquire() while another holds the lock:  False
#   first worker in its block:               is_acquired() True
#   second worker in its block meanwhile:    is_acquired() False
#   leases for one lock after 20 attempts:   21
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
debian 'etcd-server=3.4.23*'
client=$(free_port) peer=$(free_port)
etcd --data-dir "$tmp/etcd" --listen-client-urls "http://127.0.0.1:$client" --advertise-client-urls "http://127.0.0.1:$client" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "default=http://127.0.0.1:$peer" >"$tmp/log" 2>&1 &
pids+=($!)
healthy() { curl -sf "http://127.0.0.1:$client/health" | grep -q true; }
wait_for healthy
pypi etcd3gw==2.7.0
cat >"$tmp/lock.py" <<'END'
import sys

from etcd3gw.client import Etcd3Client

first, second = (Etcd3Client(host="127.0.0.1", port=int(sys.argv[1])) for _ in range(2))
inside = []


def leases():
    return len(first.post(first.get_url("/lease/leases"), json={}).get("leases", []))


before = leases()
with first.lock("job", ttl=60) as lock:
    taken = second.lock("job", ttl=60).acquire()
    print("acquire() while another holds the lock: ", taken)
    inside.append(lock.is_acquired())
    print("first worker in its block:               is_acquired()", inside[-1])
    with second.lock("job", ttl=60) as other:
        inside.append(other.is_acquired())
        print("second worker in its block meanwhile:    is_acquired()", inside[-1])
    for _ in range(18):
        with second.lock("job", ttl=60):
            pass
    left = leases() - before
    print("leases for one lock after 20 attempts:  ", left)
sys.exit(taken is not False or inside != [True, False] or left != 21)
END
"$tmp/venv/bin/python" "$tmp/lock.py" "$client" || changed "the block needs the lock"
