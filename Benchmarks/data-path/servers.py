"""What is measured: two Redis servers for the whole run, and a fresh process for each measurement of a competitor."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from client import get
from processes import HOST, BenchError, Child, free_port, wait_until

KEY = "key_1"
VALUE = ("0123456789" * 10).encode()
# KVApp's two ways to read: the value alone, and the answer that shows which server it came from.
PLAIN_PATH = "/v1/keys/{key}"
GET_PATH = "/get?key={key}"
WEBDIS_PATH = "/GET/{key}.txt"


def redis_command(port: int, *arguments: str | bytes) -> bytes:
    """Sends one command on a connection of its own; an error reply is an error."""
    parts = [part.encode() if isinstance(part, str) else part for part in arguments]
    command = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
    with socket.create_connection((HOST, port), timeout=5) as connection:
        connection.sendall(command)
        with connection.makefile("rb") as replies:
            line = replies.readline().rstrip(b"\r\n")
            if line[:1] == b"$" and line != b"$-1":
                return replies.read(int(line[1:]))
            if line[:1] == b"-":
                raise BenchError(f"redis: {line[1:].decode()}")
            return line[1:]


class Redis:
    """A master and its replica, without persistence."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.children: list[Child] = []
        self.master = 0
        self.replica = 0

    def start(self) -> None:
        self.master = self._start("master")
        self.replica = self._start("replica", "--replicaof", HOST, str(self.master))

    def _start(self, name: str, *options: str) -> int:
        port = free_port()
        folder = self.folder / name
        folder.mkdir()
        child = Child(
            f"redis {name}",
            ["redis-server", "--port", str(port), "--bind", HOST, "--save", "", "--appendonly", "no",
             "--repl-diskless-sync-delay", "0", "--dir", str(folder), *options],
            self.folder / f"{name}.log")
        self.children.append(child)

        def answers() -> bool:
            with contextlib.suppress(OSError, BenchError):
                return redis_command(port, "PING") == b"PONG"
            return False

        wait_until(f"a first answer of the redis {name}", answers, child.check)
        return port

    def fill(self, values: dict[str, bytes]) -> None:
        for key, value in values.items():
            redis_command(self.master, "SET", key, value)
        for key, value in values.items():
            wait_until(
                f"replication of {key}",
                lambda key=key, value=value: redis_command(self.replica, "GET", key) == value)

    def check(self) -> None:
        for child in self.children:
            child.check()

    def cpu_seconds(self) -> float:
        return sum(child.cpu_seconds() for child in self.children)

    def stop(self) -> None:
        for child in reversed(self.children):
            child.stop()


@dataclass(frozen=True)
class Competitor:
    """One line of the tables: a server, and what is asked of it."""

    label: str
    kind: str  # floor, webdis, plain, get, set
    path: str  # with {key}
    binary: Path
    build: str = ""  # which KVApp

    def target(self, key: str = KEY) -> str:
        return self.path.format(key=key)

    def request(self, key: str = KEY, port: int | None = None) -> bytes:
        """With the port in Host, as clients send it (RFC 9110 §7.2); without, where it does not matter."""
        host = HOST if port is None else f"{HOST}:{port}"
        return f"GET {self.target(key)} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()

    @property
    def reads(self) -> bool:
        return self.kind != "set"


@dataclass
class Laboratory:
    """Where the servers run: the two Redis and the runner's temporary folder."""

    redis: Redis
    folder: Path
    started: int = 0

    def start(self, competitor: Competitor, wrapper: tuple[str, ...] = ()) -> tuple[Child, int]:
        """Starts the competitor's server, which answers when this returns. The caller stops it."""
        port = free_port()
        self.started += 1
        command, environment = self._command(competitor, port)
        log = self.folder / f"{self.started}-{competitor.kind}.log"
        child = Child(competitor.label, [*wrapper, *command], log, environment)
        try:
            wait_until(f"a first answer of {competitor.label}", lambda: _is_ready(competitor, port), child.check)
        except BaseException:
            child.stop()
            raise
        return child, port

    @contextlib.contextmanager
    def serve(self, competitor: Competitor) -> Iterator[tuple[Child, int]]:
        """Starts the competitor's server and ends it afterwards; inside, it answers."""
        child, port = self.start(competitor)
        try:
            yield child, port
            child.check()
        finally:
            child.stop()

    def _command(self, competitor: Competitor, port: int) -> tuple[list[str], dict[str, str] | None]:
        binary = str(competitor.binary)
        if competitor.kind == "floor":
            return [binary, str(port)], None
        if competitor.kind == "webdis":
            configuration = self.folder / f"{self.started}-webdis.json"
            configuration.write_text(json.dumps({
                "redis_host": HOST, "redis_port": self.redis.replica, "redis_auth": None, "database": 0,
                "http_host": HOST, "http_port": port, "threads": 1, "daemonize": False,
                # 0 is errors alone: a line a request is not what is compared.
                "verbosity": 0, "logfile": str(self.folder / "webdis.log")}))
            return [binary, str(configuration)], None
        return [binary, "--event-loops", "1", "--host", HOST, "--port", str(port)], {
            "POD_IP": HOST,
            "REDIS_MASTER_SERVICE_HOST": HOST,
            "REDIS_MASTER_SERVICE_PORT": str(self.redis.master),
            "REDIS_SLAVE_ENDPOINTS": f"{HOST}:{self.redis.replica}",
        }


def _is_ready(competitor: Competitor, port: int) -> bool:
    with contextlib.suppress(OSError, BenchError):
        if competitor.build:
            # Until the replica is connected the master is asked; that is not what is measured.
            status, body = get(port, GET_PATH.format(key=KEY))
            return status == 200 and b"role:slave" in body
        status, body = get(port, competitor.target())
        return status == 200 and VALUE in body
    return False
