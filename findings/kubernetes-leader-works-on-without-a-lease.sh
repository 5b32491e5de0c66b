#!/usr/bin/env bash
# Software: kubernetes 37.0.2 (PyPI, the Python client) with urllib3 2.8.0, its leaderelection with LeaseLock; a small HTTP
# server plays the API server: one Lease, whose PUT needs the current resourceVersion.
#
# An API server that is away for a moment (connection refused, as at its restart) ends the leader's election, and not its work:
# run() raises MaxRetryError, onstopped_leading is not called, and the function that was started as leader goes on in its own
# thread. When the API server is back, another candidate becomes the leader, and works too.
#
# Why it surprises: renew_deadline is there to give up before the lease runs out, and onstopped_leading to be called when it is
# lost. A lock that cannot be asked is the case for which both exist.
#
# Seen:
#   leader, API server refuses:  run() raised MaxRetryError, onstopped_leading called: False
#   the other, API server back:  leads: True
#   working at the same time:    first, second
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
cat >"$tmp/leader.py" <<'END'
import http.server, json, logging, os, sys, threading, time

from kubernetes import client
from kubernetes.leaderelection.electionconfig import Config
from kubernetes.leaderelection.leaderelection import LeaderElection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock

logging.disable(logging.CRITICAL)
lease, stopped, worked = {}, [], {}


class Server(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def read(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def store(self, wanted):
        lease.clear()
        lease.update(wanted)
        lease["metadata"]["resourceVersion"] = str(time.monotonic_ns())
        self.answer(200, lease)

    def do_GET(self):
        if lease:
            self.answer(200, lease)
        else:
            self.answer(404, {"kind": "Status", "reason": "NotFound", "code": 404})

    def do_POST(self):
        self.store(self.read())

    def do_PUT(self):
        wanted = self.read()
        if wanted["metadata"]["resourceVersion"] != lease["metadata"]["resourceVersion"]:
            return self.answer(409, {"kind": "Status", "reason": "Conflict", "code": 409})
        self.store(wanted)

    def log_message(self, *arguments):
        pass


def serve(port):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


server = serve(0)
port = server.server_port
client.Configuration.set_default(client.Configuration(host=f"http://127.0.0.1:{port}"))


def work(name):
    while True:
        worked[name] = time.monotonic()
        time.sleep(0.1)


def candidate(name):
    config = Config(LeaseLock("leader", "default", name), lease_duration=3, renew_deadline=2, retry_period=1,
                    onstarted_leading=lambda: work(name), onstopped_leading=lambda: stopped.append(name))

    def run():
        try:
            LeaderElection(config).run()
            ends[name] = "returned"
        except Exception as error:
            ends[name] = f"raised {type(error).__name__}"

    threading.Thread(target=run, daemon=True).start()


def end(status):
    sys.stdout.flush()
    os._exit(status)  # The candidates' threads never end.


def until(condition):
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    end(3)


ends = {}
candidate("first")
until(lambda: "first" in worked)
server.shutdown()
server.server_close()
until(lambda: "first" in ends)
print(f"leader, API server refuses:  run() {ends['first']}, onstopped_leading called: {'first' in stopped}")
serve(port)
candidate("second")
until(lambda: "second" in worked)
time.sleep(1)
print(f"the other, API server back:  leads: {lease['spec']['holderIdentity'] == 'second'}")
now = time.monotonic()
both = sorted(name for name, at in worked.items() if now - at < 0.9)
print("working at the same time:   ", ", ".join(both))
end(not (ends["first"] == "raised MaxRetryError" and not stopped and both == ["first", "second"]))
END
"$tmp/venv/bin/python" "$tmp/leader.py" || { status=$? && [ "$status" != 3 ] || exit 3; changed "the leader stops its work"; }
