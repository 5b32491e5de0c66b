#!/usr/bin/env bash
# Software: pyrate-limiter 4.5.1 and redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# A limiter with a RedisBucket loads its script once, when it is made, and only names it later. After a restart of the server, or
# a fail-over to a replica (Redis 7 does not give scripts to replicas), each call raises NoScriptError, until the application is
# started again. The bucket's data is all there: another process that starts now goes on with the same bucket.
#
# Why it surprises: https://redis.io/docs/latest/develop/programmability/eval-intro/ calls the server's cache of scripts volatile,
# and redis-py's own Script object sends a script again that the server does not know. The client reconnects by itself, which
# makes everything look well.
#
# Seen (limit of 100 an hour; the master is lost, the client is led to its promoted replica):
#   before:                      True
#   after the fail-over:         NoScriptError, NoScriptError, NoScriptError
#   a new process, same bucket:  True, used so far: 2
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
pypi pyrate-limiter==4.5.1 redis==8.1.0
master=$(free_port) replica=$(free_port)
server master "$master"
server replica "$replica" --replicaof 127.0.0.1 "$master"
linked() { redis-cli -p "$replica" info replication | grep -q '^master_link_status:up'; }
wait_for linked
cat >"$tmp/limit.py" <<'END'
import sys

import redis
from pyrate_limiter import Duration, Limiter, Rate, RedisBucket

client = redis.Redis(port=int(sys.argv[1]))
limiter = Limiter(RedisBucket.init([Rate(100, Duration.HOUR)], client, "bucket"))


def ask():
    try:
        return str(limiter.try_acquire("caller", blocking=False))
    except redis.RedisError as error:
        return type(error).__name__


print(ask(), flush=True)
for port in sys.stdin:
    # What a Service of Kubernetes does: the same name leads to the promoted server.
    client.connection_pool.connection_kwargs["port"] = int(port)
    client.connection_pool.reset()
    print(", ".join(ask() for _ in range(3)), flush=True)
END
mkfifo "$tmp/go"
"$tmp/venv/bin/python" "$tmp/limit.py" "$master" <"$tmp/go" >"$tmp/told" 2>"$tmp/errors" &
pids+=($!)
exec 9>"$tmp/go"
wait_for grep -q . "$tmp/told"
[ "$(redis-cli -p "$master" wait 1 5000)" = 1 ] || { echo "the replica does not follow" >&2 && exit 3; }
redis-cli -p "$master" shutdown nosave
redis-cli -p "$replica" replicaof no one >"$tmp/out"
echo "$replica" >&9
two_lines() { [ "$(wc -l <"$tmp/told")" = 2 ]; }
wait_for two_lines
exec 9>&-
before=$(sed -n 1p "$tmp/told")
after=$(sed -n 2p "$tmp/told")
anew=$("$tmp/venv/bin/python" "$tmp/limit.py" "$replica" </dev/null)
used=$(redis-cli -p "$replica" zcard bucket)
echo "before:                      $before"
echo "after the fail-over:         $after"
echo "a new process, same bucket:  $anew, used so far: $used"
[ "$before" = True ] || changed "the limiter at the start"
[ "$after" = "NoScriptError, NoScriptError, NoScriptError" ] || changed "the limiter works on after a fail-over"
[ "$anew $used" = "True 2" ] || changed "a new process with the same bucket"
