"""Claims on volumes: which are not bound yet, why, and whether anything in the cluster will ever give them a volume."""

from __future__ import annotations

from typing import Any

from cluster import Cluster
from progress import EndToEndError, Usage

CURE = ("name a class of this cluster with --storage-class (kubectl get storageclass), install a provisioner, or let "
        "the run make the volume by itself with --host-path-volume")


def require_volumes(cluster: Cluster, objects: list[dict[str, Any]]) -> None:
    """Ends the run where a claim would wait for ever: neither a class that makes volumes nor a volume that is free."""
    for item in objects:
        if item["kind"] == "PersistentVolumeClaim":
            claim = cluster.get("persistentvolumeclaim", item["metadata"]["name"])
            if words := hopeless(claim, _items(cluster, "storageclasses"), _items(cluster, "persistentvolumes")):
                raise Usage(f"{words}; {CURE}")


def hopeless(
    claim: dict[str, Any], classes: list[dict[str, Any]] | None, volumes: list[dict[str, Any]] | None
) -> str | None:
    """Why the claim will never be bound; nothing where it is, or may be, or where that cannot be known (`None`)."""
    name, wanted = claim["metadata"]["name"], claim["spec"].get("storageClassName") or ""
    if claim.get("status", {}).get("phase") == "Bound" or classes is None or volumes is None:
        return None
    if wanted and any(item["metadata"]["name"] == wanted for item in classes):
        return None
    if any(_may_be_bound(volume, claim, wanted) for volume in volumes):
        return None
    reason = (f"there is no StorageClass {wanted}" if wanted
              else "it names no StorageClass, and the cluster has no default one")
    known = ", ".join(sorted(item["metadata"]["name"] for item in classes)) or "none"
    return f"the claim {name} stays Pending: {reason} (the cluster has: {known}), and no PersistentVolume fits it"


def _may_be_bound(volume: dict[str, Any], claim: dict[str, Any], wanted: str) -> bool:
    spec, reference = volume["spec"], volume["spec"].get("claimRef")
    if reference and (reference.get("namespace"), reference.get("name")) != (
            claim["metadata"].get("namespace"), claim["metadata"]["name"]):
        return False
    # A volume that belonged to a claim which is gone still names that one's uid.
    if reference and reference.get("uid") not in (None, claim["metadata"].get("uid")):
        return False
    return (spec.get("storageClassName") or "") == wanted and set(claim["spec"]["accessModes"]) <= set(
        spec["accessModes"])


def _items(cluster: Cluster, kind: str) -> list[dict[str, Any]] | None:
    try:
        return cluster.get(kind)["items"]
    except EndToEndError:
        # They belong to no namespace: not everyone may list them.
        return None
