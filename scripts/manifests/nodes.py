"""Rules for nodes with automatic fail-over. Each yields problems, a sentence each."""

# What a node asks of the API server: group → resource → verbs on the named objects, and on all.
LEASES = ("coordination.k8s.io", "leases")
SLICES = ("discovery.k8s.io", "endpointslices")
EVENTS = ("events.k8s.io", "events")


def _nodes(manifests):
    """(StatefulSet, server's container, its variables)"""
    for item in manifests.all("StatefulSet"):
        server = item["spec"]["template"]["spec"]["containers"][0]
        yield item, server, manifests.variables(server)


def nodes_and_their_names_fit(manifests):
    """The nodes know each other, and the app knows them, by names that the headless Service gives."""
    services = {item["metadata"]["name"]: item["spec"] for item in manifests.all("Service")}
    for item, _, variables in _nodes(manifests):
        name, spec = item["metadata"]["name"], item["spec"]
        headless = spec.get("serviceName")
        if services.get(headless, {}).get("clusterIP") != "None":
            yield f"{name}: serviceName {headless} is no headless Service here, so its pods have no names"
        hosts = {f"{name}-{number}": f"{name}-{number}.{headless}:6379" for number in range(spec["replicas"])}
        nodes = variables.get("FAILOVER_NODES") or ""
        if nodes.split(",") != [f"{pod}={host}" for pod, host in hosts.items()]:
            yield f"{name}: FAILOVER_NODES is {nodes}, not its {spec['replicas']} pods"
        for other, pod in manifests.pods():
            for container in pod["containers"]:
                named = manifests.variables(container).get("REDIS_NODES")
                if named is not None and named.split(",") != list(hosts.values()):
                    yield f"{other}: REDIS_NODES is {named}, not the nodes of {name}"
        service = variables.get("FAILOVER_SERVICE")
        if service not in services or "selector" in services[service]:
            yield f"{name}: FAILOVER_SERVICE {service} is no Service without selector here"
        elif [port.get("name") for port in services[service]["ports"]] != ["redis"]:
            yield f"{name}: the port of {service} is not called redis, so the leader's address does not match it"
        if variables.get("FAILOVER_STORE") != "kubernetes":
            yield f"{name}: FAILOVER_STORE is {variables.get('FAILOVER_STORE')}, which the Role does not fit"


def nodes_start_together_and_keep_their_data(manifests):
    for item, server, _ in _nodes(manifests):
        name, spec = item["metadata"]["name"], item["spec"]
        if spec.get("podManagementPolicy") != "Parallel":
            yield f"{name}: a node that waits for the answers of others holds up their start"
        if spec["replicas"] % 2 == 0:
            yield f"{name}: {spec['replicas']} nodes stand no more failures than one less"
        arguments = server.get("args", [])
        if ("--appendonly", "yes") not in zip(arguments, arguments[1:]):
            yield f"{name}: no --appendonly yes"
        if server.get("command") != ["redis-replica-sidecar", "supervise", "--"]:
            yield f"{name}: the agent is not process 1"
        if [claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])] != ["data"]:
            yield f"{name}: its data is on no volume of its own"
        kept = {"whenDeleted": "Retain", "whenScaled": "Retain"}
        if spec.get("persistentVolumeClaimRetentionPolicy") != kept:
            yield f"{name}: its volumes may be deleted with it"
        if (server.get("readinessProbe") or {}).get("httpGet", {}).get("path") != "/readyz":
            yield f"{name}: its readiness is not the agent's, so redis-slave leads to nodes with old data"


def nodes_end_in_time(manifests):
    """The server's own time, and some for the handover before it."""
    for item, _, variables in _nodes(manifests):
        grace = item["spec"]["template"]["spec"].get("terminationGracePeriodSeconds", 30)
        stop = int(variables.get("SUPERVISE_STOP_SECONDS", 0))
        if not 0 < stop <= grace - 10:
            yield f"{item['metadata']['name']}: SUPERVISE_STOP_SECONDS {stop} leaves no 10 s of {grace} for a handover"


def nodes_have_the_least_rights(manifests):
    found = {
        (group, resource, frozenset(rule.get("resourceNames", [])), frozenset(rule["verbs"]))
        for item in manifests.all("Role")
        for rule in item["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    expected = set()
    for item, _, variables in _nodes(manifests):
        service = variables.get("FAILOVER_SERVICE")
        account = item["spec"]["template"]["spec"].get("serviceAccountName")
        expected |= {
            (*LEASES, frozenset({variables.get("FAILOVER_LEASE_NAME")}), frozenset({"get", "update", "watch"})),
            (*LEASES, frozenset(), frozenset({"create"})),
            (*SLICES, frozenset({f"{service}-ipv4", f"{service}-ipv6"}), frozenset({"get", "update"})),
            (*SLICES, frozenset(), frozenset({"create"})),
            (*EVENTS, frozenset(), frozenset({"create"})),
        }
        bound = [
            subject.get("name")
            for binding in manifests.all("RoleBinding")
            if binding["roleRef"]["kind"] == "Role" and binding["roleRef"]["name"] in manifests.names("Role")
            for subject in binding["subjects"]
            if subject["kind"] == "ServiceAccount"
        ]
        if bound != [account] or account not in manifests.names("ServiceAccount"):
            yield f"the Role is given to {bound}, expected the service account {account}"
    for right in sorted(found ^ expected, key=str):
        verb = "should not be" if right in found else "should be"
        yield f"the right {right} {verb} in the Role"


CHECKS = [
    nodes_and_their_names_fit,
    nodes_start_together_and_keep_their_data,
    nodes_end_in_time,
    nodes_have_the_least_rights,
]
