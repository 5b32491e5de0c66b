#!/usr/bin/env bash
# Software: kubernetes 37.0.2 (PyPI, the Python client) with the urllib3 2.8.0 that it brings; a small HTTP server plays
# the API server: one Lease, whose PUT needs the current resourceVersion, as Kubernetes' API has it.
#
# When the connection breaks after the API server took an update and before its answer arrived, the client sends the same
# PUT again. It carries the old resourceVersion, so that the second one is refused, and the caller gets 409 Conflict: "you
# lost the race" for a Lease that it has just renewed. A leader that steps down on 409 steps down without a reason.
#
# Why it surprises: https://github.com/kubernetes-client/python documents no retries and sets none; they are the default
# of urllib3, which counts PUT among the methods that may be repeated after a broken read. A POST is not repeated.
#
# Seen:
#   PUT, answer lost:    ConflictException 409 Conflict; the server saw 2 PUT, the holder is: me
#   POST, answer lost:   ProtocolError; the server saw 1 POST
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
import http.server, json, sys, threading

from kubernetes import client

lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
         "metadata": {"name": "leader", "namespace": "default", "resourceVersion": "1"}, "spec": {}}
methods, lose = [], []


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        if lose:  # done, but the answer never arrives
            lose.clear()
            self.close_connection = True
            return
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.answer(200, lease)

    def do_PUT(self):
        methods.append(self.command)
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.command == "PUT":
            if wanted["metadata"]["resourceVersion"] != lease["metadata"]["resourceVersion"]:
                return self.answer(409, {"kind": "Status", "reason": "Conflict", "code": 409})
            lease["metadata"]["resourceVersion"] = str(int(lease["metadata"]["resourceVersion"]) + 1)
            lease["spec"] = wanted["spec"]
        self.answer(200, lease)

    do_POST = do_PUT

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
leases = client.CoordinationV1Api(client.ApiClient(client.Configuration(host=f"http://127.0.0.1:{server.server_port}")))


def attempt(call):
    methods.clear()
    lose.append(True)
    try:
        call()
        return "no error"
    except Exception as error:
        return " ".join([type(error).__name__, *(str(getattr(error, name)) for name in ("status", "reason") if hasattr(error, name))])


mine = leases.read_namespaced_lease("leader", "default")
mine.spec.holder_identity = "me"
put = attempt(lambda: leases.replace_namespaced_lease("leader", "default", mine))
puts, holder = len(methods), lease["spec"].get("holderIdentity")
print(f"PUT, answer lost:    {put}; the server saw {puts} PUT, the holder is: {holder}")
post = attempt(lambda: leases.create_namespaced_lease("default", mine))
print(f"POST, answer lost:   {post}; the server saw {len(methods)} POST")
sys.exit(not ("409" in put and puts == 2 and holder == "me" and len(methods) == 1))
END
"$tmp/venv/bin/python" "$tmp/leader.py" || changed "the client no longer repeats a PUT whose answer was lost"
