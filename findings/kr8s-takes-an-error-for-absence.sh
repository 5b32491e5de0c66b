#!/usr/bin/env bash
# Software: kr8s 0.20.15 (PyPI); a small HTTP server takes the place of the API server.
#
# exists() of an object is False whatever error the API server answers with: 500 of a server that is starting, 429 of one that is
# busy, 403 for a missing right. exists(ensure=True) then raises NotFoundError, "does not exist". Code that waits until something is
# gone, or makes what is missing, goes on with a wrong answer. Pod.get(), for the same answers, raises a ServerError.
#
# Why it surprises: True and False are the two answers to a question that was not answered here at all.
#
# Seen:
#   the API server says 200:  exists() = True    Pod.get() gives the pod
#   the API server says 404:  exists() = False   Pod.get() raises NotFoundError
#   the API server says 403:  exists() = False   Pod.get() raises ServerError
#   the API server says 429:  exists() = False   Pod.get() raises ServerError
#   the API server says 500:  exists() = False   Pod.get() raises ServerError
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
pypi kr8s==0.20.15
cat >"$tmp/exists.py" <<'END'
import http.server, json, sys, threading

import kr8s
from kr8s.objects import Pod

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", "namespace": "default", "resourceVersion": "1"}, "status": {}}
ANSWERS = {
    "/version": {"major": "1", "minor": "32", "gitVersion": "v1.32.0"}, "/apis": {"groups": []}, "/api": {"versions": ["v1"]},
    "/api/v1": {"resources": [{"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod", "verbs": ["get"]}]},
}
status = 200


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.partition("?")[0].rstrip("/")
        code, answer = 200, ANSWERS.get(path)
        if answer is None and status == 200:
            answer = POD if path.endswith("/pod") else {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": [POD]}
        elif answer is None:
            code, answer = status, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "message": "an error"}
            if code == 404 and not path.endswith("/pod"):
                code, answer = 200, {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []}
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
with open(sys.argv[1], "w") as file:
    json.dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "c", "users": [{"name": "u", "user": {}}],
        "clusters": [{"name": "k", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "default"}}],
    }, file)
api = kr8s.api(kubeconfig=sys.argv[1])
pod = Pod(POD, api=api)
seen = []
for status in (200, 404, 403, 429, 500):
    exists = pod.exists()
    try:
        Pod.get("pod", api=api, timeout=1)
        got = "gives the pod"
    except Exception as error:
        got = f"raises {type(error).__name__}"
    print(f"the API server says {status}:  exists() = {exists!s:5}   Pod.get() {got}")
    seen.append((exists, got.split()[-1]))
sys.exit([exists for exists, _ in seen] != [True] + [False] * 4 or seen[4][1] == seen[1][1])
END
"$tmp/venv/bin/python" "$tmp/exists.py" "$tmp/config" || changed "exists() tells an error from a missing object"
