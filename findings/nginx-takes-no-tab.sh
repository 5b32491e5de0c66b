#!/usr/bin/env bash
# Software: nginx 1.22.1 and HAProxy 2.6.12 (Debian 12).
#
# A tab beside the value of Content-Length, Transfer-Encoding or Host makes nginx refuse the request: 400, 501 and 400. A tab behind
# the value of any other field becomes part of the value, and is passed on. HAProxy takes tabs as it takes spaces.
#
# Why it surprises: RFC 9110, section 5.5, has white space around a field's value left out of it, and section 5.6.3 says that white
# space is spaces and tabs. nginx leaves out the spaces. What a client sends to HAProxy, or to the application, for years is refused
# when nginx comes in between; 501 blames the coding "chunked", which nginx knows.
#
# Seen (the status; of X-Note what the application gets; \t is the tab):
#                               nginx     HAProxy
#   Content-Length: 5           200       200
#   Content-Length:\t5          400       200
#   Content-Length: 5\t         400       200
#   Transfer-Encoding: chunked  200       200
#   Transfer-Encoding:\tchunked 501       200
#   Host: example.org           200       200
#   Host:\texample.org          400       200
#   X-Note: text                'text'    'text'
#   X-Note: text\t              'text\t'  'text'
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
debian 'nginx=1.22.1*' 'haproxy=2.6.12*'
[[ "$(nginx -v 2>&1)" == *1.22.1* ]] || { echo "made for nginx 1.22.1" >&2 && exit 2; }
[[ "$(haproxy -v)" == *2.6.12* ]] || { echo "made for HAProxy 2.6.12" >&2 && exit 2; }
cat >"$tmp/origin.py" <<'END'
import http.server, sys


class Origin(http.server.BaseHTTPRequestHandler):
    """Answers with the value of X-Note that it got."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = repr(self.headers["X-Note"]).encode()
        self.send_response(200)
        self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Origin).serve_forever()
END
origin=$(free_port)
python3 "$tmp/origin.py" "$origin" 2>"$tmp/origin.log" &
pids+=($!)
nginx_port=$(free_port) haproxy_port=$(free_port)
cat >"$tmp/nginx.conf" <<END
daemon off; pid $tmp/nginx.pid; error_log $tmp/nginx.log; master_process off;
events {}
http {
    access_log off;
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
listen all
    bind 127.0.0.1:$haproxy_port
    server origin 127.0.0.1:$origin
END
if [ "$(id -u)" = 0 ]; then echo "user root;" >>"$tmp/nginx.conf"; fi
chmod 755 "$tmp"
nginx -p "$tmp" -c "$tmp/nginx.conf" 2>"$tmp/nginx.err" &
pids+=($!)
haproxy -db -f "$tmp/haproxy.cfg" 2>"$tmp/haproxy.err" &
pids+=($!)
for port in "$origin" "$nginx_port" "$haproxy_port"; do wait_for curl -sf -o "$tmp/body" "http://127.0.0.1:$port/"; done
cat >"$tmp/ask.py" <<'END'
import socket, sys

CHUNK = b"5\r\nhello\r\n0\r\n\r\n"


def ask(port, field, body):
    fields = [b"PUT / HTTP/1.1" if body else b"GET / HTTP/1.1", b"Connection: close", field]
    if not field.startswith(b"Host"):
        fields.append(b"Host: example.org")
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"\r\n".join(fields) + b"\r\n\r\n" + body)
        answer = b"".join(iter(lambda: connection.recv(4096), b"")).decode()
    return answer.partition("\r\n\r\n")[2] if field.startswith(b"X-") else answer.split(" ")[1]


seen = []
print(f"{'':28}{'nginx':10}HAProxy")
for field, body in (
    (b"Content-Length: 5", b"hello"),
    (b"Content-Length:\t5", b"hello"),
    (b"Content-Length: 5\t", b"hello"),
    (b"Transfer-Encoding: chunked", CHUNK),
    (b"Transfer-Encoding:\tchunked", CHUNK),
    (b"Transfer-Encoding: chunked\t", CHUNK),
    (b"Host: example.org", b""),
    (b"Host:\texample.org", b""),
    (b"Host: example.org\t", b""),
    (b"X-Note: text ", b""),
    (b"X-Note: text\t", b""),
):
    answers = [ask(int(port), field, body) for port in sys.argv[1:]]
    seen += [tuple(answers)]
    print(f"{repr(field.decode())[1:-1]:28}{answers[0]:10}{answers[1]}")
fine, text = ("200", "200"), "'text'"
lengths, codings, hosts = [[fine, (status, "200"), (status, "200")] for status in ("400", "501", "400")]
sys.exit(seen != lengths + codings + hosts + [(text, text), (r"'text\t'", text)])
END
python3 "$tmp/ask.py" "$nginx_port" "$haproxy_port" || changed "a tab counts as a space, or HAProxy refuses it"
