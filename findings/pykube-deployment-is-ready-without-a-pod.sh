#!/usr/bin/env bash
# Software: pykube-ng 23.6.0 (PyPI). The objects are written as the API server gives them: fields of its status that are 0 are
# left out there.
#
# Deployment.ready is True while no pod of the deployment is ready: it asks whether all pods are of the newest template. Pods that
# start, wait for a node, or crash over and over count. Of a deployment that was scaled to 0 the property raises KeyError, and of
# a ReplicationController without a ready pod, too, where it looks at the right field, and finds it left out.
#
# Why it surprises: Pod.ready, in the same module, is the condition Ready, and "ready" is what one waits for before the next step,
# as moving traffic or taking the old pods away.
#
# Seen:
#   Deployment, 2 pods, both are ready:    ready = True       the condition Available is True
#   Deployment, 2 pods, none is ready:     ready = True       the condition Available is False
#   Deployment, scaled to 0:               ready = KeyError   the condition Available is True
#   ReplicationController, none is ready:  ready = KeyError
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
cat >"$tmp/ready.py" <<'END'
import sys

import pykube


def made(kind, replicas, status, available=None):
    conditions = [{"type": "Available", "status": str(available)}] if available is not None else []
    return kind(None, {
        "apiVersion": kind.version, "kind": kind.kind, "metadata": {"name": "app", "namespace": "default", "generation": 1},
        "spec": {"replicas": replicas}, "status": {"observedGeneration": 1, "conditions": conditions, **status},
    })


both = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}
none = {"replicas": 2, "updatedReplicas": 2, "unavailableReplicas": 2}
cases = (
    ("Deployment, 2 pods, both are ready:", made(pykube.Deployment, 2, both, True)),
    ("Deployment, 2 pods, none is ready:", made(pykube.Deployment, 2, none, False)),
    ("Deployment, scaled to 0:", made(pykube.Deployment, 0, {}, True)),
    ("ReplicationController, none is ready:",
     made(pykube.objects.ReplicationController, 2, {"replicas": 2, "fullyLabeledReplicas": 2})),
)
seen = []
for name, item in cases:
    try:
        ready = str(item.ready)
    except KeyError as error:
        ready = type(error).__name__
    available = [condition["status"] for condition in item.obj["status"]["conditions"]]
    told = f"   the condition Available is {available[0]}" if available else ""
    print(f"{name:38} ready = {ready:8}{told}".rstrip())
    seen.append(ready)
sys.exit(seen != ["True", "True", "KeyError", "KeyError"])
END
"$tmp/venv/bin/python" "$tmp/ready.py" || changed "ready tells whether pods are ready"
