"""Rules for what an overlay adds: scaling, drains, connections, secrets. Each yields problems, a sentence each."""

import ipaddress
import re

from .model import containers_of, is_part, name_of

PROJECT = {"app.kubernetes.io/part-of": "redis-replica-kit"}
# The end of a variable's name that tells a secret.
SECRET = re.compile(r"(PASSWORD|TOKEN|PASS|SECRET|KEY)$")


def an_autoscaler_counts_alone(manifests):
    deployments = {item["metadata"]["name"]: item["spec"] for item in manifests.all("Deployment")}
    counted = set()
    for item in manifests.all("HorizontalPodAutoscaler"):
        spec, name = item["spec"], item["spec"]["scaleTargetRef"]["name"]
        if spec["scaleTargetRef"]["kind"] != "Deployment" or name not in deployments:
            yield f"{name_of(item)} scales {spec['scaleTargetRef']}, which is no Deployment here"
            continue
        counted.add(name)
        if "replicas" in deployments[name]:
            yield f"{name}: has `replicas` beside a HorizontalPodAutoscaler, so each apply undoes its work"
        if not 2 <= spec.get("minReplicas", 1) <= spec["maxReplicas"]:
            yield f"{name_of(item)}: fewer than two at the least, or more at the least than at the most"
        for metric in spec["metrics"]:
            resource = metric["resource"]["name"]
            for container in containers_of(deployments[name]["template"]["spec"]):
                if resource not in container.get("resources", {}).get("requests", {}):
                    yield f"{name_of(item)}: a share of {resource}, which {container['name']} does not request"
    for name, spec in deployments.items():
        if "replicas" not in spec and name not in counted:
            yield f"{name}: has neither `replicas` nor a HorizontalPodAutoscaler"


def budgets_let_a_node_be_drained(manifests):
    sizes = {item["metadata"]["name"]: item["spec"].get("replicas") for item in manifests.workloads()}
    kept = manifests.names("StatefulSet")
    protected = set()
    for item in manifests.all("PodDisruptionBudget"):
        spec = item["spec"]
        selected = [name for name, labels in manifests.labels().items() if is_part(spec["selector"], labels)]
        if len(selected) != 1:
            yield f"{name_of(item)} selects the pods of {selected or 'no workload'}, not of exactly one"
            continue
        protected.add(selected[0])
        if sizes[selected[0]] == 1:
            yield f"{name_of(item)} protects a single pod: it blocks a drain for ever, or says nothing"
        if spec.get("maxUnavailable") != 1:
            yield f"{name_of(item)}: not maxUnavailable 1, which lets one go however many there are"
        # A pod with data that is not ready may have the only copy of it; the others hold up a drain for nothing.
        policy = "IfHealthyBudget" if selected[0] in kept else "AlwaysAllow"
        if spec.get("unhealthyPodEvictionPolicy") != policy:
            yield f"{name_of(item)}: unhealthyPodEvictionPolicy is not {policy}"
    if protected != manifests.place.budgets:
        yield f"budgets protect {sorted(protected)}, expected {sorted(manifests.place.budgets)}"


def _peers(manifests, rule, side):
    """The Deployments of a rule's peers; `None` where there is no such bound; what is not ours in words."""
    if side not in rule:
        return [None]
    found = []
    for peer in rule[side]:
        if "ipBlock" in peer:
            found.append(f"address {ipaddress.ip_network(peer['ipBlock']['cidr'])}")
        elif "namespaceSelector" in peer:
            namespace = peer["namespaceSelector"].get("matchLabels", {}).get("kubernetes.io/metadata.name")
            found.append(f"namespace {namespace}")
        else:
            names = [name for name, labels in manifests.labels().items() if is_part(peer["podSelector"], labels)]
            if not names:
                raise LookupError(f"{peer['podSelector']} selects no pod here")
            found += names
    return found


def policies_say_who_may_speak_to_whom(manifests):
    """A connection needs the leave of both sides; what may be opened in the end is written down."""
    may = {"ingress": set(), "egress": set()}
    isolated = {"Ingress": set(), "Egress": set()}
    numbers = {
        name: {port["containerPort"] for container in containers_of(pod) for port in container["ports"]}
        for name, pod in manifests.pods()
    }
    for item in manifests.all("NetworkPolicy"):
        spec = item["spec"]
        chosen = spec["podSelector"]
        mine = [name for name, labels in manifests.labels().items() if is_part(chosen, labels)]
        if not chosen.get("matchLabels") or not mine:
            yield f"{name_of(item)} selects {chosen or 'everything in the namespace'}, and not some of our pods"
        for kind in spec["policyTypes"]:
            isolated[kind] |= set(mine)
        for direction, side in (("ingress", "from"), ("egress", "to")):
            for rule in spec.get(direction, []):
                try:
                    peers = _peers(manifests, rule, side)
                except LookupError as error:
                    yield f"{name_of(item)}: {error}"
                    continue
                if not rule.get("ports"):
                    yield f"{name_of(item)}: a rule for every port"
                for port in rule.get("ports", []):
                    if not isinstance(port["port"], int):
                        yield f"{name_of(item)}: port {port['port']!r} is a name; not every network knows a sidecar's"
                        continue
                    may[direction] |= {(name, peer, port["port"]) for name in mine for peer in peers}
                    if direction == "ingress":
                        for name in mine:
                            if port["port"] not in numbers[name]:
                                yield f"{name_of(item)}: nothing in {name} listens to {port['port']}"
    if not manifests.place.is_guarded:
        return
    for kind, names in isolated.items():
        for name in sorted(numbers.keys() - names):
            yield f"{name}: no NetworkPolicy cuts off its {kind.lower()}"
    ours = numbers.keys()
    opened = {
        (peer, name, port)
        for name, peer, port in may["ingress"]
        if peer not in ours or (peer, name, port) in may["egress"]
    }
    for peer, name, port in sorted(opened ^ manifests.place.connections, key=str):
        verb = "may" if (peer, name, port) in opened else "may not"
        yield f"{peer or 'every host'} {verb} open port {port} of {name}, unlike what is written down"
    for name, peer, port in sorted(may["egress"], key=str):
        if port != 53 and (name, peer, port) not in opened:
            yield f"{name} may open port {port} of {peer}, which accepts no connection"
    for name in sorted(ours - {name for name, _, port in may["egress"] if port == 53}):
        yield f"{name}: cannot look up names"


def secrets_come_as_files(manifests):
    place = manifests.place
    for where, pod, container in manifests.containers():
        for entry in container.get("env", []):
            if "secretKeyRef" in entry.get("valueFrom", {}):
                yield f"{where}: {entry['name']} is a secret in the environment, where it cannot change"
        for source in container.get("envFrom", []):
            if "secretRef" in source:
                yield f"{where}: Secret {source['secretRef']['name']} in the environment, where it cannot change"
        for variable, value in manifests.variables(container).items():
            if SECRET.search(variable) and variable != "ALLOW_EMPTY_PASSWORD":
                yield f"{where}: {variable} is a secret in the environment; name its file in {variable}_FILE"
            if variable.endswith("_FILE") and not _is_mounted(manifests, pod, container, value):
                yield f"{where}: {variable} is {value}, which no Secret of this pod has"
    for name, pod in manifests.pods():
        for volume in pod.get("volumes", []):
            if "secret" in volume and volume["secret"].get("defaultMode") != 0o440:
                yield f"{name}: Secret {volume['secret']['secretName']} is not for its user and group alone (0440)"
    found = {name_of(item): set(item.get("data", {})) for item in manifests.all("Secret")}
    if found != place.generated:
        yield f"the Secrets are {found}, expected {place.generated}"


def _is_mounted(manifests, pod, container, path):
    """Whether a Secret has this file, and is mounted whole: a single file would never change."""
    volumes = [volume for volume in pod.get("volumes", []) if "secret" in volume]
    secrets = {volume["name"]: volume["secret"]["secretName"] for volume in volumes}
    return any(
        mount["name"] in secrets
        and "subPath" not in mount
        and mount.get("readOnly") is True
        and path.rpartition("/")[0] == mount["mountPath"]
        and path.rpartition("/")[2] in manifests.data("Secret", secrets[mount["name"]])
        for mount in container.get("volumeMounts", [])
    )


def configuration_is_there_and_used(manifests):
    used = set()
    for where, pod, container in manifests.containers():
        used |= {
            f"ConfigMap/{source['configMapRef']['name']}"
            for source in container.get("envFrom", [])
            if "configMapRef" in source
        }
    for _, pod in manifests.pods():
        for volume in pod.get("volumes", []):
            if "configMap" in volume:
                used.add(f"ConfigMap/{volume['configMap']['name']}")
            if "secret" in volume:
                used.add(f"Secret/{volume['secret']['secretName']}")
    there = {name_of(item) for kind in ("ConfigMap", "Secret") for item in manifests.all(kind)}
    for name in sorted(used ^ there):
        yield f"{name} is not both there and used"
    for item in manifests.all("ConfigMap"):
        if not re.search(r"-[a-z0-9]{10}$", item["metadata"]["name"]):
            yield f"{name_of(item)}: no hash in its name, so a change restarts no pod"


def users_may_do_what_they_do(manifests):
    """No user without a name or a password, only hashes, and no +@all for a user in a pod."""
    for item in manifests.all("Secret"):
        text = manifests.data("Secret", item["metadata"]["name"]).get("users.acl")
        if text is None:
            continue
        rules = {line.split()[1]: line.split()[2:] for line in text.decode().splitlines()}
        if rules.keys() != {"default", "admin", "app", "replication", "sidecar"}:
            yield f"{name_of(item)}: the users are {sorted(rules)}"
        if rules.get("default") != ["reset", "off"]:
            yield f"{name_of(item)}: the user default is not off"
        for user, words in rules.items():
            if words[0] != "reset" or any(word[0] in ">" or word == "nopass" for word in words):
                yield f"{name_of(item)}: user {user} keeps what it had, or has a password that is no hash"
            is_bounded = "-@all" in words and not any(word.startswith("+@") for word in words)
            if user not in ("default", "admin") and not is_bounded:
                yield f"{name_of(item)}: user {user} may run whole categories of commands"
            if user in ("replication", "sidecar") and any(word.startswith("~") for word in words):
                yield f"{name_of(item)}: user {user} may touch keys"


CHECKS = [
    an_autoscaler_counts_alone,
    budgets_let_a_node_be_drained,
    policies_say_who_may_speak_to_whom,
    secrets_come_as_files,
    configuration_is_there_and_used,
    users_may_do_what_they_do,
]
