"""Rules for pods and their containers. Each yields problems, a sentence each."""

import re

from .model import containers_of

IMAGES = {"redis-slave", "redis-replica-sidecar", "redis-node", "key-value-app"}
SIDECAR_PROBES = {"startupProbe": "/livez", "readinessProbe": "/readyz", "livenessProbe": "/livez"}
# The kinds of volume that restricted pod security lets through, of those that are used here.
VOLUMES = {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}


def containers_name_a_pinned_image_of_ours(manifests):
    place = manifests.place
    for workload in manifests.workloads():
        template = workload["spec"]["template"]
        for container in containers_of(template["spec"]):
            where = f"{workload['metadata']['name']}, container {container['name']}"
            image, _, tag = container["image"].rpartition(":")
            if image.removeprefix(place.images) not in IMAGES:
                yield f"{where}: image {image} is none of {sorted(place.images + name for name in IMAGES)}"
            if not re.fullmatch(r"\d+\.\d+\.\d+", tag):
                yield f"{where}: image tag {tag!r} is not a full version"
            if tag != template["metadata"]["labels"].get("app.kubernetes.io/version"):
                yield f"{where}: image tag {tag!r} and label app.kubernetes.io/version differ"
            if container.get("imagePullPolicy") != place.pull_policy:
                yield f"{where}: imagePullPolicy is not {place.pull_policy}"


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
        judges = manifests.place.sidecars.get(name)
        sidecars = [container for container in containers_of(pod) if container["name"] == "sidecar"]
        if len(sidecars) != (judges is not None):
            yield f"{name}: {len(sidecars)} containers called sidecar, expected {int(judges is not None)}"
        for container in pod.get("initContainers", []):
            where = f"{name}, container {container['name']}"
            if container.get("restartPolicy") != "Always":
                yield f"{where}: no restartPolicy Always, so the server waits for its end"
            server = pod["containers"][0]
            for what in ("env", "envFrom"):
                if container.get(what) != server.get(what):
                    yield f"{where}: {what} is not that of {server['name']}, so the two decide differently"
            # The record, the configuration, and the secrets; not the data.
            for path in sorted(manifests.place.mounts - {"/data", "/tmp"}):
                mounts = [
                    [mount for mount in each.get("volumeMounts", []) if mount["mountPath"] == path]
                    for each in (container, server)
                ]
                if not mounts[0] or mounts[0] != mounts[1]:
                    yield f"{where}: {path} is not the folder of {server['name']}"
            for probe, path in SIDECAR_PROBES.items():
                if probe == "readinessProbe" and not judges:
                    path = None
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
        account = manifests.place.accounts.get(name)
        if pod.get("serviceAccountName") != account:
            yield f"{name}: its service account is {pod.get('serviceAccountName')}, expected {account}"
        for flag, wanted in (("automountServiceAccountToken", account is not None), ("enableServiceLinks", False)):
            if pod.get(flag) is not wanted:
                yield f"{name}: {flag} is not {str(wanted).lower()}"
        for flag in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.get(flag):
                yield f"{name}: {flag} is set"
        if "terminationGracePeriodSeconds" not in pod:
            yield f"{name}: no terminationGracePeriodSeconds"
        for volume in pod.get("volumes", []):
            if not volume.keys() - {"name"} <= VOLUMES:
                yield f"{name}: volume {volume['name']} is none of {sorted(VOLUMES)}"
    for where, _, container in manifests.containers():
        context = container.get("securityContext", {})
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"{where}: allowPrivilegeEscalation is not false"
        if context.get("readOnlyRootFilesystem") is not True:
            yield f"{where}: readOnlyRootFilesystem is not true"
        if context.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{where}: capabilities are not all dropped"
        overruled = {"runAsNonRoot", "runAsUser", "runAsGroup", "seccompProfile", "privileged"} & context.keys()
        if overruled:
            yield f"{where}: {sorted(overruled)} overrule the pod's"
        if any("hostPort" in port for port in container.get("ports", [])):
            yield f"{where}: a hostPort"


def a_program_that_hangs_is_not_waited_for(manifests):
    """It does not act on SIGTERM. Without a period of the probe's own the pod's is waited for in vain."""
    for where, pod, container in manifests.containers():
        for probe in ("startupProbe", "livenessProbe"):
            grace = container.get(probe, {}).get("terminationGracePeriodSeconds")
            if grace is None:
                yield f"{where}: a failed {probe} waits for the pod's {pod['terminationGracePeriodSeconds']} s"
            elif not 1 <= grace <= 10:
                yield f"{where}: a failed {probe} waits for {grace} s, expected 1 to 10"


def the_master_may_ask_its_replicas(manifests):
    """The startup guard holds a master by itself, before the startup probe gives it up without a word."""
    for name, pod in manifests.pods():
        if name != "redis-master":
            continue
        server = pod["containers"][0]
        probe = server.get("startupProbe", {})
        patience = probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)
        # The guard's own default where nothing is said.
        guard = int(manifests.variables(server).get("REDIS_GUARD_TIMEOUT", 60))
        if patience < guard + 15:
            yield f"{name}: startupProbe gives up after {patience} s, and the startup guard asks for {guard} s"


def pods_end_in_time(manifests):
    """What a container wants for its end fits into what Kubernetes gives it."""
    for name, pod in manifests.pods():
        grace = pod.get("terminationGracePeriodSeconds", 30)
        for container in pod["containers"]:
            variables = manifests.variables(container)
            if name == "key-value-app":
                # The app's own defaults where nothing is said.
                delay = int(variables.get("DRAIN_DELAY_SECONDS", 5)) + int(variables.get("DRAIN_TIMEOUT_SECONDS", 20))
                if delay >= grace:
                    yield f"{name}: drains for {delay} s, and is killed after {grace} s"
            hook = container.get("lifecycle", {}).get("preStop")
            if hook and hook.get("exec", {}).get("command", [])[:1] != ["sleep"]:
                yield f"{name}: preStop is {hook}, and only `sleep` by a command is known to every version"
            if hook and float(hook.get("exec", {}).get("command", ["", "0"])[1]) * 2 > grace:
                yield f"{name}: preStop takes more than half of the {grace} s"


def pods_are_spread_over_nodes(manifests):
    for workload in manifests.workloads():
        name, spec = workload["metadata"]["name"], workload["spec"]
        if spec.get("replicas") == 1:
            continue
        rules = spec["template"]["spec"].get("topologySpreadConstraints", [])
        over_nodes = [rule for rule in rules if rule["topologyKey"] == "kubernetes.io/hostname"]
        if len(over_nodes) != 1:
            yield f"{name}: {len(over_nodes)} rules spread it over nodes, not one"
        for rule in rules:
            if rule["labelSelector"] != spec["selector"]:
                yield f"{name}: what spreads over {rule['topologyKey']} is {rule['labelSelector']}, not its own pods"
            if not manifests.place.is_guarded:
                continue
            if rule.get("nodeTaintsPolicy") != "Honor" or rule.get("matchLabelKeys") != ["pod-template-hash"]:
                yield f"{name}: a drained node, or a rollout's other side, can leave its pods pending"
        if manifests.place.is_guarded and over_nodes and over_nodes[0]["whenUnsatisfiable"] != "DoNotSchedule":
            yield f"{name}: its pods may share a node while another is free"


CHECKS = [
    containers_name_a_pinned_image_of_ours,
    containers_have_requests_limits_and_probes,
    sidecars_start_first_and_know_what_the_server_knows,
    pods_are_restricted,
    a_program_that_hangs_is_not_waited_for,
    the_master_may_ask_its_replicas,
    pods_end_in_time,
    pods_are_spread_over_nodes,
]
