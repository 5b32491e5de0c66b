#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12). The name comes from Debian's nss_wrapper.
#
# A name leads to another server now; the replica gets REPLICAOF with that name once more, to make it look it up. The answer is
# "OK Already connected to specified master", and it goes on following the old server, while INFO shows the name and a link that
# is up. The words are compared, not the addresses. CLIENT KILL TYPE master makes it dial again.
#
# Why it surprises: the answer is OK, and https://redis.io/docs/latest/commands/replicaof/ says that a replica of another
# server stops following the old one. In Kubernetes the name stays, and what is behind it changes.
#
# Seen:
#   before:                               GET which: old
#   the name moved, REPLICAOF once more:  OK Already connected to specified master
#     link up, of: redis-master           GET which: old
#   after CLIENT KILL TYPE master:        GET which: new
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
debian 'redis-server=5:7.0.15*'
[[ "$(redis-server --version)" == *v=7.0.15* ]] || { echo "made for redis-server 7.0.15" >&2 && exit 2; }
debian 'libnss-wrapper=1.1.12*'
wrapper=$(find "$tmp/root" /usr/lib -name libnss_wrapper.so 2>/dev/null | head -1)
master=$(free_port) replica=$(free_port)
start() {
    mkdir "$tmp/$1"
    redis-server --bind "$2" --port "$3" --dir "$tmp/$1" --save '' --protected-mode no --repl-diskless-sync-delay 0 \
        "${@:4}" >"$tmp/$1/log" &
    pids+=($!)
    wait_for redis-cli -e -h "$2" -p "$3" ping
}
start old 127.0.0.1 "$master"
start new 127.0.0.2 "$master"
for name in old:127.0.0.1 new:127.0.0.2; do redis-cli -h "${name#*:}" -p "$master" set which "${name%:*}" >"$tmp/out"; done
echo '127.0.0.1 redis-master' >"$tmp/hosts"
mkdir "$tmp/replica"
NSS_WRAPPER_HOSTS=$tmp/hosts LD_PRELOAD=$wrapper redis-server --bind 127.0.0.1 --port "$replica" --dir "$tmp/replica" --save '' \
    --replicaof redis-master "$master" >"$tmp/replica/log" &
pids+=($!)
which() { redis-cli -p "$replica" get which; }
is() { [ "$(which)" = "$1" ]; }
wait_for is old
before=$(which)
echo '127.0.0.2 redis-master' >"$tmp/hosts"
# nss_wrapper reads the file again when its time stamp, in whole seconds, is another one.
touch -d '1 minute' "$tmp/hosts"
answer=$(redis-cli -p "$replica" replicaof redis-master "$master")
sleep 3
about=$(redis-cli -p "$replica" info replication | tr -d '\r')
after=$(which)
redis-cli -p "$replica" client kill type master >"$tmp/out"
wait_for is new
echo "before:                               GET which: $before"
echo "the name moved, REPLICAOF once more:  $answer"
echo "  link $(sed -n 's/master_link_status://p' <<<"$about"), of: $(sed -n 's/master_host://p' <<<"$about")           GET which: $after"
echo "after CLIENT KILL TYPE master:        GET which: $(which)"
[ "$answer" = "OK Already connected to specified master" ] || changed "REPLICAOF answers otherwise"
[ "$after" = old ] || changed "REPLICAOF with the same name looks it up again"
