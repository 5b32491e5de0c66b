"""The system under test: where its parts are, and when it is in step."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from access import Access, Answer, ask
from cluster import Cluster, is_ready, statuses
from progress import EndToEndError, Verdicts, wait

MASTER, REPLICA, APP = "app=redis,role=master", "app=redis,role=slave", "app=key-value-app"
SIDECAR_PORT, APP_PORT = 9121, 8080


class System:
    def __init__(self, cluster: Cluster, verdicts: Verdicts, limit: float, hosts: list[str] | None) -> None:
        self.cluster, self.verdicts, self.limit = cluster, verdicts, limit
        self.hosts = hosts
        self._access: Access | None = None

    @property
    def access(self) -> Access:
        if self._access is None:
            self._access = Access(self.cluster, APP, "key-value-app", APP_PORT, self.hosts)
        return self._access

    def close(self) -> None:
        if self._access:
            self._access.close()

    def check(self, holds: bool, what: str, seen: object = "") -> bool:
        return self.verdicts.check(holds, what, seen)

    def wait(self, what: str, look: Callable[[], tuple[bool, str]]) -> float:
        return wait(what, self.limit, look)

    # Pods --------------------------------------------------------------------------------------------------------

    @property
    def master(self) -> str:
        """The name of the master's pod."""
        names = [pod["metadata"]["name"] for pod in self.cluster.pods(MASTER)]
        if len(names) != 1:
            raise EndToEndError(f"{len(names)} pods of the master")
        return names[0]

    def addresses(self, selector: str) -> dict[str, str]:
        """Name → address of the pods that are ready."""
        return {
            pod["metadata"]["name"]: pod["status"]["podIP"] for pod in self.cluster.pods(selector) if is_ready(pod)
        }

    def has_sidecars(self) -> bool:
        return any(status["name"] == "sidecar" for pod in self.cluster.pods(REPLICA) for status in statuses(pod))

    # Redis -------------------------------------------------------------------------------------------------------

    def listed(self) -> list[str]:
        """The replicas as the master lists them, those alone that are in step."""
        information = self.cluster.information(self.master)
        if information.get("role") != "master":
            raise EndToEndError(f"the master's server says that its role is {information.get('role')}")
        count = int(information.get("connected_slaves", 0))
        lines = [information[f"slave{index}"] for index in range(count)]
        slaves = [dict(part.split("=", 1) for part in line.split(",")) for line in lines]
        return sorted(slave["ip"] for slave in slaves if slave["state"] == "online" and slave["port"] == "6379")

    def wait_for_reply(self, what: str, wanted: str, pod: str, *command: str) -> None:
        def look() -> tuple[bool, str]:
            seen = self.cluster.redis(pod, *command)
            return seen == wanted, seen

        self.wait(what, look)

    def wait_until_listed(self, replicas: int) -> None:
        """Until the master lists exactly the replicas' pods, each by its own address."""

        def look() -> tuple[bool, str]:
            listed, pods = self.listed(), sorted(self.addresses(REPLICA).values())
            return listed == pods and len(pods) == replicas, f"{', '.join(listed) or 'none'}; ready: {', '.join(pods)}"

        self.wait(f"{replicas} replicas in the master's list, by their pods' addresses", look)

    def wait_until_found(self, replicas: int) -> None:
        """Until the app reads from that many replicas; each app finds out for itself."""

        def look() -> tuple[bool, str]:
            addresses = self.access.addresses
            # Several connections where a Service spreads them.
            turns = [addresses[turn % len(addresses)] for turn in range(max(len(addresses), 10))]
            seen = [ask(address, "GET", "/readyz").json for address in turns]
            states = Counter(tuple(server["state"] for server in body["replicas"]) for body in seen)
            words = "; ".join(f"{count} x {', '.join(found) or 'none'}" for found, count in states.items())
            return set(states) == {("up",) * replicas}, words

        self.wait(f"{replicas} replicas that the apps read from", look)

    def wait_for_sidecars(self) -> None:
        """Until each says that its replica is in step with the master."""

        def look() -> tuple[bool, str]:
            states = {pod: self.sidecar_status(pod)["state"] for pod in self.addresses(REPLICA)}
            return bool(states) and set(states.values()) == {"in-step"}, ", ".join(sorted(states.values()))

        if self.has_sidecars():
            self.wait("sidecars that find their replicas in step", look)

    def sidecar_status(self, pod: str) -> Any:
        return self.ask_sidecar(pod, "/status")[0].json

    def ask_sidecar(self, pod: str, *paths: str) -> list[Answer]:
        with self.cluster.forward(f"pod/{pod}", SIDECAR_PORT) as port:
            return [ask(("127.0.0.1", port), "GET", path) for path in paths]

    def wait_until_all_answer(self, access: Access, selector: str, count: int, path: str = "/") -> None:
        """Until each of so many pods has told its name: a Service hears of a ready pod a moment later."""

        def look() -> tuple[bool, str]:
            wanted = {f"You've hit <{name}>" for name in self.addresses(selector)}
            seen = {ask(access.address(turn), "GET", path).text.strip() for turn in range(20 * count)}
            return seen == wanted and len(seen) == count, f"{len(seen & wanted)} of {count} answer"

        self.wait(f"an answer with its name from each of {count} pods", look)

    # The app -----------------------------------------------------------------------------------------------------

    def ask_app(self, turn: int, method: str, path: str, body: Any = None, headers: dict[str, str] = {}) -> Answer:
        """`body` is sent as JSON."""
        address = self.access.address(turn)
        if body is None:
            return ask(address, method, path, headers=headers)
        content = json.dumps(body, separators=(",", ":")).encode()
        return ask(address, method, path, content, {"Content-Type": "application/json", **headers})
