"""Checks k8s/ and overlays/ and prints one line per check, then every problem; exit code 1 if there is any.

A check is a function from the manifests to problems, each one sentence; they lie in manifests/. Each is asked of the
base and of every overlay as kustomize renders it. At the end every rule is shown manifests that break it, so that a
rule which no longer notices anything fails the run too.
"""

import itertools
import subprocess
import sys

import yaml

from manifests import broken, nodes, objects, operations, places, pods
from manifests.model import K8S, OVERLAYS, ROOT, Manifests, kustomize, load, render

ALL_IN_ONE = K8S / "all-in-one" / "redis-replica-kit.yaml"
CHECKS = [*objects.CHECKS, *pods.CHECKS, *operations.CHECKS, *nodes.CHECKS]
BROKEN = {
    places.BASE.name: broken.BASE, places.KIND.name: broken.KIND, places.PRODUCTION.name: broken.PRODUCTION,
    places.HA.name: broken.HA,
}


# About the files -----------------------------------------------------------------------------------------------------


def the_kustomization_lists_every_file(base):
    """Only `resources`: anything more would change objects, and `apply -f` and `apply -k` would differ."""
    (kustomization,) = load(K8S / "Kustomization")
    if kustomization.keys() != {"apiVersion", "kind", "resources"}:
        yield f"Kustomization has {sorted(kustomization)}, expected apiVersion, kind and resources alone"
    if sorted(kustomization["resources"]) != sorted(base.files):
        yield f"Kustomization lists {sorted(kustomization['resources'])}, the folder has {sorted(base.files)}"
    for path in sorted(K8S.iterdir()):
        if path.suffix in (".yml", ".json") or path.name.lower().startswith("kustomization."):
            yield f"{path.name}: `kubectl apply -f k8s/` would send it to the API server"


def all_in_one_is_the_same(base):
    printed = subprocess.run(
        [ROOT / "scripts" / "generate-all-in-one", "--print"], check=True, capture_output=True, text=True
    ).stdout
    if not ALL_IN_ONE.exists() or ALL_IN_ONE.read_text() != printed:
        yield f"{ALL_IN_ONE.relative_to(ROOT)} is out of date: run scripts/generate-all-in-one"
        return
    (kustomization,) = load(K8S / "Kustomization")
    expected = list(itertools.chain(*(base.files[file] for file in kustomization["resources"])))
    if load(ALL_IN_ONE) != expected:
        yield f"{ALL_IN_ONE.relative_to(ROOT)} holds other objects than the files in k8s/"


def every_overlay_is_checked(_):
    found = {path.parent.name for path in OVERLAYS.glob("*/kustomization.yaml")}
    for name in sorted(found ^ places.OVERLAYS.keys()):
        yield f"overlays/{name} is not both there and written down in scripts/manifests/places.py"


def the_volume_made_by_hand_fits_its_claim(base):
    (volume,) = load(OVERLAYS / "kind" / "hostpath-volume.yaml")
    (claim,) = base.all("PersistentVolumeClaim")
    yield from objects.objects_match_the_schemas(Manifests(places.KIND, {"hostpath-volume.yaml": [volume]}))
    if volume["spec"]["accessModes"] != claim["spec"]["accessModes"]:
        yield "hostpath-volume.yaml has not the access modes of the claim"
    if volume["spec"]["capacity"] != claim["spec"]["resources"]["requests"]:
        yield "hostpath-volume.yaml has not the size of the claim"
    if volume["spec"]["storageClassName"] != places.KIND.storage_class:
        yield "hostpath-volume.yaml has not the class of the claim"


def the_copied_volume_fits_the_nodes(_):
    """The claim has to be the one that the StatefulSet would make, and the pod has to get past restricted security."""
    claim, pod = load(OVERLAYS / "ha" / "copy-volume.yaml")
    (nodes_,) = [item for item in load(OVERLAYS / "ha" / "redis-nodes.yaml") if item["kind"] == "StatefulSet"]
    (template,) = nodes_["spec"]["volumeClaimTemplates"]
    yield from objects.objects_match_the_schemas(Manifests(places.HA, {"copy-volume.yaml": [claim, pod]}))
    if claim["metadata"]["name"] != f"{template['metadata']['name']}-{nodes_['metadata']['name']}-0":
        yield f"copy-volume.yaml makes {claim['metadata']['name']}, which is not the claim of the first node"
    if claim["spec"] != template["spec"] or claim["metadata"]["labels"] != template["metadata"]["labels"]:
        yield "the claim in copy-volume.yaml is not the one of the StatefulSet"
    mine = nodes_["spec"]["template"]["spec"]
    if pod["spec"]["securityContext"] != mine["securityContext"]:
        yield "copy-volume.yaml has not the securityContext of the nodes"
    if pod["spec"]["containers"][0]["image"] != mine["containers"][0]["image"]:
        yield "copy-volume.yaml has not the image of the nodes"


def production_wants_passwords_of_its_own(_):
    """Without them, it must not build: there is nothing in the repository that could be taken for one."""
    tracked = subprocess.run(
        ["git", "ls-files", "overlays"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for path in tracked.split():
        if "/secrets/" in path:
            yield f"{path} is in the repository"
    production = OVERLAYS / "production"
    if not (production / "secrets").exists() and kustomize(production, check=False).returncode == 0:
        yield "overlays/production builds without passwords"


def production_keeps_the_lines_of_the_image(_):
    def lines(path):
        return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]

    ours = lines(OVERLAYS / "production" / "redis.conf")
    for line in lines(ROOT / "docker" / "redis-slave" / "redis.conf"):
        if line not in ours:
            yield f"overlays/production/redis.conf lacks the image's line '{line}'"


FILE_CHECKS = [
    the_kustomization_lists_every_file,
    all_in_one_is_the_same,
    every_overlay_is_checked,
    the_volume_made_by_hand_fits_its_claim,
    the_copied_volume_fits_the_nodes,
    production_wants_passwords_of_its_own,
    production_keeps_the_lines_of_the_image,
]


# All of them ---------------------------------------------------------------------------------------------------------


def every_rule_notices(all_manifests):
    for manifests in all_manifests:
        for check, target, path, value in BROKEN[manifests.place.name]:
            if not list(check(broken.broken(manifests, target, path, value))):
                yield f"{manifests.place.name}: “{sentence(check)}” does not notice {target} with {path} = {value}"
    noticing = {case[0] for case in itertools.chain(*BROKEN.values())}
    for check in CHECKS:
        if check not in noticing:
            yield f"“{sentence(check)}” has no manifest that breaks it"


def sentence(check):
    return check.__name__.replace("_", " ")


def main():
    base = Manifests(places.BASE, {path.name: load(path) for path in sorted(K8S.glob("*.yaml"))})
    rendered = render(places.OVERLAYS)
    overlays = [Manifests(place, {"rendered": rendered[name]}) for name, place in places.OVERLAYS.items()]
    problems = []

    def report(words, found):
        print(f"{'FAIL ' if found else 'ok   '} {words}")
        problems.extend(found)

    for check in CHECKS:
        found = [f"{each.place.name}: {problem}" for each in [base, *overlays] for problem in check(each)]
        report(sentence(check), found)
    for check in FILE_CHECKS:
        report(sentence(check), list(check(base)))
    report(sentence(every_rule_notices), list(every_rule_notices([base, *overlays])))
    if problems:
        print(f"\n{len(problems)} problems:", *problems, sep="\n  ", file=sys.stderr)
        return 1
    count = sum(len(each.all()) for each in [base, *overlays])
    cases = sum(map(len, BROKEN.values()))
    print(f"{count} objects, Kubernetes {' and '.join(objects.VERSIONS)}, {cases} broken ones noticed")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, subprocess.CalledProcessError, yaml.YAMLError) as error:
        print(f"check-manifests: {error}", file=sys.stderr)
        sys.exit(1)
