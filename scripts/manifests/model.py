"""Manifests as they are read and rendered."""

import base64
import itertools
import pathlib
import shutil
import subprocess
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
K8S = ROOT / "k8s"
OVERLAYS = ROOT / "overlays"


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that occurs twice in one mapping; PyYAML keeps the last one without a word."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} occurs twice", node.start_mark)
        return super().construct_mapping(node, deep)


def parse(text):
    return [document for document in yaml.load_all(text, StrictLoader) if document is not None]


def load(path):
    return parse(path.read_text())


def render(names):
    """overlay → what kustomize makes of it, with passwords that were made for this."""
    with tempfile.TemporaryDirectory() as folder:
        for part in (K8S, OVERLAYS):
            # Not the passwords of the user who runs this.
            shutil.copytree(part, pathlib.Path(folder, part.name), ignore=shutil.ignore_patterns("secrets"))
        overlays = pathlib.Path(folder, OVERLAYS.name)
        for script in overlays.glob("*/passwords"):
            subprocess.run([script, "create"], check=True, capture_output=True)
        return {name: parse(kustomize(overlays / name).stdout) for name in names}


def kustomize(folder, check=True):
    # Where it may fail, its error output is not shown.
    errors = None if check else subprocess.DEVNULL
    command = [ROOT / "scripts" / "kustomize", folder]
    return subprocess.run(command, check=check, stdout=subprocess.PIPE, stderr=errors, text=True)


def name_of(item):
    return f"{item['kind']}/{item['metadata']['name']}"


def is_part(selector, labels):
    """Whether a label selector, as NetworkPolicies and budgets write it, selects what has these labels."""
    if selector.keys() - {"matchLabels"}:
        raise ValueError(f"only matchLabels is understood here, not {selector}")
    return selector.get("matchLabels", {}).items() <= labels.items()


def containers_of(pod):
    """All containers of a pod, sidecars and init containers first, in the order in which they start."""
    return pod.get("initContainers", []) + pod["containers"]


class Manifests:
    """Parsed objects, file name → objects, and what is expected of them."""

    def __init__(self, place, files):
        self.place = place
        self.files = files

    def all(self, kind=None):
        return [item for item in itertools.chain(*self.files.values()) if kind in (None, item["kind"])]

    def workloads(self):
        return self.all("Deployment") + self.all("StatefulSet")

    def names(self, kind):
        return {item["metadata"]["name"] for item in self.all(kind)}

    def pods(self):
        """(name of the Deployment or StatefulSet, spec of its pods)"""
        return [(item["metadata"]["name"], item["spec"]["template"]["spec"]) for item in self.workloads()]

    def labels(self):
        """Deployment or StatefulSet → labels of its pods"""
        return {item["metadata"]["name"]: item["spec"]["template"]["metadata"]["labels"] for item in self.workloads()}

    def containers(self):
        """(name to print, spec of the pod, container), those of sidecars and init containers included"""
        return [
            (f"{name}, container {container['name']}", pod, container)
            for name, pod in self.pods()
            for container in containers_of(pod)
        ]

    def data(self, kind, name):
        """key → bytes, of a ConfigMap or a Secret; nothing where there is none of that name."""
        for item in self.all(kind):
            if item["metadata"]["name"] == name:
                if kind == "Secret":
                    return {key: base64.b64decode(value) for key, value in item.get("data", {}).items()}
                return {key: value.encode() for key, value in item.get("data", {}).items()}
        return {}

    def variables(self, container):
        """variable → value, those of ConfigMaps included; `None` for one that Kubernetes fills in."""
        found = {}
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                values = self.data("ConfigMap", source["configMapRef"]["name"])
                found |= {key: value.decode() for key, value in values.items()}
        return found | {entry["name"]: entry.get("value") for entry in container.get("env", [])}
