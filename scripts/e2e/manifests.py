"""The manifests as they are applied: rendered by kubectl, with the images and the pull policy of this run."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster import Cluster
from progress import Usage

ROOT = Path(__file__).resolve().parents[2]
# What the manifests call the images: PREFIX + name + ":" + tag.
PREFIX = "redis-replica-kit/"
NAMES = ("redis-slave", "redis-replica-sidecar", "redis-node", "key-value-app")


@dataclass
class Images:
    """What stands in the place of the manifests' images."""

    prefix: str = PREFIX
    tag: str | None = None
    pull_policy: str | None = None
    references: dict[str, str] = field(default_factory=dict)

    def reference(self, image: str) -> str:
        if not image.startswith(PREFIX):
            return image
        name, _, tag = image.removeprefix(PREFIX).partition(":")
        return self.references.get(name) or f"{self.prefix}{name}:{self.tag or tag}"


def folder() -> Path:
    """overlays/kind where it is there, else the base."""
    overlay = ROOT / "overlays/kind"
    return overlay if overlay.is_dir() else ROOT / "k8s"


def render(
    cluster: Cluster, source: Path, images: Images, *, keeps_node_port: bool, storage_class: str | None
) -> list[dict[str, Any]]:
    """The objects of a folder, for the namespace of this run."""
    text = cluster.run("kustomize", str(source))
    # kubectl reads YAML, Python does not; nothing is created.
    created = cluster.run("create", "--dry-run=client", "--output", "json", "--filename", "-", given=text)
    objects = parse(created)
    if not objects:
        raise Usage(f"{source} renders to nothing")
    for item in objects:
        item["metadata"]["namespace"] = cluster.namespace
        for container in containers(item):
            container["image"] = images.reference(container["image"])
            if images.pull_policy:
                container["imagePullPolicy"] = images.pull_policy
        if item["kind"] == "PersistentVolumeClaim" and storage_class:
            item["spec"]["storageClassName"] = storage_class
        if item["kind"] == "Service" and not keeps_node_port:
            # Any free one: the fixed one may be another program's.
            for port in item["spec"]["ports"]:
                port.pop("nodePort", None)
    return objects


def parse(text: str) -> list[dict[str, Any]]:
    """One object, a List, or several objects one behind the other: kubectl prints any of them."""
    found: list[dict[str, Any]] = []
    decoder, rest = json.JSONDecoder(), text.lstrip()
    while rest:
        item, end = decoder.raw_decode(rest)
        found += item["items"] if item["kind"] == "List" else [item]
        rest = rest[end:].lstrip()
    return found


def containers(item: dict[str, Any]) -> list[dict[str, Any]]:
    pod = item.get("spec", {}).get("template", {}).get("spec", {})
    return pod.get("initContainers", []) + pod.get("containers", [])


def deployments(objects: list[dict[str, Any]]) -> list[str]:
    """Their names, those first that others wait for, so that what does not come up is named and not what needs it."""
    order = ["redis-master", "redis-slave", "key-value-app"]
    names = [item["metadata"]["name"] for item in objects if item["kind"] == "Deployment"]
    return sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))


def image_of(objects: list[dict[str, Any]], deployment: str, container: str) -> dict[str, str]:
    """Image and pull policy, as a container's members."""
    for item in objects:
        if item["kind"] == "Deployment" and item["metadata"]["name"] == deployment:
            for found in containers(item):
                if found["name"] == container:
                    return {name: found[name] for name in ("image", "imagePullPolicy") if name in found}
    raise Usage(f"the manifests have no container {container} in a Deployment {deployment}")


def namespace(name: str, level: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {
                "app.kubernetes.io/part-of": "redis-replica-kit-e2e",
                # The API server itself refuses a pod that asks for more.
                "pod-security.kubernetes.io/enforce": level,
            },
        },
    }


def volume(name: str, path: str, node: str, claim: dict[str, Any]) -> dict[str, Any]:
    """A PersistentVolume created manually, for one claim, on one node."""
    spec = claim["spec"]
    return {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": spec.get("storageClassName", ""),
            "claimRef": {"namespace": claim["metadata"]["namespace"], "name": claim["metadata"]["name"]},
            "hostPath": {"path": path, "type": "Directory"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}]}},
        },
    }


def folder_pod(name: str, image: dict[str, str], path: str, command: str) -> dict[str, Any]:
    """Root for a moment, beside a folder of the node: fsGroup does nothing for a hostPath."""
    parent, leaf = path.rsplit("/", 1)
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": {"runAsUser": 0, "runAsGroup": 0},
            "containers": [{
                "name": "folder", **image, "command": ["sh", "-ec", command],
                "env": [{"name": "FOLDER", "value": f"/host/{leaf}"}],
                "volumeMounts": [{"name": "host", "mountPath": "/host"}],
            }],
            "volumes": [{"name": "host", "hostPath": {"path": parent, "type": "DirectoryOrCreate"}}],
        },
    }


def revision() -> str:
    """Which commit this is, for the log of the run."""
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "an unknown commit"
    return done.stdout.strip() or "an unknown commit"


def parse_version(text: str) -> str:
    """What `kubectl version --output json` says of the server."""
    return json.loads(text).get("serverVersion", {}).get("gitVersion", "of an unknown version")
