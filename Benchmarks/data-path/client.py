"""A few lines of HTTP over a socket, for what wrk cannot see."""

from __future__ import annotations

import re
import socket

from processes import HOST, BenchError


class HTTPConnection:
    """A keep-alive connection that reads whole answers, in the order they arrive."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=10)
        self.buffer = b""

    def __enter__(self) -> HTTPConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, requests: bytes) -> None:
        self.socket.sendall(requests)

    def receive(self) -> tuple[int, bytes]:
        """The status and body of the next answer, which must state its length."""
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self._read()
        head = self.buffer[:end].decode("latin-1")
        length = re.search(r"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        if not length:
            raise BenchError(f"an answer without a length: {head[:200]!r}")
        total = end + 4 + int(length[1])
        while len(self.buffer) < total:
            self._read()
        body, self.buffer = self.buffer[end + 4:total], self.buffer[total:]
        return int(head.split()[1]), body

    def _read(self) -> None:
        if not (data := self.socket.recv(65536)):
            raise BenchError("the server closed the connection")
        self.buffer += data


def get(port: int, target: str) -> tuple[int, bytes]:
    with HTTPConnection(port) as connection:
        connection.send(f"GET {target} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        return connection.receive()
