"""Checks the manifests in k8s/ and prints one line per check, then every problem; exit code 1 if there is any.

A check is a function from the manifests to problems, each one sentence. At the end every rule is shown a manifest that
breaks it, so that a rule which no longer notices anything fails the run too.
"""

import copy
import itertools
import pathlib
import re
import subprocess
import sys

import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
K8S = ROOT / "k8s"
ALL_IN_ONE = K8S / "all-in-one" / "redis-replica-kit.yaml"

# The oldest Kubernetes that is supported, and the newest whose schemas the tool knows.
VERSIONS = ["1.29", kubernetes_validate.latest_version()]

# What each file holds. A new file or object is written down here too.
CONTENTS = {
    "redis-master-pvc.yaml": ["PersistentVolumeClaim/redis-master-data"],
    "redis-master-svc.yaml": ["Service/redis-master"],
    "redis-master-deploy.yaml": ["Deployment/redis-master"],
    "redis-slave-svc.yaml": ["Service/redis-slave", "Service/redis-slave-nodes"],
    "redis-slave-deploy.yaml": ["Deployment/redis-slave"],
    "key-value-app-svc.yaml": ["Service/key-value-app"],
    "key-value-app-deploy.yaml": ["Deployment/key-value-app"],
    "node-hostname.yaml": ["Deployment/node-hostname", "Service/node-hostname"],
}
IMAGES = {
    "redis-replica-kit/redis-slave",
    "redis-replica-kit/redis-replica-sidecar",
    "redis-replica-kit/key-value-app",
}
REPLICAS = {"redis-master": 1, "redis-slave": 2, "key-value-app": 3, "node-hostname": 1}
SELECTORS = {
    "redis-master": {"app": "redis", "role": "master"},
    "redis-slave": {"app": "redis", "role": "slave"},
    "redis-slave-nodes": {"app": "redis", "role": "slave"},
    "key-value-app": {"app": "key-value-app"},
    "node-hostname": {"app": "node-hostname"},
}
# name: (type, headless, port, port of the container)
SERVICES = {
    "redis-master": ("ClusterIP", False, 6379, 6379),
    "redis-slave": ("ClusterIP", False, 6379, 6379),
    "redis-slave-nodes": ("ClusterIP", True, 6379, 6379),
    "key-value-app": ("NodePort", False, 80, 8080),
    "node-hostname": ("LoadBalancer", False, 8080, 8080),
}
# How many each pod has, and what Kubernetes asks them.
SIDECARS = {"redis-slave": 1}
SIDECAR_PROBES = {"startupProbe": "/livez", "readinessProbe": "/readyz", "livenessProbe": "/livez"}
RECOMMENDED_LABELS = ["name", "component", "part-of"]


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that occurs twice in one mapping; PyYAML keeps the last one without a word."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} occurs twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load(path):
    return [document for document in yaml.load_all(path.read_text(), StrictLoader) if document is not None]


def name_of(item):
    return f"{item['kind']}/{item['metadata']['name']}"


class Manifests:
    """The files of k8s/, parsed: file name → objects."""

    def __init__(self, files):
        self.files = files

    def all(self, kind=None):
        return [item for item in itertools.chain(*self.files.values()) if kind in (None, item["kind"])]

    def pods(self):
        """(name of the Deployment, spec of its pods)"""
        return [(item["metadata"]["name"], item["spec"]["template"]["spec"]) for item in self.all("Deployment")]

    def containers(self):
        """(name to print, spec of the pod, container), those of sidecars and init containers included"""
        return [
            (f"{name}, container {container['name']}", pod, container)
            for name, pod in self.pods()
            for container in containers_of(pod)
        ]


def containers_of(pod):
    """All containers of a pod, sidecars and init containers first, in the order in which they start."""
    return pod.get("initContainers", []) + pod["containers"]


# Checks -------------------------------------------------------------------------------------------------------------


def files_hold_what_is_written_down(manifests):
    found = {file: [name_of(item) for item in items] for file, items in manifests.files.items()}
    for file in sorted(found.keys() | CONTENTS.keys()):
        if found.get(file) != CONTENTS.get(file):
            yield f"{file} holds {found.get(file)}, expected {CONTENTS.get(file)}"


def objects_match_the_schemas(manifests):
    for item, version in itertools.product(manifests.all(), VERSIONS):
        try:
            kubernetes_validate.validate(item, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{name_of(item)}: {error.message} (at {'.'.join(map(str, error.path))}, Kubernetes {version})"
        except kubernetes_validate.SchemaNotFoundError:
            yield f"{name_of(item)}: Kubernetes {version} knows no {item['apiVersion']} {item['kind']}"


def containers_name_a_pinned_image_of_ours(manifests):
    for deployment in manifests.all("Deployment"):
        template = deployment["spec"]["template"]
        for container in containers_of(template["spec"]):
            where = f"{deployment['metadata']['name']}, container {container['name']}"
            image, _, tag = container["image"].partition(":")
            if image not in IMAGES:
                yield f"{where}: image {image} is none of {sorted(IMAGES)}"
            if not re.fullmatch(r"\d+\.\d+\.\d+", tag):
                yield f"{where}: image tag {tag!r} is not a full version"
            if tag != template["metadata"]["labels"].get("app.kubernetes.io/version"):
                yield f"{where}: image tag {tag!r} and label app.kubernetes.io/version differ"
            if container.get("imagePullPolicy") != "IfNotPresent":
                yield f"{where}: imagePullPolicy is not IfNotPresent"


def containers_have_requests_limits_and_probes(manifests):
    for where, _, container in manifests.containers():
        for bound in ("requests", "limits"):
            for resource in ("cpu", "memory"):
                if resource not in container.get("resources", {}).get(bound, {}):
                    yield f"{where}: no {bound} for {resource}"
        for probe in ("startupProbe", "livenessProbe"):
            if probe not in container:
                yield f"{where}: no {probe}"
    for name, pod in manifests.pods():
        judges = [container["name"] for container in containers_of(pod) if "readinessProbe" in container]
        if len(judges) != 1:
            yield f"{name}: the readiness is asked of {judges or 'no container'}, not of exactly one"


def sidecars_start_first_and_know_what_the_server_knows(manifests):
    """Kubernetes starts the next container when a sidecar's startup probe succeeds, so it must not need the server."""
    for name, pod in manifests.pods():
        sidecars = [container for container in containers_of(pod) if container["name"] == "sidecar"]
        if len(sidecars) != SIDECARS.get(name, 0):
            yield f"{name}: {len(sidecars)} containers called sidecar, expected {SIDECARS.get(name, 0)}"
        for container in pod.get("initContainers", []):
            where = f"{name}, container {container['name']}"
            if container.get("restartPolicy") != "Always":
                yield f"{where}: no restartPolicy Always, so the server waits for its end"
            server = pod["containers"][0]
            for what in ("env", "envFrom"):
                if container.get(what) != server.get(what):
                    yield f"{where}: {what} is not that of {server['name']}, so the two decide differently"
            mounts = [
                [mount for mount in each.get("volumeMounts", []) if mount["mountPath"] == "/run/redis"]
                for each in (container, server)
            ]
            if not mounts[0] or mounts[0] != mounts[1]:
                yield f"{where}: /run/redis is not the folder of {server['name']}, where the record is read"
            for probe, path in SIDECAR_PROBES.items():
                found = container.get(probe, {}).get("httpGet", {}).get("path")
                if found != path:
                    yield f"{where}: {probe} asks {found}, expected {path}"


def pods_are_restricted(manifests):
    for name, pod in manifests.pods():
        context = pod.get("securityContext", {})
        if context.get("runAsNonRoot") is not True:
            yield f"{name}: runAsNonRoot is not true"
        for identity in ("runAsUser", "runAsGroup"):
            if not isinstance(context.get(identity), int) or context[identity] == 0:
                yield f"{name}: {identity} is not a number above 0"
        if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{name}: seccompProfile is not RuntimeDefault"
        for flag in ("automountServiceAccountToken", "enableServiceLinks"):
            if pod.get(flag) is not False:
                yield f"{name}: {flag} is not false"
        for flag in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.get(flag):
                yield f"{name}: {flag} is set"
        if "terminationGracePeriodSeconds" not in pod:
            yield f"{name}: no terminationGracePeriodSeconds"
    for where, _, container in manifests.containers():
        context = container.get("securityContext", {})
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"{where}: allowPrivilegeEscalation is not false"
        if context.get("readOnlyRootFilesystem") is not True:
            yield f"{where}: readOnlyRootFilesystem is not true"
        if context.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{where}: capabilities are not all dropped"


def services_select_exactly_their_pods(manifests):
    deployments = manifests.all("Deployment")
    templates = {item["metadata"]["name"]: item["spec"]["template"]["metadata"]["labels"] for item in deployments}
    for deployment in deployments:
        name = deployment["metadata"]["name"]
        selector = deployment["spec"]["selector"]["matchLabels"]
        if selector != SELECTORS.get(name):
            yield f"Deployment {name} selects {selector}, expected {SELECTORS.get(name)}"
        if not selector.items() <= templates[name].items():
            yield f"Deployment {name} selects {selector}, which its own pods do not have"
    for service in manifests.all("Service"):
        name = service["metadata"]["name"]
        selector = service["spec"].get("selector", {})
        if selector != SELECTORS.get(name):
            yield f"Service {name} selects {selector}, expected {SELECTORS.get(name)}"
        selected = [pods for pods, labels in templates.items() if selector.items() <= labels.items()]
        if len(selected) != 1:
            yield f"Service {name} selects the pods of {selected or 'no Deployment'}, not of exactly one"


def labels_are_the_recommended_ones(manifests):
    for item in manifests.all():
        labelled = [(name_of(item), item["metadata"])]
        if item["kind"] == "Deployment":
            labelled.append((f"pods of {name_of(item)}", item["spec"]["template"]["metadata"]))
        for (where, metadata), label in itertools.product(labelled, RECOMMENDED_LABELS):
            if f"app.kubernetes.io/{label}" not in metadata.get("labels", {}):
                yield f"{where}: no label app.kubernetes.io/{label}"


def ports_lead_to_the_containers(manifests):
    templates = {d["metadata"]["name"]: d["spec"]["template"] for d in manifests.all("Deployment")}
    for service in manifests.all("Service"):
        name, spec = service["metadata"]["name"], service["spec"]
        ports = {
            port["name"]: port["containerPort"]
            for template in templates.values()
            if spec["selector"].items() <= template["metadata"]["labels"].items()
            for container in containers_of(template["spec"])
            for port in container["ports"]
        }
        for port in spec["ports"]:
            found = (
                spec.get("type", "ClusterIP"),
                spec.get("clusterIP") == "None",
                port["port"],
                ports.get(port["targetPort"]),
            )
            if found != SERVICES.get(name):
                yield f"Service {name} is {found}, expected {SERVICES.get(name)}"
        if name == "key-value-app" and [port.get("nodePort") for port in spec["ports"]] != [30003]:
            yield "Service key-value-app has not the node port 30003"
        if name == "redis-slave-nodes" and spec.get("publishNotReadyAddresses") is not True:
            yield "Service redis-slave-nodes does not publish the addresses of pods that are not ready"
    for where, _, container in manifests.containers():
        names = {port["name"] for port in container["ports"]}
        if container["name"] == "sidecar" and container["ports"] != [{"name": "metrics", "containerPort": 9121}]:
            yield f"{where}: its port is not metrics, 9121"
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            handler = container.get(probe, {}).get("httpGet") or container.get(probe, {}).get("tcpSocket")
            if handler and handler["port"] not in names:
                yield f"{where}: {probe} asks port {handler['port']}, which the container does not name"


def volumes_are_there_and_used(manifests):
    claims = {claim["metadata"]["name"] for claim in manifests.all("PersistentVolumeClaim")}
    used = set()
    for name, pod in manifests.pods():
        volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
        mounts = {
            mount["name"]: mount["mountPath"]
            for container in containers_of(pod)
            for mount in container.get("volumeMounts", [])
        }
        for volume in sorted(volumes.keys() ^ mounts.keys()):
            yield f"{name}: volume {volume} is not both declared and mounted"
        for volume in volumes.values():
            if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
                yield f"{name}: volume {volume['name']} has no sizeLimit"
            if "persistentVolumeClaim" in volume:
                used.add(volume["persistentVolumeClaim"]["claimName"])
        if name.startswith("redis-"):
            if set(mounts.values()) != {"/data", "/run/redis", "/tmp"}:
                yield f"{name}: mounts {sorted(mounts.values())}, expected /data, /run/redis and /tmp"
            if "fsGroup" not in pod.get("securityContext", {}):
                yield f"{name}: no fsGroup, so its volumes belong to root"
    for claim in sorted(claims ^ used):
        yield f"PersistentVolumeClaim {claim} is not both declared and used"


def the_master_keeps_its_data(manifests):
    for deployment in manifests.all("Deployment"):
        if deployment["metadata"]["name"] != "redis-master":
            continue
        spec = deployment["spec"]
        if spec.get("strategy") != {"type": "Recreate"}:
            yield "redis-master: strategy is not Recreate, so two masters can share one volume"
        arguments = spec["template"]["spec"]["containers"][0].get("args", [])
        if ("--appendonly", "yes") not in zip(arguments, arguments[1:]):
            yield "redis-master: no --appendonly yes"
        if not any("persistentVolumeClaim" in volume for volume in spec["template"]["spec"].get("volumes", [])):
            yield "redis-master: /data is not on a PersistentVolumeClaim"


def deployments_have_their_size(manifests):
    for deployment in manifests.all("Deployment"):
        name, replicas = deployment["metadata"]["name"], deployment["spec"].get("replicas")
        if replicas != REPLICAS.get(name):
            yield f"{name}: {replicas} replicas, expected {REPLICAS.get(name)}"


def the_environment_fits(manifests):
    services = {service["metadata"]["name"] for service in manifests.all("Service")}
    fields = {"POD_IP": "status.podIP", "POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace"}
    expected = {
        "redis-master": {"REDIS_REPLICATION_MODE", *fields},
        "redis-slave": {"REDIS_REPLICATION_MODE", "REDIS_MASTER_SERVICE_HOST", "REDIS_MASTER_SERVICE_PORT", *fields},
        "key-value-app": {
            "REDIS_MASTER_SERVICE_HOST", "REDIS_MASTER_SERVICE_PORT",
            "REDIS_SLAVE_NODES_HOST", "REDIS_SLAVE_SERVICE_PORT", "POD_IP",
        },
        "node-hostname": set(),
    }
    modes = {"redis-master": "master", "redis-slave": "replica"}
    for name, pod in manifests.pods():
        variables = {entry["name"]: entry for container in pod["containers"] for entry in container.get("env", [])}
        if variables.keys() != expected.get(name):
            yield f"{name}: variables {sorted(variables)}, expected {sorted(expected.get(name, []))}"
        for variable, entry in variables.items():
            if variable in fields:
                field = entry.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
                if field != fields[variable]:
                    yield f"{name}: {variable} is taken from {field}, not from {fields[variable]}"
            if variable.endswith("_HOST") and entry.get("value") not in services:
                yield f"{name}: {variable} names {entry.get('value')}, which is no Service here"
            if variable == "REDIS_REPLICATION_MODE" and entry.get("value") != modes.get(name):
                yield f"{name}: REDIS_REPLICATION_MODE is {entry.get('value')}, expected {modes.get(name)}"


CHECKS = [
    files_hold_what_is_written_down,
    objects_match_the_schemas,
    containers_name_a_pinned_image_of_ours,
    containers_have_requests_limits_and_probes,
    sidecars_start_first_and_know_what_the_server_knows,
    pods_are_restricted,
    services_select_exactly_their_pods,
    labels_are_the_recommended_ones,
    ports_lead_to_the_containers,
    volumes_are_there_and_used,
    the_master_keeps_its_data,
    deployments_have_their_size,
    the_environment_fits,
]


def the_kustomization_lists_every_file(manifests):
    """Only `resources`: anything more would change objects, and `apply -f` and `apply -k` would differ."""
    (kustomization,) = load(K8S / "Kustomization")
    if kustomization.keys() != {"apiVersion", "kind", "resources"}:
        yield f"Kustomization has {sorted(kustomization)}, expected apiVersion, kind and resources alone"
    if sorted(kustomization["resources"]) != sorted(manifests.files):
        yield f"Kustomization lists {sorted(kustomization['resources'])}, the folder has {sorted(manifests.files)}"
    for path in sorted(K8S.iterdir()):
        if path.suffix in (".yml", ".json") or path.name.lower().startswith("kustomization."):
            yield f"{path.name}: `kubectl apply -f k8s/` would send it to the API server"


def all_in_one_is_the_same(manifests):
    printed = subprocess.run(
        [ROOT / "scripts" / "generate-all-in-one", "--print"], check=True, capture_output=True, text=True
    ).stdout
    if not ALL_IN_ONE.exists() or ALL_IN_ONE.read_text() != printed:
        yield f"{ALL_IN_ONE.relative_to(ROOT)} is out of date: run scripts/generate-all-in-one"
        return
    (kustomization,) = load(K8S / "Kustomization")
    expected = list(itertools.chain(*(manifests.files[file] for file in kustomization["resources"])))
    if load(ALL_IN_ONE) != expected:
        yield f"{ALL_IN_ONE.relative_to(ROOT)} holds other objects than the files in k8s/"


# Broken on purpose --------------------------------------------------------------------------------------------------
# (the check that must notice, the object to break, the path to the value, what to put there; None removes it)

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers.0"
SIDECAR = f"{POD}.initContainers.0"
BROKEN = [
    (files_hold_what_is_written_down, "Service/redis-slave-nodes", "metadata.name", "redis-slaves"),
    (objects_match_the_schemas, "Deployment/redis-master", "spec.replica", 1),
    (objects_match_the_schemas, "Deployment/redis-slave", f"{CONTAINER}.ports.0.containerPort", "6379"),
    (objects_match_the_schemas, "Deployment/redis-slave", f"{SIDECAR}.restartPolicy", True),
    (objects_match_the_schemas, "Deployment/redis-slave", "kind", "Deploiment"),
    (containers_name_a_pinned_image_of_ours, "Deployment/redis-slave", f"{CONTAINER}.image", "redis:7.4"),
    (containers_name_a_pinned_image_of_ours, "Deployment/redis-slave", f"{CONTAINER}.image",
     "redis-replica-kit/redis-slave:latest"),
    (containers_name_a_pinned_image_of_ours, "Deployment/redis-slave", f"{SIDECAR}.image",
     "redis-replica-kit/redis-replica-sidecar:0.1"),
    (containers_name_a_pinned_image_of_ours, "Deployment/key-value-app", f"{CONTAINER}.imagePullPolicy", None),
    (containers_have_requests_limits_and_probes, "Deployment/redis-slave", f"{CONTAINER}.resources.limits.cpu", None),
    (containers_have_requests_limits_and_probes, "Deployment/redis-slave", f"{CONTAINER}.livenessProbe", None),
    (containers_have_requests_limits_and_probes, "Deployment/redis-master", f"{CONTAINER}.readinessProbe", None),
    (containers_have_requests_limits_and_probes, "Deployment/redis-slave", f"{SIDECAR}.readinessProbe", None),
    (containers_have_requests_limits_and_probes, "Deployment/redis-slave", f"{SIDECAR}.resources.limits.memory", None),
    (containers_have_requests_limits_and_probes, "Deployment/redis-slave", f"{CONTAINER}.readinessProbe",
     {"exec": {"command": ["redis-replica-init", "probe", "ready"]}}),
    (sidecars_start_first_and_know_what_the_server_knows, "Deployment/redis-slave", f"{SIDECAR}.restartPolicy", None),
    (sidecars_start_first_and_know_what_the_server_knows, "Deployment/redis-slave", f"{POD}.initContainers", []),
    (sidecars_start_first_and_know_what_the_server_knows, "Deployment/redis-slave", f"{SIDECAR}.env.1.value", "other"),
    (sidecars_start_first_and_know_what_the_server_knows, "Deployment/redis-slave",
     f"{SIDECAR}.volumeMounts.0.mountPath", "/run"),
    (sidecars_start_first_and_know_what_the_server_knows, "Deployment/redis-slave",
     f"{SIDECAR}.startupProbe.httpGet.path", "/readyz"),
    (pods_are_restricted, "Deployment/node-hostname", f"{POD}.securityContext.runAsUser", 0),
    (pods_are_restricted, "Deployment/node-hostname", f"{CONTAINER}.securityContext.readOnlyRootFilesystem", None),
    (pods_are_restricted, "Deployment/redis-slave", f"{POD}.enableServiceLinks", None),
    (pods_are_restricted, "Deployment/redis-slave", f"{SIDECAR}.securityContext.capabilities", None),
    (services_select_exactly_their_pods, "Service/redis-slave", "spec.selector.role", None),
    (services_select_exactly_their_pods, "Deployment/redis-slave", "spec.template.metadata.labels.role", "replica"),
    (labels_are_the_recommended_ones, "Deployment/redis-slave",
     ["spec", "template", "metadata", "labels", "app.kubernetes.io/part-of"], None),
    (ports_lead_to_the_containers, "Service/key-value-app", "spec.ports.0.targetPort", "web"),
    (ports_lead_to_the_containers, "Service/key-value-app", "spec.ports.0.nodePort", 30004),
    (ports_lead_to_the_containers, "Service/redis-slave-nodes", "spec.publishNotReadyAddresses", None),
    (ports_lead_to_the_containers, "Deployment/key-value-app", f"{CONTAINER}.readinessProbe.httpGet.port", "web"),
    (ports_lead_to_the_containers, "Deployment/redis-slave", f"{SIDECAR}.ports.0.containerPort", 8080),
    (volumes_are_there_and_used, "Deployment/redis-master", f"{POD}.volumes.0.persistentVolumeClaim.claimName", "data"),
    (volumes_are_there_and_used, "Deployment/redis-slave", f"{CONTAINER}.volumeMounts.1.mountPath", "/run"),
    (the_master_keeps_its_data, "Deployment/redis-master", "spec.strategy", None),
    (the_master_keeps_its_data, "Deployment/redis-master", f"{CONTAINER}.args", None),
    (deployments_have_their_size, "Deployment/redis-master", "spec.replicas", 2),
    (the_environment_fits, "Deployment/redis-slave", f"{CONTAINER}.env.0.value", "master"),
    (the_environment_fits, "Deployment/redis-slave", f"{CONTAINER}.env.1.value", "redis-primary"),
]


def broken(manifests, target, path, value):
    """The manifests with one value changed."""
    manifests = copy.deepcopy(manifests)
    place = next(item for item in manifests.all() if name_of(item) == target)
    steps = [int(step) if step.isdigit() else step for step in (path.split(".") if isinstance(path, str) else path)]
    for step in steps[:-1]:
        place = place[step]
    if value is None:
        del place[steps[-1]]
    else:
        place[steps[-1]] = value
    return manifests


def every_rule_notices(manifests):
    for check, target, path, value in BROKEN:
        if not list(check(broken(manifests, target, path, value))):
            yield f"“{sentence(check)}” does not notice {target} with {path} = {value}"
    for check in CHECKS:
        if check not in {case[0] for case in BROKEN}:
            yield f"“{sentence(check)}” has no manifest that breaks it"


def sentence(check):
    return check.__name__.replace("_", " ")


def main():
    manifests = Manifests({path.name: load(path) for path in sorted(K8S.glob("*.yaml"))})
    problems = []
    for check in [*CHECKS, the_kustomization_lists_every_file, all_in_one_is_the_same, every_rule_notices]:
        found = list(check(manifests))
        print(f"{'FAIL ' if found else 'ok   '} {sentence(check)}")
        problems += found
    if problems:
        print(f"\n{len(problems)} problems in k8s/:", *problems, sep="\n  ", file=sys.stderr)
        return 1
    print(f"{len(manifests.all())} objects, Kubernetes {' and '.join(VERSIONS)}, {len(BROKEN)} broken ones noticed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
