#!/usr/bin/env bash
# Software: pykube-ng 23.6.0 (PyPI); a small HTTP server plays the API server: it does merge patches as RFC 7386 has them.
#
# update() of an object from which something was removed sends it again: a deleted annotation or label stays, and so does the last
# finalizer. A list that lost an element in the middle or at its front gets its old tail back: of the finalizers a, b, c without b
# remain a, c, c. What was changed or added arrives. update(is_strategic=False) removes list elements; it leaves annotations out
# of the patch, which keeps them, too.
#
# Why it surprises: obj.update() is the way to store a changed object, and no error tells that the server has something else. A
# controller that takes its finalizer away like that keeps the object from going.
#
# Seen (annotations one, two without one; finalizers a, b, c without b; then none):
#   update():                    annotations one, two   finalizers a, c, c   then a, c, c
#   update(is_strategic=False):  annotations one, two   finalizers a, c      then (none)
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
pypi pykube-ng==23.6.0
cat >"$tmp/update.py" <<'END'
import copy, http.server, json, sys, threading

import pykube


def merge(target, patch):
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            target[key] = merge(target.get(key) if isinstance(target.get(key), dict) else {}, value)
        else:
            target[key] = value
    return target


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        answer = json.dumps(stored).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_PATCH(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Content-Type"] != "application/merge-patch+json":
            self.send_error(415)
            return
        merge(stored, body)
        self.do_GET()

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
api = pykube.HTTPClient(pykube.KubeConfig.from_url(f"http://127.0.0.1:{server.server_port}"))
seen = []
for name, options in (("update():", {}), ("update(is_strategic=False):", {"is_strategic": False})):
    stored = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
        "name": "config", "namespace": "default", "annotations": {"one": "1", "two": "2"}, "finalizers": ["a", "b", "c"]}}
    config = pykube.ConfigMap.objects(api, namespace="default").get_by_name("config")
    del config.annotations["one"]
    config.metadata["finalizers"].remove("b")
    config.update(**options)
    first = copy.deepcopy(stored["metadata"])
    config.metadata["finalizers"] = []
    config.update(**options)
    states = [sorted(first["annotations"]), first["finalizers"], stored["metadata"]["finalizers"]]
    texts = [", ".join(state) or "(none)" for state in states]
    print(f"{name:28} annotations {texts[0]}   finalizers {texts[1]:9} then {texts[2]}")
    seen.append(states)
sys.exit(seen != [[["one", "two"], list("acc"), list("acc")], [["one", "two"], list("ac"), []]])
END
"$tmp/venv/bin/python" "$tmp/update.py" || changed "update() removes what was removed"
