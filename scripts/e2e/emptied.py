"""A master whose volume came back empty: it restores its data from a replica, or its start is blocked.

The way out of a hold is that of docs/operations.md, so that what is written there is known to work.
"""

from __future__ import annotations

from typing import Any

from cluster import statuses
from load import Load
from progress import EndToEndError, say
from system import MASTER, REPLICA, System

HELD = 75
# The RDB file becomes the base of a new append-only file: with `appendonly yes` redis-server loads nothing else.
RESTORE = """mv /data/appendonlydir /data/before 2>/dev/null || true
mkdir /data/appendonlydir
cat >/data/appendonlydir/appendonly.aof.1.base.rdb
echo "file appendonly.aof.1.base.rdb seq 1 type b" >/data/appendonlydir/appendonly.aof.manifest"""


def data_comes_home(system: System, load: Load, replicas: int) -> None:
    say("a master that comes back with an empty volume and restores its data, reads under load")
    cluster = system.cluster
    keys, victim = _empty_the_master(system, load, replicas)

    def is_another() -> tuple[bool, str]:
        names = [pod["metadata"]["name"] for pod in cluster.pods(MASTER)]
        return victim not in names and bool(names), ", ".join(names) or "none"

    system.wait("a pod in the place of the master", is_another)
    cluster.wait_for_rollout("redis-master", system.limit)
    words = cluster.run("logs", system.master, "--container", "redis")
    for line in words.splitlines():
        if line.startswith("redis-replica-init: "):
            say(f"    {line}")
    system.check("reseed: the data is restored" in words, "its log says that the data is restored", words)
    _go_on(system, load, replicas, keys)


def master_is_held(system: System, load: Load, image: dict[str, str], replicas: int) -> None:
    say("a master with REDIS_ON_EMPTY=hold that comes back with an empty volume, reads under load")
    cluster = system.cluster
    load.pause_writes()
    cluster.run("set", "env", "deployment/redis-master", "REDIS_ON_EMPTY=hold")
    cluster.wait_for_rollout("redis-master", system.limit)
    keys, victim = _empty_the_master(system, load, replicas)

    def is_held() -> tuple[bool, str]:
        codes = [
            state.get("terminated", {}).get("exitCode") for pod in cluster.pods(MASTER)
            if pod["metadata"]["name"] != victim for status in statuses(pod)
            for state in (status.get("state", {}), status.get("lastState", {}))]
        codes = [code for code in codes if code is not None]
        return HELD in codes, f"ended with {', '.join(map(str, codes))}" if codes else "not started"

    system.wait(f"a master that is blocked with exit code {HELD}", is_held)
    words = cluster.run("logs", system.master, "--container", "redis", "--tail", "20")
    for line in words.strip().splitlines()[-4:]:
        say(f"    {line}")
    system.check(f" {keys} keys" in words, "its log says how many keys the replicas have", words)
    for pod in system.addresses(REPLICA):
        held = cluster.redis(pod, "dbsize")
        system.check(held == keys, f"{pod} keeps its {keys} keys", held)
    reads = load.phase.count("read")
    system.check(reads["stale"] > 0, "the reads are marked stale meanwhile", dict(reads))
    restore_from_replica(system, image)
    _go_on(system, load, replicas, keys)


def _empty_the_master(system: System, load: Load, replicas: int) -> tuple[str, str]:
    """How many keys it had, and its pod's name."""
    # What is written between the replicas' last observation and the end would be lost with the volume: nothing is.
    load.pause_writes()
    system.wait_until_listed(replicas)
    keys = system.cluster.redis(system.master, "dbsize")
    victim = system.master
    load.begin("an empty master")
    system.cluster.run("exec", victim, "--container", "redis", "--", "sh", "-ec", "rm -rf /data/*")
    system.cluster.delete_pod(victim)
    return keys, victim


def _go_on(system: System, load: Load, replicas: int, keys: str) -> None:
    system.wait_until_listed(replicas)
    system.wait_until_found(replicas)
    system.wait_for_sidecars()
    reads = load.phase.count("read")
    system.check(
        sum(reads.values()) == reads["ok"] + reads["stale"] > 0, "every plain read is answered meanwhile", dict(reads))
    restored = system.cluster.redis(system.master, "dbsize")
    system.check(restored == keys, f"the master has {keys} keys again", restored)
    load.resume_writes()
    before = len(load.writes)
    system.wait("writes that are acknowledged again", lambda: (
        len(load.writes) > before + 20, f"{len(load.writes) - before} since"))


def restore_from_replica(system: System, image: dict[str, str]) -> None:
    say("the master's volume is filled from a replica")
    cluster = system.cluster
    source = sorted(system.addresses(REPLICA))[0]
    # Not by SYNC: a replica that has lost its master refuses that.
    saved = cluster.redis(source, "save")
    if saved != "OK":
        raise EndToEndError(f"{source} could not save: {saved}")
    cluster.scale("redis-master", 0)
    system.wait("the end of the blocked master", lambda: (
        not (pods := cluster.get("pods", "--selector", MASTER)["items"]), f"{len(pods)} pods"))
    cluster.apply([_restorer(image)])

    def is_running() -> tuple[bool, str]:
        pod = cluster.get("pod", "redis-restore")
        phase = pod["status"].get("phase", "")
        return phase == "Running" and all(status["ready"] for status in statuses(pod)), phase

    system.wait("a pod that has the volume", is_running)
    cluster.copy(
        ["exec", source, "--container", "redis", "--", "cat", "/data/dump.rdb"],
        ["exec", "--stdin", "redis-restore", "--", "sh", "-ec", RESTORE])
    cluster.run("delete", "pod", "redis-restore", limit=system.limit)
    cluster.scale("redis-master", 1)
    cluster.wait_for_rollout("redis-master", system.limit)


def _restorer(image: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "redis-restore"},
        "spec": {
            "restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True, "runAsUser": 999, "runAsGroup": 999, "fsGroup": 999,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": "restore", **image, "command": ["sleep", "3600"],
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            }],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "redis-master-data"}}],
        },
    }
