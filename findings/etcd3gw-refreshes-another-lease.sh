#!/usr/bin/env bash
# Software: etcd3gw 2.7.0 (PyPI) with etcd 3.4.23 (Debian 12).
#
# A holder that calls acquire() of its lock once more, to be sure, gets False, and from then on refresh() renews another lease:
# acquire() takes a new one each time, before it asks for the lock, and puts it in place of the one that the lock hangs on.
# refresh() returns the full time again and again, while the lock runs out in the hands of its living holder.
#
# Why it surprises: is a lock still mine? acquire() answers False for "somebody has it", which one's own lock is, too; a call that
# changes nothing else ought not to change what refresh() does.
#
# Seen (time to live 4 s; refreshed each second for 8 s):
#   acquire() once:   refresh() 4 4 4 4 4 4 4 4   the lock is there at the end: True
#   acquire() twice:  refresh() 4 4 4 4 4 4 4 4   the lock is there at the end: False
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
import sys, time

from etcd3gw.client import Etcd3Client

client = Etcd3Client(host="127.0.0.1", port=int(sys.argv[1]))
once, twice = client.lock("once", ttl=4), client.lock("twice", ttl=4)
taken = [once.acquire(), twice.acquire(), twice.acquire()]
told = {once: [], twice: []}
for _ in range(8):
    time.sleep(1)
    for lock, answers in told.items():
        answers.append(lock.refresh())
held = [once.is_acquired(), twice.is_acquired()]
for lock, name, there in zip(told, ("once: ", "twice:"), held):
    print(f"acquire() {name}  refresh()", *told[lock], f"  the lock is there at the end: {there}")
sys.exit(taken != [True, True, False] or held != [True, False] or any(answers != [4] * 8 for answers in told.values()))
END
"$tmp/venv/bin/python" "$tmp/lock.py" "$client" || changed "a second acquire() does no harm"
