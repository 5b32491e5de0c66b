#!/usr/bin/env bash
# Software: nginx 1.22.1 (Debian 12).
#
# One slash at the end of proxy_pass decides whether a key in the path arrives as it was sent. With "proxy_pass http://origin;" it does;
# with "proxy_pass http://origin/;", or any other path, nginx decodes, tidies and encodes the path again, and not as it was: %2F is
# a slash then, and two slashes are one. Three keys of a gateway to Redis, each with its own value, are one behind it.
#
# Why it surprises: RFC 3986, section 2.2, has an encoded reserved character and the character itself be different, which is why clients
# encode the slash in a key. nginx' page on proxy_pass speaks of the "normalized" path, and not of slashes; %3F and %25 stay encoded.
#
# Seen:
#   sent      http://origin  http://origin/
#   /a/b      /a/b           /a/b
#   /a%2Fb    /a%2Fb         /a/b
#   /a//b     /a//b          /a/b
#   /a%3Fb    /a%3Fb         /a%3Fb
#   /a%25b    /a%25b         /a%25b
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
[[ "$(nginx -v 2>&1)" == *1.22.1* ]] || { echo "made for nginx 1.22.1" >&2 && exit 2; }
cat >"$tmp/origin.py" <<'END'
import http.server, sys


class Origin(http.server.BaseHTTPRequestHandler):
    """Answers with the path that it got."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        # Without what the standard library tidies itself.
        self.wfile.write(self.requestline.split()[1].encode())

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Origin).serve_forever()
END
origin=$(free_port) plain=$(free_port) slash=$(free_port)
python3 "$tmp/origin.py" "$origin" 2>"$tmp/origin.log" &
pids+=($!)
cat >"$tmp/nginx.conf" <<END
daemon off; pid $tmp/nginx.pid; error_log $tmp/nginx.log; master_process off;
events {}
http {
    access_log off;
    client_body_temp_path $tmp/n1; proxy_temp_path $tmp/n2; fastcgi_temp_path $tmp/n3; uwsgi_temp_path $tmp/n4; scgi_temp_path $tmp/n5;
    server { listen 127.0.0.1:$plain; location / { proxy_pass http://127.0.0.1:$origin; } }
    server { listen 127.0.0.1:$slash; location / { proxy_pass http://127.0.0.1:$origin/; } }
}
END
if [ "$(id -u)" = 0 ]; then echo "user root;" >>"$tmp/nginx.conf"; fi
chmod 755 "$tmp"
nginx -p "$tmp" -c "$tmp/nginx.conf" 2>"$tmp/nginx.err" &
pids+=($!)
for port in "$origin" "$plain" "$slash"; do wait_for curl -sf -o "$tmp/body" "http://127.0.0.1:$port/"; done
got() { curl -s --path-as-is "http://127.0.0.1:$1$2"; }
printf '%-9s %-14s %s\n' sent http://origin http://origin/
kept=1 seen=
for path in /a/b /a%2Fb /a//b /a%3Fb /a%25b; do
    first=$(got "$plain" "$path") second=$(got "$slash" "$path")
    printf '%-9s %-14s %s\n' "$path" "$first" "$second"
    [ "$first" = "$path" ] || kept=0
    seen+="$second "
done
[ "$kept" = 1 ] || { echo "without a path nginx changes the key, too" >&2 && exit 3; }
[ "$seen" = '/a/b /a/b /a/b /a%3Fb /a%25b ' ] || changed "the slash in proxy_pass does not change keys"
