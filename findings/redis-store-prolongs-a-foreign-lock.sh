#!/usr/bin/env bash
# Software: ruby-redis-store 1.9.0 with ruby-redis 4.8.0 (both Debian 12) and redis-server 7.0.15.
#
# setnx(key, value, expires_in: 4) sends SETNX and then EXPIRE, whatever SETNX answered: who asks for a lock and does not get it
# gives its holder another 4 seconds. As long as somebody keeps asking, the lock of a holder that died never expires.
#
# Why it surprises: a call that sets nothing is expected to change nothing, and the time to live is there exactly for the dead
# holder. SET with NX and EX does both or neither. The refused call's answer is [false, true], which is true in an "if", too.
#
# Seen (the holder takes the lock once, for 4 s; two others ask each second):
#   asked for 6 s with setnx:      refused each time, the first holder's lock has 4 s left
#   asked for 6 s with SET NX EX:  taken over after 4 s
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
server() {
    mkdir "$tmp/$1"
    redis-server --bind 127.0.0.1 --port "$2" --dir "$tmp/$1" --save '' --repl-diskless-sync-delay 0 "${@:3}" >"$tmp/$1/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$2" ping
}
debian ruby 'ruby-redis=4.8.0*' 'ruby-redis-store=1.9.0*'
port=$(free_port)
server one "$port"
root=$tmp/root/usr
RUBYLIB=$root/lib/ruby/vendor_ruby:$root/lib/ruby/3.1.0:$root/lib/$(uname -m)-linux-gnu/ruby/3.1.0
for gem in "$root"/share/rubygems-integration/all/gems/*/lib; do RUBYLIB=$RUBYLIB:$gem; done
export RUBYLIB
cat >"$tmp/lock.rb" <<'END'
require "redis"
require "redis-store"
port = ARGV[0].to_i
plain = Redis.new(port: port)
store = Redis::Store.new(port: port)

ask = lambda do |way|
  plain.del("lock")
  way.call("holder")
  6.times do
    sleep 1
    return "taken over" if way.call("other")
  end
  "still the holder's, #{(plain.pttl("lock") / 1000.0).round} s left"
end
puts "setnx: " + ask.call(->(who) { store.setnx("lock", who, expires_in: 4).first })
puts "SET NX EX: " + ask.call(->(who) { plain.set("lock", who, nx: true, ex: 4) })
END
seen=$(ruby "$tmp/lock.rb" "$port" 2>"$tmp/errors")
echo "$seen"
[ "$seen" = $'setnx: still the holder\'s, 4 s left\nSET NX EX: taken over' ] || changed "a refused setnx leaves the time to live alone"
