"""Rules for objects and what leads from one to another. Each yields problems, a sentence each."""

import functools
import itertools

import kubernetes_validate
import kubernetes_validate.utils

from .model import containers_of, name_of
from .places import BASE, CONTENTS, NODE_FIELDS, POD_FIELDS

# The oldest Kubernetes that is supported, and the newest whose schemas the tool knows.
VERSIONS = ["1.29", kubernetes_validate.latest_version()]
RECOMMENDED_LABELS = ["name", "component", "part-of"]
MODES = {"redis-master": "master", "redis-slave": "replica"}

# It reads the same megabytes again for each object.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)
kubernetes_validate.utils.all_versions = functools.cache(kubernetes_validate.utils.all_versions)


def files_hold_what_is_written_down(manifests):
    """The base's files; what an overlay renders is one stream."""
    if manifests.place != BASE:
        return
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


def objects_stay_in_their_namespace(manifests):
    for item in manifests.all():
        if "namespace" in item["metadata"]:
            yield f"{name_of(item)}: the namespace is the user's choice"
        if item["kind"].startswith("Cluster") or item["kind"] in {"Namespace", "PersistentVolume", "StorageClass"}:
            yield f"{name_of(item)}: concerns the whole cluster"


def services_select_exactly_their_pods(manifests):
    templates = manifests.labels()
    selectors = manifests.place.selectors
    for workload in manifests.workloads():
        name = workload["metadata"]["name"]
        selector = workload["spec"]["selector"]["matchLabels"]
        if selector != selectors.get(name):
            yield f"{name_of(workload)} selects {selector}, expected {selectors.get(name)}"
        if not selector.items() <= templates[name].items():
            yield f"{name_of(workload)} selects {selector}, which its own pods do not have"
    for service in manifests.all("Service"):
        name = service["metadata"]["name"]
        selector = service["spec"].get("selector", {})
        if selector != selectors.get(name):
            yield f"Service {name} selects {selector}, expected {selectors.get(name)}"
        if not selector:
            # The leader writes its addresses: nodes_and_their_names_fit has what leads there.
            continue
        selected = [pods for pods, labels in templates.items() if selector.items() <= labels.items()]
        if len(selected) != 1:
            yield f"Service {name} selects the pods of {selected or 'no Deployment'}, not of exactly one"


def labels_are_the_recommended_ones(manifests):
    for item in manifests.all():
        labelled = [(name_of(item), item["metadata"])]
        if item["kind"] in ("Deployment", "StatefulSet"):
            labelled.append((f"pods of {name_of(item)}", item["spec"]["template"]["metadata"]))
        for (where, metadata), label in itertools.product(labelled, RECOMMENDED_LABELS):
            if f"app.kubernetes.io/{label}" not in metadata.get("labels", {}):
                yield f"{where}: no label app.kubernetes.io/{label}"


def ports_lead_to_the_containers(manifests):
    place = manifests.place
    templates = {item["metadata"]["name"]: item["spec"]["template"] for item in manifests.workloads()}
    if manifests.names("Service") != place.services.keys():
        yield f"the Services are {sorted(manifests.names('Service'))}, expected {sorted(place.services)}"
    for service in manifests.all("Service"):
        name, spec = service["metadata"]["name"], service["spec"]
        ports = {
            port["name"]: port["containerPort"]
            for template in templates.values()
            # Without a selector: the nodes write its addresses.
            if spec.get("selector", {"role": "node"}).items() <= template["metadata"]["labels"].items()
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
            if found != place.services.get(name):
                yield f"Service {name} is {found}, expected {place.services.get(name)}"
        if name == "key-value-app" and [port.get("nodePort") for port in spec["ports"]] != [place.node_port]:
            yield f"Service key-value-app has not the node port {place.node_port}"
        if name.endswith("-nodes") and spec.get("publishNotReadyAddresses") is not True:
            yield f"Service {name} does not publish the addresses of pods that are not ready"
    for where, _, container in manifests.containers():
        names = {port["name"] for port in container["ports"]}
        if container["name"] == "sidecar" and container["ports"] != [{"name": "metrics", "containerPort": 9121}]:
            yield f"{where}: its port is not metrics, 9121"
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            handler = container.get(probe, {}).get("httpGet") or container.get(probe, {}).get("tcpSocket")
            if handler and handler["port"] not in names:
                yield f"{where}: {probe} asks port {handler['port']}, which the container does not name"


def volumes_are_there_and_used(manifests):
    claims = manifests.names("PersistentVolumeClaim")
    used = set()
    templates = {
        item["metadata"]["name"]: item["spec"].get("volumeClaimTemplates", []) for item in manifests.workloads()
    }
    for name, pod in manifests.pods():
        volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
        volumes |= {claim["metadata"]["name"]: {"claim": claim} for claim in templates[name]}
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
        if name.split("-")[0] == "redis" and set(mounts.values()) != manifests.place.mounts:
            yield f"{name}: mounts {sorted(mounts.values())}, expected {sorted(manifests.place.mounts)}"
        if any("emptyDir" not in volume for volume in volumes.values()) or name.split("-")[0] == "redis":
            if "fsGroup" not in pod.get("securityContext", {}):
                yield f"{name}: no fsGroup, so its volumes belong to root"
    for claim in sorted(claims ^ used):
        yield f"PersistentVolumeClaim {claim} is not both declared and used"
    for claim in manifests.all("PersistentVolumeClaim") + list(itertools.chain(*templates.values())):
        if claim["spec"].get("storageClassName") != manifests.place.storage_class:
            yield f"claim {claim['metadata']['name']}: its class is not {manifests.place.storage_class or 'left to the cluster'}"


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
    place = manifests.place
    found = {item["metadata"]["name"] for item in manifests.workloads()}
    if found != place.replicas.keys():
        yield f"the Deployments and StatefulSets are {sorted(found)}, expected {sorted(place.replicas)}"
    for workload in manifests.workloads():
        name, replicas = workload["metadata"]["name"], workload["spec"].get("replicas")
        if replicas != place.replicas.get(name):
            yield f"{name}: {replicas} replicas, expected {place.replicas.get(name)}"
        if workload["spec"].get("revisionHistoryLimit") not in range(1, 6):
            yield f"{name}: revisionHistoryLimit is not between 1 and 5"


def the_environment_fits(manifests):
    expected = {
        "redis-master": {"REDIS_REPLICATION_MODE", "REDIS_ON_EMPTY", *POD_FIELDS},
        "redis-slave": {
            "REDIS_REPLICATION_MODE", "REDIS_MASTER_SERVICE_HOST", "REDIS_MASTER_SERVICE_PORT",
            "REDIS_MASTER_NODES_HOST", *POD_FIELDS,
        },
        "key-value-app": {
            "REDIS_MASTER_SERVICE_HOST", "REDIS_MASTER_SERVICE_PORT", "REDIS_MASTER_NODES_HOST",
            "REDIS_SLAVE_NODES_HOST", "REDIS_SLAVE_SERVICE_PORT", "POD_IP",
        },
        "node-hostname": set(),
    } | manifests.place.environment
    fields = POD_FIELDS | NODE_FIELDS
    for name, pod in manifests.pods():
        server = pod["containers"][0]
        variables = manifests.variables(server)
        wanted = expected.get(name, set()) | manifests.place.variables.get(name, set())
        if variables.keys() != wanted:
            yield f"{name}: variables {sorted(variables)}, expected {sorted(wanted)}"
        for entry in server.get("env", []):
            if entry["name"] in fields:
                field = entry.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
                if field != fields[entry["name"]]:
                    yield f"{name}: {entry['name']} is taken from {field}, not from {fields[entry['name']]}"
        for variable, value in variables.items():
            if variable.endswith("_HOST") and value not in manifests.names("Service"):
                yield f"{name}: {variable} names {value}, which is no Service here"
            if variable == "REDIS_REPLICATION_MODE" and value != MODES.get(name):
                yield f"{name}: REDIS_REPLICATION_MODE is {value}, expected {MODES.get(name)}"


CHECKS = [
    files_hold_what_is_written_down,
    objects_match_the_schemas,
    objects_stay_in_their_namespace,
    services_select_exactly_their_pods,
    labels_are_the_recommended_ones,
    ports_lead_to_the_containers,
    volumes_are_there_and_used,
    the_master_keeps_its_data,
    deployments_have_their_size,
    the_environment_fits,
]
