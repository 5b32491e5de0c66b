"""What asks the servers: wrk, batches of different keys, and connections that idle."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from client import HTTPConnection
from processes import HOST, BenchError, Child
from servers import KEY, VALUE, Competitor

SCRIPT = Path(__file__).with_name("wrk.lua")
ORDER_KEYS = [f"order_{number}" for number in range(16)]
ORDER_VALUES = [f"<value {number:02}>".ljust(100, ".").encode() for number in range(16)]
ORDER_REPEATS = 20


def answers_in_order(competitor: Competitor, port: int) -> tuple[int, int]:
    """How many of how many batches of 16 different keys, each sent at once, came back in the order of the requests."""
    in_order = 0
    batch = b"".join(competitor.request(key) for key in ORDER_KEYS)
    for _ in range(ORDER_REPEATS):
        with HTTPConnection(port) as connection:
            connection.send(batch)
            # All are read, also after one out of place: webdis falls silent at times when a client leaves in between.
            bodies = [connection.receive()[1] for _ in ORDER_KEYS]
        in_order += all(value in body for value, body in zip(ORDER_VALUES, bodies))
    return in_order, ORDER_REPEATS


@contextlib.contextmanager
def idle_connections(competitor: Competitor, port: int, count: int) -> Iterator[list[HTTPConnection]]:
    """Connections that made one request each and stay open."""
    connections: list[HTTPConnection] = []
    try:
        for _ in range(count):
            connections.append(HTTPConnection(port))
            connections[-1].send(competitor.request())
            if (status := connections[-1].receive()[0]) != 200:
                raise BenchError(f"{competitor.label} answered {status} to idle connection {len(connections)}")
        yield connections
    finally:
        for connection in connections:
            connection.socket.close()


def count_lost(competitor: Competitor, connections: list[HTTPConnection]) -> int:
    """How many of the idle connections no longer answer."""
    lost = 0
    for connection in connections:
        try:
            connection.send(competitor.request())
            lost += connection.receive()[0] != 200
        except (OSError, BenchError):
            lost += 1
    return lost


@dataclass(frozen=True)
class Load:
    requests: int
    seconds: float
    p50: float | None  # microseconds
    p99: float | None
    errors: dict[str, int]


def wrk(
    competitor: Competitor, port: int, log: Path, *, connections: int, seconds: int, depth: int = 1
) -> Load:
    """Runs wrk to its end. With a depth, each connection sends that many requests at a time."""
    threads = 2 if connections >= 10000 else 1
    command = [
        "wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s" if threads > 1 else "5s",
        "--latency", "-s", str(SCRIPT),
        f"http://{HOST}:{port}{competitor.target() if competitor.reads else competitor.path}", "--", str(depth)]
    if not competitor.reads:
        command += [KEY, VALUE.decode()]
    child = Child("wrk", command, log)
    try:
        code = child.process.wait(timeout=seconds + 90)
    finally:
        child.stop()
    figures = re.search(r"^figures (.*)$", log.read_text(errors="replace"), re.MULTILINE)
    if code or not figures:
        raise BenchError(f"wrk ended with {code}: {child.last_words()}")
    requests, duration, p50, p99, *errors = map(int, figures[1].split())
    if math.isclose(duration, 0):
        raise BenchError(f"wrk measured nothing: {child.last_words()}")
    # wrk corrects its latencies for requests that were not sent while an answer was late, and takes each answer of a
    # batch for one: with pipelining what it says about latency is no use.
    usable = depth == 1 and requests > 0
    return Load(
        requests, duration / 1e6, p50 if usable else None, p99 if usable else None,
        dict(zip(("connect", "read", "write", "status", "timeout"), errors)))
