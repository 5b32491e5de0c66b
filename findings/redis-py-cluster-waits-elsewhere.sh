#!/usr/bin/env bash
# Software: redis-py 8.1.0 (PyPI) with redis-server 7.0.15 in cluster mode (Debian 12).
#
# RedisCluster.set() sends a key to the node that holds it, and wait() behind it asks another node: the client's default one. It
# answers at once with the number of its own replicas, which know nothing of that key. Here the key's node has no replica at all, and
# wait(1, 500) says 1. The same for the node itself, with target_nodes, says 0 after half a second.
#
# Why it surprises: wait() is described as giving the number of replicas that have the writes before it, and one calls it only to be
# sure of a write. On a connection that wrote nothing Redis has nothing to wait for, so this answer is never right.
#
# Seen (two masters; the default node has a replica, the other one has none):
#   set of a key of the default node, wait(1, 500):  1
#   set of a key of the other node, wait(1, 500):    1
#   the same, asked of the other node:               0
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
pypi redis==8.1.0
node() {
    mkdir "$tmp/$1"
    redis-server --bind 127.0.0.1 --port "$1" --cluster-port "$2" --cluster-enabled yes --dir "$tmp/$1" --save '' \
        --repl-diskless-sync-delay 0 >"$tmp/$1/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$1" ping
}
one=$(free_port) two=$(free_port) three=$(free_port)
for port in "$one" "$two" "$three"; do node "$port" "$(free_port)"; done
bus_of() { redis-cli -p "$1" cluster nodes | sed -n 's/.*@\([0-9]*\)[ ,].*myself.*/\1/p'; }
redis-cli -p "$one" cluster addslotsrange 0 8191 >"$tmp/out"
redis-cli -p "$two" cluster addslotsrange 8192 16383 >"$tmp/out"
redis-cli -p "$two" cluster set-config-epoch 2 >"$tmp/out"
redis-cli -p "$three" cluster set-config-epoch 3 >"$tmp/out"
for port in "$two" "$three"; do redis-cli -p "$one" cluster meet 127.0.0.1 "$port" "$(bus_of "$port")" >"$tmp/out"; done
# Makes the third node a replica of the first, once it knows that one.
replicates() { redis-cli -e -p "$three" cluster replicate "$(redis-cli -p "$one" cluster myid)"; }
wait_for replicates
ready() {
    for port in "$one" "$two" "$three"; do redis-cli -p "$port" cluster info | grep -q cluster_state:ok || return 1; done
    redis-cli -p "$one" info replication | grep -q state=online && redis-cli -p "$one" cluster nodes | grep -q slave
}
wait_for ready
cat >"$tmp/wait.py" <<'END'
import sys

from redis.cluster import RedisCluster

one, two = int(sys.argv[1]), int(sys.argv[2])
client = RedisCluster(host="127.0.0.1", port=one)
client.replace_default_node(client.get_node(host="127.0.0.1", port=one))
keys = {client.get_node_from_key(key).port: key for key in map(str, range(100))}
client.set(keys[one], "value")
near = client.wait(1, 500)
client.set(keys[two], "value")
far = client.wait(1, 500)
client.set(keys[two], "value")
asked = client.wait(1, 500, target_nodes=client.get_node(host="127.0.0.1", port=two))
print("set of a key of the default node, wait(1, 500): ", near)
print("set of a key of the other node, wait(1, 500):   ", far)
print("the same, asked of the other node:              ", asked)
sys.exit((near, far, asked) != (1, 1, 0))
END
"$tmp/venv/bin/python" "$tmp/wait.py" "$one" "$two" || changed "wait() asks the node that got the write"
