#!/usr/bin/env bash
# Software: kr8s 0.20.15 (PyPI); a small HTTP server takes the place of the API server.
#
# pod.wait("condition=Ready", timeout=3) returns, as if the pod were ready, as soon as the API server ends the watch: no
# TimeoutError, no other error, and the pod is still pending. An API server ends every watch after a while, and all of them when
# it is restarted. Where the watch stays open the same call raises TimeoutError.
#
# Why it surprises: the method's description has it wait for the conditions to be met, and a timeout is there for the case that they
# are not. What comes after the call (sending requests, deleting the old pod) relies on it.
#
# Seen:
#   the watch stays open:  TimeoutError after 3 s   the pod is ready: False
#   the watch is ended:    returned before the 3 s are over   the pod is ready: False
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
cat >"$tmp/wait.py" <<'END'
import http.server, json, sys, threading, time

import kr8s
from kr8s.objects import Pod

POD = {
    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", "namespace": "default", "uid": "1", "resourceVersion": "1"},
    "spec": {"containers": []}, "status": {"phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}]},
}
ANSWERS = {
    "/version": {"major": "1", "minor": "32", "gitVersion": "v1.32.0"}, "/apis": {"groups": []}, "/api": {"versions": ["v1"]},
    "/api/v1": {"resources": [{"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod", "verbs": ["get"]}]},
    "/api/v1/namespaces/default/pods": {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": [POD]},
    "/api/v1/namespaces/default/pods/pod": POD,
}
watch_lasts = 0.5


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        if "watch=true" in query:
            self.wfile.flush()
            time.sleep(watch_lasts)
        else:
            self.wfile.write(json.dumps(ANSWERS[path.rstrip("/")]).encode())

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
with open(sys.argv[1], "w") as file:
    json.dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "c", "users": [{"name": "u", "user": {}}],
        "clusters": [{"name": "k", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "default"}}],
    }, file)
api = kr8s.api(kubeconfig=sys.argv[1])


def wait(lasts):
    global watch_lasts
    watch_lasts = lasts
    pod = Pod.get("pod", api=api)
    start = time.monotonic()
    try:
        pod.wait("condition=Ready", timeout=3)
        end = "returned"
    except Exception as error:
        end = type(error).__name__
    when = "after 3 s" if time.monotonic() - start >= 3 else "before the 3 s are over"
    return f"{end} {when}   the pod is ready: {pod.ready()}"


opened, ended = wait(30), wait(0.5)
print("the watch stays open: ", opened)
print("the watch is ended:   ", ended)
sys.exit(not ("TimeoutError" in opened and ended == "returned before the 3 s are over   the pod is ready: False"))
END
"$tmp/venv/bin/python" "$tmp/wait.py" "$tmp/config" || changed "wait() waits on when the watch ends"
