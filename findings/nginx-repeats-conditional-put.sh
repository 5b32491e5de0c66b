#!/usr/bin/env bash
# Software: nginx 1.22.1 (Debian 12).
#
# nginx with two applications behind it sends a PUT or DELETE again, to the other one, when the first connection ends
# before an answer. For a PUT with "If-None-Match: *" that turns a win into a loss: the first application creates the
# document and dies, the second one finds it there, and the client that created it gets 412.
# A DELETE that was done is answered 404.
#
# Why it surprises: https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_next_upstream says that requests "with
# a non-idempotent method (POST, LOCK, PATCH)" are not passed on once they were sent. PUT and DELETE are idempotent as
# methods, their answers are not, and a condition makes the second run mean something else. No setting is needed for it.
#
# Seen (who it was, what it answered):
#   PUT with If-None-Match *:  client sees 412; second created it, first 412
#   DELETE:                    client sees 404; first deleted it, second 404
#   POST:                      client sees 502; first created it
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
debian 'nginx=1.22.1*'
first=$(free_port) second=$(free_port) port=$(free_port)
cat >"$tmp/application.py" <<'END'
import http.server, pathlib, sys

name, port, folder = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
document, breaks, seen = folder / "document", folder / "break", folder / "seen"


class Application(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_write(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        exists = document.exists()
        if self.command == "DELETE":
            status, did = (204, "deleted it") if exists else (404, "404")
            document.unlink(missing_ok=True)
        elif exists and self.headers["If-None-Match"] == "*":
            status, did = 412, "412"
        else:
            status, did = 201, "created it"
            document.touch()
        with seen.open("a") as file:
            file.write(f"{name} {did}\n")
        if breaks.exists():  # the application dies here, once
            breaks.unlink()
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_POST = do_DELETE = handle_write

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Application).serve_forever()
END
for name in first second; do
    python3 "$tmp/application.py" "$name" "${!name}" "$tmp" 2>"$tmp/$name.log" &
    pids+=($!)
    wait_for curl -s -o "$tmp/body" "http://127.0.0.1:${!name}/"
done
# max_fails=0: each request here begins with two healthy applications.
cat >"$tmp/nginx.conf" <<END
daemon off; pid $tmp/nginx.pid; error_log $tmp/nginx.log; master_process off;
events {}
http {
    access_log off;
    client_body_temp_path $tmp/n1; proxy_temp_path $tmp/n2; fastcgi_temp_path $tmp/n3; uwsgi_temp_path $tmp/n4; scgi_temp_path $tmp/n5;
    upstream applications { server 127.0.0.1:$first max_fails=0; server 127.0.0.1:$second max_fails=0; }
    server { listen 127.0.0.1:$port; location / { proxy_pass http://applications; } }
}
END
if [ "$(id -u)" = 0 ]; then echo "user root;" >>"$tmp/nginx.conf"; fi
nginx -p "$tmp" -c "$tmp/nginx.conf" 2>"$tmp/nginx.err" &
pids+=($!)
wait_for curl -s -o "$tmp/body" "http://127.0.0.1:$port/"
try() {
    rm -f "$tmp/seen" && touch "$tmp/break"
    status=$(curl -s -o "$tmp/body" -w '%{http_code}' "${@:2}" "http://127.0.0.1:$port/document")
    result="$status; $(paste -sd, "$tmp/seen" | sed 's/,/, /')"
    printf '%-26s client sees %s\n' "$1:" "$result"
}
try 'PUT with If-None-Match *' -X PUT -d new -H 'If-None-Match: *'
[[ "$result" == "412; "*" created it, "*" 412" ]] || changed "a conditional PUT is not repeated"
try DELETE -X DELETE
[[ "$result" == "404; "*" deleted it, "*" 404" ]] || changed "a DELETE is not repeated"
try POST -X POST -d new
[[ "$result" == "502; "*" created it" ]] || changed "a POST is repeated"
