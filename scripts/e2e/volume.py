"""A volume created manually, for clusters without a provisioner."""

from __future__ import annotations

from typing import Any

import manifests
from cluster import Cluster, images_missing
from progress import EndToEndError, Usage, say, wait


class HostVolume:
    """A folder of one node, and the PersistentVolume that names it."""

    def __init__(self, cluster: Cluster, context: str | None, folder: str, image: dict[str, str], limit: float) -> None:
        self.name = cluster.namespace
        # Its pods are root for a moment, which the namespace of the run refuses.
        self._helper = Cluster(f"{cluster.namespace}-volume", context)
        self._path = f"{folder.rstrip('/')}/{self.name}"
        self._image, self._limit = image, limit

    def make(self, objects: list[dict[str, Any]]) -> None:
        say(f"a volume in {self._path} of a node")
        claims = [item for item in objects if item["kind"] == "PersistentVolumeClaim"]
        if len(claims) != 1:
            raise Usage(f"the manifests have {len(claims)} claims; --host-path-volume makes one volume only")
        # Without a class named, a default class would be filled in, and make a volume of its own.
        claims[0]["spec"].setdefault("storageClassName", "")
        self._helper.apply([manifests.namespace(self._helper.namespace, "privileged")])
        self._wait_for_account()
        node = self._run("make", 'mkdir -p "$FOLDER" && chown 999:999 "$FOLDER" && chmod 700 "$FOLDER"')
        self._helper.apply([manifests.volume(self.name, self._path, node, claims[0])])

    def remove(self) -> None:
        self._helper.run("delete", "persistentvolume", self.name, "--ignore-not-found", "--wait=false")
        try:
            self._run("remove", 'rm -rf "$FOLDER"')
        finally:
            self._helper.run(
                "delete", "namespace", self._helper.namespace, "--ignore-not-found", limit=self._limit)

    def _wait_for_account(self) -> None:
        def look() -> tuple[bool, str]:
            self._helper.get("serviceaccount", "default")
            return True, ""

        wait("the service account of the namespace", 30, look)

    def _run(self, name: str, command: str) -> str:
        """Runs it on the node where the folder is, or will be; returns the node's name."""
        self._helper.apply([manifests.folder_pod(name, self._image, self._path, command)])
        found: dict[str, Any] = {}

        def look() -> tuple[bool, str]:
            found.update(self._helper.get("pod", name))
            phase = found["status"].get("phase", "")
            if phase == "Failed" or images_missing(found):
                raise Usage(f"the folder {self._path} could not be prepared: pod {name} is {phase}, "
                            f"{self._words(name) or found['status'].get('containerStatuses')}")
            return phase == "Succeeded", phase

        wait(f"the pod that has to {name} the folder", self._limit, look)
        return found["spec"]["nodeName"]

    def _words(self, name: str) -> str:
        try:
            return self._helper.run("logs", name).strip()
        except EndToEndError:
            return ""
