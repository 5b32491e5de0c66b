#!/usr/bin/env bash
# Software: kubernetes 37.0.2 (PyPI, the Python client); a small HTTP server shows what it sends.
#
# A V1Lease whose holder_identity was set to None, sent with patch_namespaced_lease(), is a patch without holderIdentity: it
# changes nothing of the holder, and the next candidate waits until the lease runs out. The client leaves out what is None in
# its models. With replace_namespaced_lease() the same object is a release; as a patch a dict is one, for there None becomes null.
#
# Why it surprises: a patch is the way to change one field, None is how the model says "no holder", and the two patches are
# the same method with the same content, once as a model and once as a dict.
#
# Seen (what the API server gets as "spec"):
#   patch, V1Lease:    {"leaseTransitions": 1}
#   patch, dict:       {"holderIdentity": null}
#   replace, V1Lease:  {"leaseTransitions": 1}
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
pypi kubernetes==37.0.2
cat >"$tmp/release.py" <<'END'
import http.server, json, sys, threading

from kubernetes import client

sent = []


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PATCH(self):
        sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["spec"])
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_PUT = do_PATCH

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
leases = client.CoordinationV1Api(client.ApiClient(client.Configuration(host=f"http://127.0.0.1:{server.server_port}")))
released = client.V1Lease(metadata=client.V1ObjectMeta(name="leader"),
                          spec=client.V1LeaseSpec(holder_identity=None, lease_transitions=1))
leases.patch_namespaced_lease("leader", "default", released)
leases.patch_namespaced_lease("leader", "default", {"spec": {"holderIdentity": None}})
leases.replace_namespaced_lease("leader", "default", released)
for name, spec in zip(("patch, V1Lease:  ", "patch, dict:     ", "replace, V1Lease:"), sent):
    print(name, json.dumps(spec))
sys.exit(sent != [{"leaseTransitions": 1}, {"holderIdentity": None}, {"leaseTransitions": 1}])
END
"$tmp/venv/bin/python" "$tmp/release.py" || changed "the client sends another patch"
