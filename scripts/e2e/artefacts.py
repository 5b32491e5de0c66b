"""What is kept of a run that failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster import as_list, statuses
from load import Load
from progress import EndToEndError, say
from system import APP, REPLICA, System


def keep(folder: Path, system: System, objects: list[dict[str, Any]], load: Load | None, failed: list[str]) -> None:
    """Writes all that can be collected; the file of anything else says why it cannot."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = system.cluster

    def write(name: str, content: Callable[[], str]) -> None:
        try:
            text = content()
        except EndToEndError as error:
            text = f"could not be had: {error}\n"
        (folder / name).write_text(text)

    write("failed.txt", lambda: "".join(f"{line}\n" for line in failed))
    write("manifests.json", lambda: as_list(objects))
    write("objects.txt", lambda: cluster.run("get", "all,pvc,endpointslices", "--output", "wide"))
    write("events.txt", lambda: cluster.run("get", "events", "--sort-by", ".lastTimestamp", "--output", "wide"))
    write("describe.txt", lambda: cluster.run("describe", "pods,deployments,services,pvc"))
    write("nodes.txt", lambda: cluster.run("describe", "nodes"))
    try:
        pods = cluster.get("pods")["items"]
    except EndToEndError:
        pods = []
    for pod in pods:
        name = pod["metadata"]["name"]
        for status in statuses(pod):
            container = status["name"]
            logs = ["logs", name, "--container", container, "--timestamps", "--tail", "20000"]
            write(f"{name}.{container}.log", lambda logs=logs: cluster.run(*logs))
            if status.get("restartCount"):
                write(f"{name}.{container}.previous.log", lambda logs=logs: cluster.run(*logs, "--previous"))
            if container == "redis":
                write(f"{name}.info.txt", lambda name=name: cluster.redis(name, "info", "everything") + "\n")
            if container == "sidecar":
                write(f"{name}.status.json", lambda name=name: system.ask_sidecar(name, "/status")[0].text + "\n")
    write("readyz.txt", lambda: "".join(
        f"{system.ask_app(turn, 'GET', '/readyz').text}\n{system.ask_app(turn, 'GET', '/v1/topology').text}\n"
        for turn in range(len(system.access.addresses))))
    write("pods.txt", lambda: json.dumps({"apps": system.addresses(APP), "replicas": system.addresses(REPLICA)}) + "\n")
    if load:
        write("violations.txt", lambda: "".join(f"{line}\n" for line in load.violations))
        write("failures.txt", lambda: "".join(f"{line}\n" for line in load.failures))
        write("writes.jsonl", lambda: "".join(
            json.dumps([write.key, write.value, write.token, write.replicas]) + "\n" for write in load.writes))
    say(f"what is known of the failure is in {folder}")
