"""The nine steps as assertions: what a user sees after `kubectl apply`, and what they cannot see."""

from __future__ import annotations

import re

from access import Access
from cluster import statuses
from progress import say
from system import APP, REPLICA, System

# The original's answers, byte for byte around what Redis says of itself.
SET = re.compile(
    r'\{"key":"key_1","value":"value_1","redis_replication":"# Replication\\r\\nrole:master\\r\\n'
    r'connected_slaves:\d+\\r\\nslave0:ip=[^"]*\\r\\n","action":"SET","pod_ip":"([^"]+)"\}')
GET = re.compile(
    r'\{"key":"key_1","value":"get key_1: value_1","redis_replication":"# Replication\\r\\nrole:slave\\r\\n'
    r'master_host:redis-master\\r\\nmaster_port:6379\\r\\nmaster_link_status:up\\r\\n[^"]*\\r\\n","action":"GET",'
    r'"pod_ip":"([^"]+)"\}')


def nine_steps(system: System, replicas: int, apps: int) -> None:
    say("the nine steps")
    system.wait_until_listed(replicas)
    pods = system.addresses(REPLICA)
    system.check(
        len(set(pods.values())) == replicas, f"the master lists its {replicas} replicas under {replicas} addresses")
    system.wait_until_found(replicas)
    system.wait_until_all_answer(system.access, APP, apps)

    answer = system.ask_app(0, "POST", "/set", {"key": "key_1", "value": "value_1"})
    app_addresses = set(system.addresses(APP).values())
    found = SET.fullmatch(answer.text)
    system.check(
        answer.status == 200 and found is not None and found[1] in app_addresses,
        "POST /set answers as the original did, from one of the apps' pods", f"{answer.status} {answer.text}")
    system.check(
        answer.headers.get("Content-Type") == "application/json", "it is application/json",
        answer.headers.get("Content-Type"))
    for pod in pods:
        system.wait_for_reply(f"the value in {pod}", "value_1", pod, "get", "key_1")

    _reads(system, apps, set(pods.values()), app_addresses)
    _services(system)
    _small_answers(system)
    sidecars(system, replicas)


def _reads(system: System, apps: int, replicas: set[str], app_addresses: set[str]) -> None:
    """GET /get through every app; every replica takes its part, the master none."""
    before = _reads_of_master(system)
    seen, servers, wrong = set(), set(), []
    for turn in range(20 * apps):
        answer = system.ask_app(turn, "GET", "/get?key=key_1")
        if answer.status == 200 and (found := GET.fullmatch(answer.text)):
            seen.add(found[1])
            servers.add(answer.headers.get("Served-By", "").rsplit(":", 1)[0])
        else:
            wrong.append(f"{answer.status} {answer.text}")
    system.check(not wrong, f"{20 * apps} times GET /get answers as the original did", wrong[:1])
    system.check(seen == app_addresses and len(seen) == apps, f"all {apps} apps answer, each with its pod_ip", seen)
    system.check(servers == replicas, "every replica answers reads", f"{servers}, not {replicas}")
    after = _reads_of_master(system)
    system.check(before == after, "the master answers none of them", f"{before}, then {after}")


def _reads_of_master(system: System) -> str:
    return system.cluster.information(system.master, "commandstats").get("cmdstat_get", "none").split(",")[0]


def _services(system: System) -> None:
    """By their names, from within the cluster."""
    master = system.master
    roles = {
        "redis-master": "master", "redis-master-nodes": "master", "redis-slave": "slave", "redis-slave-nodes": "slave",
    }
    for service, role in roles.items():
        seen = system.cluster.redis(master, "-h", service, "role").splitlines()
        system.check(seen[:1] == [role], f"the Service {service} leads to a {role}", seen[:1])
    refused = system.cluster.redis(master, "-h", "redis-slave", "set", "key_1", "other")
    system.check("READONLY" in refused, "a replica takes no writes", refused)


def _small_answers(system: System) -> None:
    page = system.ask_app(0, "GET", "/", headers={"Accept": "text/html"})
    system.check(
        page.status == 200 and "text/html" in page.headers.get("Content-Type", ""), "a browser gets the live page",
        page.status)
    live, ready = (system.ask_app(0, "GET", path) for path in ("/livez", "/readyz"))
    system.check(live.status == ready.status == 200 and ready.json["ready"], "/livez and /readyz are 200", ready.text)
    put = system.ask_app(0, "PUT", "/v1/keys/key_2", {"any": "value"})
    token = put.headers.get("Replication-Token", "")
    got = system.ask_app(1, "GET", "/v1/keys/key_2", headers={"Replication-After": token, "Replication-Wait": "1s"})
    system.check(
        got.status == 200 and got.headers.get("Replication-Verdict") == "satisfied",
        "a read with a write's token sees the write, through another app", f"{put.status}, {got.status} {got.text}")


def sidecars(system: System, replicas: int) -> None:
    """Each tells that its replica is in step, and the pod's readiness is its own."""
    if not system.has_sidecars():
        return say("  these manifests have no sidecars")
    pods = system.addresses(REPLICA)
    system.wait_for_sidecars()
    for pod in pods:
        live, ready, status = system.ask_sidecar(pod, "/livez", "/readyz", "/status")
        system.check(
            [live.status, ready.status, status.status] == [200, 200, 200] and status.json["ready"]
            and not status.json["alarm"], f"the sidecar of {pod} is content: {ready.text.strip()}", status.text)
        follows = (status.json["server"] or {}).get("follows")
        system.check(follows == "redis-master:6379", "its replica follows the master by its name", follows)
    containers = [
        status for pod in system.cluster.pods(REPLICA) for status in statuses(pod) if status["name"] == "sidecar"]
    system.check(
        len(containers) == replicas and all(status["ready"] and status["started"] for status in containers),
        "Kubernetes finds every sidecar ready", containers)


def hostname(system: System) -> None:
    """The second original: a Deployment that is scaled behind a Service."""
    say("the hostname server, scaled to 3")
    system.cluster.scale("node-hostname", 3)
    system.cluster.wait_for_rollout("node-hostname", system.limit)
    access = Access(system.cluster, "app=node-hostname", "node-hostname", 8080, system.hosts)
    try:
        system.wait_until_all_answer(access, "app=node-hostname", 3, "/any/path?at=all")
    finally:
        access.close()
    logs = "".join(system.cluster.run("logs", name) for name in system.addresses("app=node-hostname"))
    system.check("received request from " in logs, "it logs who asked", logs[-200:])

