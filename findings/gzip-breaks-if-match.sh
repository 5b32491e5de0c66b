#!/usr/bin/env bash
# Software: nginx 1.22.1, HAProxy 2.6.12 and Varnish 7.1.1 (all Debian 12).
#
# With compression on, each of the three turns the strong tag "v1" of a document into the weak W/"v1". A client that reads
# the document, and then changes it with If-Match and the tag that it was given, is refused with 412, every time: the
# update that no other client disturbed looks like a lost race, and reading again does not help. Without Accept-Encoding the
# same client works through nginx and HAProxy; Varnish weakens the tag even for clients that get the text unpacked.
#
# Why it surprises: RFC 9110, section 8.8.3.3, wants another tag for another encoding, and section 13.1.1 the strong
# comparison for If-Match, so each part is right by itself. The pages of nginx' gzip, HAProxy's compression and Varnish'
# do_gzip do not say that conditional writes end with it.
#
# Seen:                  tag        PUT
#   origin     "v1"       204
#   nginx      W/"v1"     412
#   HAProxy    W/"v1"     412
#   Varnish    W/"v1"     412
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
cat >"$tmp/origin.py" <<'END'
import http.server, sys


class Origin(http.server.BaseHTTPRequestHandler):
    """One document with the tag "v1": a PUT needs If-Match with exactly that tag, by strong comparison."""

    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("ETag", '"v1"')
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200, b'{"value":"' + b"a" * 4000 + b'"}')

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(204 if self.headers["If-Match"] == '"v1"' else 412)

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Origin).serve_forever()
END
origin=$(free_port)
python3 "$tmp/origin.py" "$origin" 2>"$tmp/origin.log" &
pids+=($!)
# What a client that accepts gzip learns as the tag, and what a PUT with If-Match of that tag comes to.
update() {
    tag=$(curl -s -o "$tmp/body" -D - -H 'Accept-Encoding: gzip' "http://127.0.0.1:$1/document" | tr -d '\r' | sed -n 's/^etag: //Ip')
    status=$(curl -s -o "$tmp/body" -w '%{http_code}' -X PUT -d new -H "If-Match: $tag" "http://127.0.0.1:$1/document")
    printf '%-10s %-10s %s\n' "$2" "${tag:-(none)}" "$status"
    [ "$tag $status" = "$3" ] || changed "$2: the tag is '$tag', the PUT $status"
}
debian 'nginx=1.22.1*' 'haproxy=2.6.12*' 'varnish=7.1.1*'
nginx_port=$(free_port) haproxy_port=$(free_port) varnish_port=$(free_port)
cat >"$tmp/nginx.conf" <<END
daemon off; pid $tmp/nginx.pid; error_log $tmp/nginx.log; master_process off;
events {}
http {
    access_log off; gzip on; gzip_types application/json;
    client_body_temp_path $tmp/n1; proxy_temp_path $tmp/n2; fastcgi_temp_path $tmp/n3; uwsgi_temp_path $tmp/n4; scgi_temp_path $tmp/n5;
    server { listen 127.0.0.1:$nginx_port; location / { proxy_pass http://127.0.0.1:$origin; } }
}
END
cat >"$tmp/haproxy.cfg" <<END
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
    compression algo gzip
    compression type application/json
listen all
    bind 127.0.0.1:$haproxy_port
    server origin 127.0.0.1:$origin
END
cat >"$tmp/all.vcl" <<END
vcl 4.1;
backend origin { .host = "127.0.0.1"; .port = "$origin"; }
sub vcl_backend_response { set beresp.do_gzip = true; }
END
if [ "$(id -u)" = 0 ]; then echo "user root;" >>"$tmp/nginx.conf"; fi
chmod 755 "$tmp"
nginx -p "$tmp" -c "$tmp/nginx.conf" 2>"$tmp/nginx.err" &
pids+=($!)
haproxy -db -f "$tmp/haproxy.cfg" 2>"$tmp/haproxy.err" &
pids+=($!)
LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$LD_LIBRARY_PATH/varnish varnishd -F -n "$tmp/varnish" -a "127.0.0.1:$varnish_port" \
    -f "$tmp/all.vcl" -s malloc,8m -j none >"$tmp/varnish.log" 2>&1 &
pids+=($!)
for port in "$origin" "$nginx_port" "$haproxy_port" "$varnish_port"; do
    wait_for curl -sf -o "$tmp/body" "http://127.0.0.1:$port/"
done
update "$origin" origin '"v1" 204'
update "$nginx_port" nginx 'W/"v1" 412'
update "$haproxy_port" HAProxy 'W/"v1" 412'
update "$varnish_port" Varnish 'W/"v1" 412'
