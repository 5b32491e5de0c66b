#!/usr/bin/env bash
# Software: ruby-redis-store 1.9.0 with ruby-redis 4.8.0 (both Debian 12) and redis-server 7.0.15.
#
# A store with the namespace "shop" puts "shop:" before the keys of some commands, and not of others: incrby("visits", 2) counts
# shop:visits, incr("visits") counts visits; sadd, lpush and a set inside multi go to the bare name, too. Two programs with two
# namespaces share those keys. The store's own flushdb, which removes what is in the namespace, leaves them behind.
#
# Why it surprises: namespaces are among what https://github.com/redis-store/redis-store offers, and keep programs apart. Nothing
# warns, and to most people incr is a shorter way to write incrby.
#
# Seen:
#   incrby 2, incr, incr; get:   2
#   keys in the server:          blocks cart shop:visits tags visits
#   after the store's flushdb:   blocks cart tags visits
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
cat >"$tmp/names.rb" <<'END'
require "redis"
require "redis-store"
port = ARGV[0].to_i
plain = Redis.new(port: port)
shop = Redis::Store.new(port: port, namespace: "shop")
shop.incrby("visits", 2)
2.times { shop.incr("visits") }
puts "get: #{shop.get("visits", raw: true)}"
shop.sadd("tags", "new")
shop.lpush("cart", "book")
shop.multi { |transaction| transaction.set("blocks", 1) }
puts "keys: #{plain.keys.sort.join(" ")}"
shop.flushdb
puts "after flushdb: #{plain.keys.sort.join(" ")}"
END
seen=$(ruby "$tmp/names.rb" "$port" 2>"$tmp/errors")
echo "$seen"
expected="get: 2
keys: blocks cart shop:visits tags visits
after flushdb: blocks cart tags visits"
[ "$seen" = "$expected" ] || changed "the namespace holds for more commands"
