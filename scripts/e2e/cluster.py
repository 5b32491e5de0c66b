"""The cluster, through kubectl: objects as JSON, commands in pods, and ports of pods on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from progress import EndToEndError, Usage, wait

KUBECTL = os.environ.get("KUBECTL", "kubectl")


class Cluster:
    """The cluster that kubectl points at, in one namespace of it."""

    def __init__(self, namespace: str, context: str | None = None) -> None:
        self.namespace = namespace
        self._kubectl = [KUBECTL] + (["--context", context] if context else [])

    def command(self, *arguments: str) -> list[str]:
        return [*self._kubectl, "--namespace", self.namespace, *arguments]

    def run(self, *arguments: str, given: str = "", limit: float = 60) -> str:
        """What kubectl prints; its errors are ours."""
        try:
            done = subprocess.run(
                self.command(*arguments), input=given, capture_output=True, text=True, errors="replace", timeout=limit,
                check=False)
        except FileNotFoundError as error:
            raise Usage(f"there is no {KUBECTL} on the PATH: install kubectl, or name it in KUBECTL") from error
        except subprocess.TimeoutExpired as error:
            raise EndToEndError(f"kubectl {' '.join(arguments)} did not end within {limit:.0f} s") from error
        if done.returncode != 0:
            words = done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}"
            raise EndToEndError(f"kubectl {' '.join(arguments)}: {words}")
        return done.stdout

    def copy(self, source: list[str], target: list[str], limit: float = 120) -> None:
        """Has the one command of kubectl read what the other one prints, byte for byte."""
        with tempfile.TemporaryFile() as held:
            for arguments, given, printed in ((source, subprocess.DEVNULL, held), (target, held, subprocess.DEVNULL)):
                held.seek(0)
                done = subprocess.run(
                    self.command(*arguments), stdin=given, stdout=printed, stderr=subprocess.PIPE, timeout=limit,
                    check=False)
                if done.returncode != 0:
                    words = done.stderr.decode(errors="replace").strip()
                    raise EndToEndError(f"kubectl {' '.join(arguments)}: {words}")

    def get(self, *arguments: str) -> Any:
        return json.loads(self.run("get", *arguments, "--output", "json"))

    def apply(self, objects: list[dict[str, Any]]) -> str:
        return self.run("apply", "--filename", "-", given=as_list(objects))

    def delete_pod(self, name: str) -> None:
        """Asks for it, as an eviction or a drain does, and does not wait."""
        self.run("delete", "pod", name, "--wait=false")

    def scale(self, deployment: str, replicas: int) -> None:
        self.run("scale", f"deployment/{deployment}", f"--replicas={replicas}")

    def pods(self, selector: str) -> list[dict[str, Any]]:
        """The pods that are not on their way out."""
        items = self.get("pods", "--selector", selector)["items"]
        return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]

    def wait_for_rollout(self, deployment: str, limit: float) -> float:
        """As `kubectl rollout status`, and tells why a pod is not ready."""

        def look() -> tuple[bool, str]:
            item = self.get("deployment", deployment)
            status, wanted = item.get("status", {}), item["spec"].get("replicas", 1)
            ready, current = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
            words = f"{ready} of {wanted} ready"
            is_seen = status.get("observedGeneration", 0) >= item["metadata"]["generation"]
            if is_seen and ready == current == wanted == status.get("replicas", 0):
                return status.get("availableReplicas", 0) == wanted, words
            labels = item["spec"]["selector"]["matchLabels"]
            pods = self.pods(",".join(f"{name}={value}" for name, value in labels.items()))
            if missing := {image for pod in pods for image in images_missing(pod)}:
                raise Usage(f"the cluster has no image {', '.join(sorted(missing))}: load it into the nodes, or name "
                            "another one (--image-prefix, --image-tag, --image)")
            found = {trouble for pod in pods for trouble in [*troubles(pod), *self.claims_waiting(pod)]}
            return False, ", ".join([words, *sorted(found)])

        return wait(f"deployment/{deployment}", limit, look)

    def claims_waiting(self, pod: dict[str, Any]) -> list[str]:
        """The pod's claims that have no volume yet, and what the cluster says of each."""
        found = []
        for volume in pod["spec"].get("volumes", []):
            if name := volume.get("persistentVolumeClaim", {}).get("claimName"):
                claim = self.run("get", "persistentvolumeclaim", name, "--ignore-not-found", "--output", "json")
                phase = json.loads(claim).get("status", {}).get("phase") if claim else "not there"
                if phase != "Bound":
                    found.append(f"claim {name} is {phase}{self._last_event_of_claim(name)}")
        return found

    def _last_event_of_claim(self, name: str) -> str:
        selector = f"involvedObject.kind=PersistentVolumeClaim,involvedObject.name={name}"
        events = self.get("events", "--field-selector", selector)["items"]
        return f" ({events[-1]['message'].strip()})" if events else ""

    def redis(self, pod: str, *command: str) -> str:
        """What a server answers, as redis-cli prints it."""
        return self.run("exec", pod, "--container", "redis", "--", "redis-cli", *command).strip()

    def information(self, pod: str, section: str = "replication") -> dict[str, str]:
        lines = self.redis(pod, "info", section).splitlines()
        return dict(line.strip().split(":", 1) for line in lines if ":" in line)

    @contextlib.contextmanager
    def forward(self, target: str, port: int) -> Iterator[int]:
        """A port of loopback that leads to one of a pod, as long as the block runs."""
        forward = Forward(self, target, port)
        try:
            yield forward.port
        finally:
            forward.stop()


class Forward:
    """`kubectl port-forward` in a process group of its own, so that Ctrl-C reaches the run alone."""

    def __init__(self, cluster: Cluster, target: str, port: int, limit: float = 20) -> None:
        self._output = tempfile.NamedTemporaryFile(prefix="e2e-forward-", suffix=".log")
        self.target = target
        self._process = subprocess.Popen(
            cluster.command("port-forward", target, f":{port}", "--address", "127.0.0.1"), stdin=subprocess.DEVNULL,
            stdout=self._output, stderr=self._output, start_new_session=True)
        started = time.monotonic()
        while not (found := self._forwarding()):
            if self._process.poll() is not None or time.monotonic() - started > limit:
                words = self._words()
                self.stop()
                raise EndToEndError(f"kubectl port-forward {target}: {words or f'nothing within {limit:.0f} s'}")
            time.sleep(0.02)
        self.port = found

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def _words(self) -> str:
        return Path(self._output.name).read_text(errors="replace").strip()

    def _forwarding(self) -> int | None:
        for line in self._words().splitlines():
            if line.startswith("Forwarding from 127.0.0.1:"):
                return int(line.removeprefix("Forwarding from 127.0.0.1:").split()[0])
        return None

    def stop(self) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        with contextlib.suppress(OSError):
            self._output.close()


def as_list(objects: list[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}, indent=2) + "\n"


def is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def statuses(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """Of all containers, sidecars first."""
    status = pod.get("status", {})
    return status.get("initContainerStatuses", []) + status.get("containerStatuses", [])


def troubles(pod: dict[str, Any]) -> list[str]:
    """Why a pod is not ready yet, in Kubernetes' words."""
    found = []
    for condition in pod.get("status", {}).get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            found.append(f"not scheduled: {condition.get('message', condition.get('reason', ''))}")
    for status in statuses(pod):
        state = status.get("state", {})
        if reason := state.get("waiting", {}).get("reason"):
            found.append(f"{status['name']}: {reason}")
        elif ended := state.get("terminated"):
            found.append(f"{status['name']}: ended with {ended.get('exitCode')}")
    return found


def images_missing(pod: dict[str, Any]) -> list[str]:
    """Images that will not come; one whose pull has failed once may."""
    reasons = ("ErrImageNeverPull", "ImagePullBackOff", "InvalidImageName")
    return [
        status["image"] for status in statuses(pod)
        if status.get("state", {}).get("waiting", {}).get("reason") in reasons]
