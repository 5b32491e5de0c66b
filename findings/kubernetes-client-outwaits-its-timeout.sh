#!/usr/bin/env bash
# Software: kubernetes 37.0.2 (PyPI, the Python client) with the urllib3 2.8.0 that it brings.
#
# A request with _request_timeout=1 to an API server that answers 429 with "Retry-After: 2" (too busy, as API priority and
# fairness says it) returns after six seconds: the client sleeps as long as the server asks for, three times, before it
# raises the 429. With "Retry-After: 60" that is three minutes in which a leader does not even learn that its renewal failed.
#
# Why it surprises: https://github.com/kubernetes-client/python describes _request_timeout as the timeout of this request.
# It bounds each attempt; urllib3's default of three retries and its respect for Retry-After lie around it, and the
# client's settings mention them only where one sets them ("retries").
#
# Seen:
#   _request_timeout=1:                  429 after 6.0 s, 4 requests
#   _request_timeout=1, retries=False:   429 after 0.0 s, 1 request
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
pypi() {
    python3 -m venv "$tmp/venv" || { echo "needs Python 3 with venv" >&2 && exit 2; }
    "$tmp/venv/bin/pip" install -q --disable-pip-version-check "$@" || { echo "needs from PyPI: $*" >&2 && exit 2; }
}
pypi kubernetes==37.0.2 urllib3==2.8.0
cat >"$tmp/busy.py" <<'END'
import http.server, sys, threading, time

from kubernetes import client

requests = []


class Busy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        requests.append(self.path)
        self.send_response(429)
        self.send_header("Retry-After", "2")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy)
threading.Thread(target=server.serve_forever, daemon=True).start()


def measure(name, retries):
    configuration = client.Configuration(host=f"http://127.0.0.1:{server.server_port}")
    if retries is not None:
        configuration.retries = retries
    requests.clear()
    start = time.monotonic()
    try:
        client.CoordinationV1Api(client.ApiClient(configuration)).read_namespaced_lease("leader", "default", _request_timeout=1)
        status = 200
    except client.ApiException as error:
        status = error.status
    took = time.monotonic() - start
    print(f"{name:37}{status} after {took:.1f} s, {len(requests)} request{'s' * (len(requests) > 1)}")
    return status, took >= 6, len(requests)


plain = measure("_request_timeout=1:", None)
bounded = measure("_request_timeout=1, retries=False:", False)
sys.exit(not (plain == (429, True, 4) and bounded == (429, False, 1)))
END
"$tmp/venv/bin/python" "$tmp/busy.py" || changed "the time-out bounds the whole request, or 429 is not repeated"
