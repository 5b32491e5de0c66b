"""The apps over HTTP: through the NodePort where this machine reaches it, else through a forwarded port of each pod."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cluster import Cluster, Forward, is_ready
from progress import EndToEndError, say

# For one request. A read that may wait for a replica (Replication-Wait) has a second of it.
PATIENCE = 10.0
Address = tuple[str, int]


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise EndToEndError(f"no JSON but {self.text[:200]!r}") from error


class Connection:
    """Keep-alive, as a client of a Service has it: one server until it goes, then another one."""

    def __init__(self, address: Address, limit: float = PATIENCE) -> None:
        self._connection = http.client.HTTPConnection(*address, timeout=limit)
        self.is_used = False

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}) -> Answer:
        """Raises OSError or HTTPException where there is no answer."""
        if self._connection.sock is None:
            self._connection.connect()
            # A head and a body in two packets otherwise wait for each other.
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection.request(method, path, body=body, headers=dict(headers))
        response = self._connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        self.is_used = True
        return answer

    def close(self) -> None:
        self._connection.close()


def ask(
    address: Address, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {},
    limit: float = PATIENCE,
) -> Answer:
    """Over a connection of its own."""
    connection = Connection(address, limit)
    try:
        return connection.ask(method, path, body, headers)
    except (OSError, http.client.HTTPException) as error:
        words = str(error) or type(error).__name__
        raise EndToEndError(f"{method} http://{address[0]}:{address[1]}{path}: {words}") from error
    finally:
        connection.close()


class Access:
    """Where a Deployment's pods are reached over HTTP."""

    def __init__(self, cluster: Cluster, selector: str, service: str, port: int, hosts: list[str] | None) -> None:
        """`hosts`: nodes to try before the addresses that the cluster tells; without a list no NodePort is tried."""
        self._cluster, self._selector, self._port = cluster, selector, port
        self._forwards: dict[str, Forward] = {}
        self._node_port = self._find_node_port(service, hosts)
        if self._node_port:
            say(f"  {service} is reached through its NodePort, http://{self._node_port[0]}:{self._node_port[1]}")
        else:
            say(f"  {service} is reached through forwarded ports of its pods")
        self.refresh()

    @property
    def is_balanced(self) -> bool:
        """One address leads to all pods."""
        return self._node_port is not None

    def _find_node_port(self, service: str, hosts: list[str] | None) -> Address | None:
        if hosts is None:
            return None
        port = self._cluster.get("service", service)["spec"]["ports"][0].get("nodePort")
        if not port:
            return None
        nodes = self._cluster.get("nodes")["items"]
        known = [
            address["address"] for node in nodes for address in node["status"]["addresses"]
            if address["type"] == "InternalIP"
        ]
        for host in [*hosts, *known]:
            # An answer, and the right one: some networks take any connection, and lead it elsewhere.
            try:
                found = ask((host, port), "GET", "/", limit=2)
            except EndToEndError:
                continue
            if found.status == 200 and found.text.startswith("You've hit <"):
                return host, port
        return None

    def refresh(self) -> None:
        """Forwards ports to those pods that are ready now, and drops the ports of those that are not there any more."""
        if self._node_port:
            return
        names = {pod["metadata"]["name"] for pod in self._cluster.pods(self._selector) if is_ready(pod)}
        for name in list(self._forwards):
            if name not in names or not self._forwards[name].is_alive:
                self._forwards.pop(name).stop()
        for name in sorted(names - self._forwards.keys()):
            self._forwards[name] = Forward(self._cluster, f"pod/{name}", self._port)

    @property
    def addresses(self) -> list[Address]:
        if self._node_port:
            return [self._node_port]
        return [("127.0.0.1", forward.port) for forward in list(self._forwards.values())]

    def address(self, turn: int) -> Address:
        """Another one for each turn, where there are several."""
        found = self.addresses
        if not found:
            raise EndToEndError(f"no pod of {self._selector} is ready")
        return found[turn % len(found)]

    def close(self) -> None:
        for forward in self._forwards.values():
            forward.stop()
        self._forwards.clear()
