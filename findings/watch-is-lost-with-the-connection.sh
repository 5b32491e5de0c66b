#!/usr/bin/env bash
# Software: valkey-glide 2.6.0 (PyPI) and ruby-redis 4.8.0 (Debian 12) with redis-server 7.0.15.
#
# WATCH, another client changes the key, the connection breaks (a fail-over, a time limit of the server), and then MULTI and EXEC:
# the client connects again by itself, the new connection watches nothing, and the transaction goes through and overwrites the
# other client's value. EXEC's answer is the one of a success.
#
# Why it surprises: the whole promise of WATCH is that EXEC does nothing when the key was changed. The client knows that it had
# sent WATCH, and that the connection is another one now; libredis-perl refuses: "reconnect disabled inside transaction or watch".
#
# Seen (1 is read, another client stores 50, the connection is cut, the transaction stores 2):
#   valkey-glide:  exec ['OK'], stored 2
#   ruby-redis:    exec ["OK"], stored 2
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
debian ruby 'ruby-redis=4.8.0*'
pypi valkey-glide==2.6.0
port=$(free_port)
server one "$port"
root=$tmp/root/usr
RUBYLIB=$root/lib/ruby/vendor_ruby:$root/lib/ruby/3.1.0:$root/lib/$(uname -m)-linux-gnu/ruby/3.1.0
for gem in "$root"/share/rubygems-integration/all/gems/*/lib; do RUBYLIB=$RUBYLIB:$gem; done
export RUBYLIB
# Each client watches, another one changes the key and cuts the connections, and the transaction follows.
cat >"$tmp/watch.rb" <<'END'
require "redis"
client, other = Array.new(2) { Redis.new(port: ARGV[0].to_i) }
client.watch("balance")
other.set("balance", 50)
other.call(%w[CLIENT KILL TYPE normal SKIPME yes])
puts "exec #{client.multi { |transaction| transaction.set("balance", 2) }}"
END
cat >"$tmp/watch.py" <<'END'
import asyncio, sys

from glide import Batch, GlideClient, GlideClientConfiguration, NodeAddress


async def main():
    address = GlideClientConfiguration([NodeAddress("127.0.0.1", int(sys.argv[1]))])
    client, other = await GlideClient.create(address), await GlideClient.create(address)
    await client.watch(["balance"])
    await other.set("balance", "50")
    await other.custom_command("CLIENT KILL TYPE normal SKIPME yes".split())
    await asyncio.sleep(0.5)
    transaction = Batch(is_atomic=True)
    transaction.set("balance", "2")
    print("exec", await client.exec(transaction, True))


asyncio.run(main())
END
try() {
    redis-cli -p "$port" set balance 1 >"$tmp/out"
    printf '%s, stored %s\n' "$("$@" "$port" 2>"$tmp/errors")" "$(redis-cli -p "$port" get balance)"
}
ruby=$(try ruby "$tmp/watch.rb")
glide=$(try "$tmp/venv/bin/python" "$tmp/watch.py")
echo "ruby-redis:    $ruby"
echo "valkey-glide:  $glide"
[ "$ruby" = 'exec ["OK"], stored 2' ] || changed "ruby-redis notices that the watched connection is gone"
[ "$glide" = "exec ['OK'], stored 2" ] || changed "valkey-glide notices that the watched connection is gone"
