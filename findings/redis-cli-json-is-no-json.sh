#!/usr/bin/env bash
# Software: redis-cli 7.0.15 with redis-server 7.0.15 (Debian 12); Python's json reads.
#
# A value that is no UTF-8 makes the output of --json something that is no JSON: its bytes stand between the quotes as they are.
# --quoted-json is JSON, and of other values: a byte beyond ASCII becomes four characters, so a word with an accent is
# another word, and each string has to be unescaped a second time, by rules that are not those of JSON.
#
# Why it surprises: the help calls --json "Output in JSON format", and --quoted-json the same with "ASCII-safe quoted strings", for
# which JSON has \u00ef. A script works until the first compressed or pickled value, or until the first accent.
#
# Seen (what a reader of the JSON gets; the values are text, naïve, and the byte 255):
#   --json         text   JSON of text
#   --json         word   JSON of naïve
#   --json         bytes  UnicodeDecodeError
#   --quoted-json  text   JSON of text
#   --quoted-json  word   JSON of na\xc3\xafve
#   --quoted-json  bytes  JSON of \xff
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
port=$(free_port)
server one "$port"
printf 'text' | redis-cli -p "$port" -x set text >"$tmp/out"
printf 'na\303\257ve' | redis-cli -p "$port" -x set word >"$tmp/out"
printf '\377' | redis-cli -p "$port" -x set bytes >"$tmp/out"
# OPTION KEY: what reads the output makes of it.
reads() {
    redis-cli -p "$port" "$1" get "$2" >"$tmp/json"
    PYTHONIOENCODING=utf-8 python3 - "$tmp/json" <<'END'
import json, sys

with open(sys.argv[1], "rb") as file:
    output = file.read()
try:
    told = "JSON of " + json.loads(output)
except ValueError as error:
    told = type(error).__name__
print(told)
END
}
seen=
for option in --json --quoted-json; do
    for key in text word bytes; do
        answer=$(reads "$option" "$key")
        printf '%-14s %-6s %s\n' "$option" "$key" "$answer"
        seen+="$answer; "
    done
done
wanted='JSON of text; JSON of naïve; UnicodeDecodeError; JSON of text; JSON of na\xc3\xafve; JSON of \xff; '
[ "$seen" = "$wanted" ] || changed "bytes are printed as JSON, or a word is itself with both"
