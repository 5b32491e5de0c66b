"""The shapes of load, one measurement of one competitor under one of them, and medians over the rounds."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path

from load import answers_in_order, count_lost, idle_connections, wrk
from servers import Competitor, Laboratory

MANY = 10_000
DEPTH = 16


@dataclass(frozen=True)
class Shape:
    """One kind of load."""

    name: str
    group: str  # what --shapes calls it
    title: str
    connections: int = 64
    depth: int = 1
    idle: int = 0

    def takes(self, competitor: Competitor) -> bool:
        if self.idle:
            return competitor.kind in ("webdis", "plain", "get")
        return competitor.reads if self.depth > 1 else True

    def seconds(self, seconds: int) -> int:
        # Opening 10,000 connections takes a second or two: the load has to last much longer.
        return seconds + 5 if self.connections >= MANY else seconds

    def estimate(self, seconds: int) -> float:
        overhead = 0.7 + (5 if self.connections >= MANY else 0) + (4 if self.idle else 0)
        return self.seconds(seconds) + overhead


SHAPES = [
    Shape("c64", "c64", "64 connections"),
    Shape("c1", "connections", "1 connection", connections=1),
    Shape("c16", "connections", "16 connections", connections=16),
    Shape("c256", "connections", "256 connections", connections=256),
    Shape("c10000", "connections", "10,000 connections", connections=MANY),
    Shape("pipeline", "pipeline", f"64 connections, {DEPTH} requests at a time on each", depth=DEPTH),
    Shape("idle", "idle", f"64 connections beside {MANY:,} idle ones", idle=MANY),
]
GROUPS = list(dict.fromkeys(shape.group for shape in SHAPES))


@dataclass(frozen=True)
class Measurement:
    shape: str
    competitor: str
    round: int
    requests: int
    rate: float  # requests a second
    p50: float | None  # microseconds
    p99: float | None
    server_cpu: float | None  # microseconds a request
    redis_cpu: float | None
    rss: int  # bytes, after the load
    errors: dict[str, int] = field(default_factory=dict)
    in_order: tuple[int, int] | None = None

    @property
    def total_cpu(self) -> float | None:
        return None if self.server_cpu is None or self.redis_cpu is None else self.server_cpu + self.redis_cpu

    @property
    def error_count(self) -> int:
        return sum(self.errors.values())

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def measure(
    laboratory: Laboratory, shape: Shape, competitor: Competitor, number: int, seconds: int, log: Path
) -> Measurement:
    """Starts the competitor, loads it, and ends it."""
    in_order = None
    lost = 0
    with laboratory.serve(competitor) as (server, port):
        if shape.depth > 1 and competitor.kind != "floor":
            in_order = answers_in_order(competitor, port)
        with idle_connections(competitor, port, shape.idle) as idle:
            server_before, redis_before = server.cpu_seconds(), laboratory.redis.cpu_seconds()
            load = wrk(
                competitor, port, log, connections=shape.connections, seconds=shape.seconds(seconds), depth=shape.depth)
            server_cpu = server.cpu_seconds() - server_before
            redis_cpu = laboratory.redis.cpu_seconds() - redis_before
            rss = server.resident_bytes()
            lost = count_lost(competitor, idle)
    errors = {kind: count for kind, count in [*load.errors.items(), ("idle lost", lost)] if count}
    return Measurement(
        shape=shape.name, competitor=competitor.label, round=number, requests=load.requests,
        rate=load.requests / load.seconds, p50=load.p50, p99=load.p99,
        server_cpu=server_cpu / load.requests * 1e6 if load.requests else None,
        redis_cpu=redis_cpu / load.requests * 1e6 if load.requests else None,
        rss=rss, errors=errors, in_order=in_order)


class Results:
    """All measurements of a run, looked up by shape and competitor."""

    def __init__(self) -> None:
        self.all: list[Measurement] = []
        self.failures: list[str] = []  # what could not be measured, and why

    def add(self, measurement: Measurement) -> None:
        self.all.append(measurement)

    def of(self, shape: str, competitor: str) -> list[Measurement]:
        """In the order of the rounds; empty where it was not measured."""
        return [one for one in self.all if one.shape == shape and one.competitor == competitor]

    def median(self, shape: str, competitor: str, name: str) -> float | None:
        values = [value for one in self.of(shape, competitor) if (value := getattr(one, name)) is not None]
        return statistics.median(values) if values else None

    def ratios(self, shape: str, name: str, above: str, below: str) -> list[float]:
        """One ratio a round: both were measured within the same few seconds of the machine's mood."""
        divisors = {one.round: getattr(one, name) for one in self.of(shape, below)}
        return [
            value / divisor for one in self.of(shape, above)
            if (value := getattr(one, name)) is not None and (divisor := divisors.get(one.round))]
