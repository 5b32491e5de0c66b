#!/usr/bin/env bash
# Software: redis-sentinel 7.0.15 (Debian 12).
#
# SENTINEL SET with several options, one of which is wrong, answers with an error, and those before the wrong one are in force and in
# its file. The caller that takes the error for "nothing changed" leaves one Sentinel with another quorum or time-out than the
# others. In the other order, the wrong one first, nothing is changed.
#
# Why it surprises: CONFIG SET of the same version does all of several options, or none. The error names the wrong option, and says
# nothing of the others.
#
# Seen (failover-timeout is 180000 before):
#   SENTINEL SET failover-timeout 1000 quorums 2:  ERR Unknown option or number of arguments for SENTINEL SET 'quorums'
#   afterwards:                                    1000, in the file: 1000
#   CONFIG SET timeout 7 timeouts 7:               ERR Unknown option or number of arguments for CONFIG SET - 'timeouts'
#   afterwards:                                    0
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
debian 'redis-server=5:7.0.15*' 'redis-sentinel=5:7.0.15*'
[[ "$(redis-server --version)" == *v=7.0.15* ]] || { echo "made for redis-server 7.0.15" >&2 && exit 2; }
server() {
    mkdir "$tmp/$1"
    redis-server --bind 127.0.0.1 --port "$2" --dir "$tmp/$1" --save '' --repl-diskless-sync-delay 0 "${@:3}" >"$tmp/$1/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$2" ping
}
master=$(free_port) sentinel=$(free_port)
server master "$master"
cat >"$tmp/sentinel.conf" <<END
bind 127.0.0.1
port $sentinel
dir $tmp
sentinel monitor shop 127.0.0.1 $master 1
END
redis-server "$tmp/sentinel.conf" --sentinel >"$tmp/log" &
pids+=($!)
wait_for redis-cli -e -p "$sentinel" ping
value() { redis-cli -p "$sentinel" sentinel master shop | grep -A1 '^failover-timeout$' | tail -1; }
before=$(value)
refusal=$(redis-cli -p "$sentinel" sentinel set shop failover-timeout 1000 quorums 2 | head -1)
after=$(value)
filed=$(sed -n 's/^sentinel failover-timeout shop //p' "$tmp/sentinel.conf")
redis-cli -p "$sentinel" sentinel set shop quorums 2 failover-timeout 5000 >"$tmp/out"
other=$(value)
config=$(redis-cli -p "$master" config set timeout 7 timeouts 7 | head -1)
kept=$(redis-cli -p "$master" config get timeout | tail -1)
echo "SENTINEL SET failover-timeout 1000 quorums 2:  $refusal"
echo "afterwards:                                    $after, in the file: ${filed:-180000}"
echo "CONFIG SET timeout 7 timeouts 7:               $config"
echo "afterwards:                                    $kept"
[ "$before" = 180000 ] || { echo "failover-timeout is $before from the start" >&2 && exit 3; }
[[ "$refusal" == ERR* && "$after" = 1000 ]] || changed "a refused SENTINEL SET changes nothing"
[ "$other" = 1000 ] || changed "options behind the wrong one are done, too"
[ "$filed" = 1000 ] || changed "the file keeps the old value"
[[ "$config" == ERR* && "$kept" = 0 ]] || changed "a refused CONFIG SET is half done, too"
