#!/usr/bin/env bash
# Software: redis-om 1.2.0 and redis-py 8.1.0 (PyPI) with redis-server 7.0.15 (Debian 12).
#
# A HashModel's optional field that had a value and is set to None stays as it was: save() returns the model with None, and the
# next get() has the old value again. What was removed (an address, an expiry, a deputy) comes back by itself.
#
# Why it surprises: save() stores the model, the returned object says None, nothing is raised. With "" instead of None it is the
# other way about: the empty text is stored, and read back as None.
#
# Seen:
#   save phone='555', holder='eve':   get: phone='555' holder='eve'
#   save phone=None, holder='':       get: phone='555' holder=None
#   the object that save() returned:       phone=None holder=''
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
pypi redis-om==1.2.0 redis==8.1.0
port=$(free_port)
server one "$port"
cat >"$tmp/model.py" <<'END'
from typing import Optional

from redis_om import HashModel


class Card(HashModel, index=True):
    phone: Optional[str] = None
    holder: Optional[str] = None


def show(what, card):
    seen = f"phone={card.phone!r} holder={card.holder!r}"
    print(what + seen)
    return seen


card = Card(phone="555", holder="eve")
card.save()
show("save phone='555', holder='eve':   get: ", Card.get(card.pk))
card.phone = None
card.holder = ""
returned = card.save()
seen = show("save phone=None, holder='':       get: ", Card.get(card.pk))
show("the object that save() returned:       ", returned)
raise SystemExit(seen != "phone='555' holder=None" or returned.phone is not None)
END
REDIS_OM_URL=redis://127.0.0.1:$port "$tmp/venv/bin/python" "$tmp/model.py" || changed "a field can be set to None"
