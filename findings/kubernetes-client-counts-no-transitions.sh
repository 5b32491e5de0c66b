#!/usr/bin/env bash
# Software: kubernetes 37.0.2 (PyPI, the Python client) with urllib3 2.8.0, its leaderelection with LeaseLock; a small HTTP
# server plays the API server: one Lease, whose PUT needs the current resourceVersion.
#
# A leader that takes the lease over from another one leaves leaseTransitions as it is: here there is none, with the first
# leader and with the second. What reads the number as the leader's term, to refuse what an earlier leader still sends, sees
# one term for all leaders.
#
# Why it surprises: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/ describes leaseTransitions
# as the number of transitions of a lease between holders, and this is a transition between holders.
#
# Seen:
#   first leader:   holderIdentity first, leaseTransitions None
#   second leader:  holderIdentity second, leaseTransitions None
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
lease, led = {}, []


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


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client.Configuration.set_default(client.Configuration(host=f"http://127.0.0.1:{server.server_port}"))


def candidate(name):
    def lead():
        led.append(name)
        if name == "first":
            raise RuntimeError("this one gives up, and renews no more")

    config = Config(LeaseLock("leader", "default", name), lease_duration=3, renew_deadline=2, retry_period=1,
                    onstarted_leading=lead, onstopped_leading=lambda: None)
    threading.Thread(target=LeaderElection(config).run, daemon=True).start()


def end(status):
    sys.stdout.flush()
    os._exit(status)  # The candidates' threads never end.


def until(condition):
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    end(3)


def spec():
    return f"holderIdentity {lease['spec']['holderIdentity']}, leaseTransitions {lease['spec'].get('leaseTransitions')}"


candidate("first")
until(lambda: led == ["first"])
print(f"first leader:   {spec()}")
candidate("second")
until(lambda: led == ["first", "second"])
print(f"second leader:  {spec()}")
end(lease["spec"]["holderIdentity"] != "second" or "leaseTransitions" in lease["spec"])
END
"$tmp/venv/bin/python" "$tmp/leader.py" || { status=$? && [ "$status" != 3 ] || exit 3; changed "the transitions are counted"; }
