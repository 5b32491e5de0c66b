"""Writes and reads all the while, and remembers every write that was acknowledged."""

from __future__ import annotations

import http.client
import itertools
import random
import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from access import PATIENCE, Access, Answer, Connection
from progress import EndToEndError

WRITERS, READERS = 2, 4
# Between two requests of one worker: enough for about 500 requests a second, and for two cores.
PAUSE = 0.005
# A replica in step has every write by then.
REPLICATION_LIMIT = 10.0


@dataclass(frozen=True)
class Write:
    """One that was answered 201 or 204. Each key is written once, so there is one right value for ever."""

    key: str
    value: str
    token: str
    # How many replicas had it when it was answered; None where none was waited for.
    replicas: int | None
    at: float


@dataclass(frozen=True)
class Event:
    at: float
    kind: str  # write, read, token
    outcome: str
    seconds: float


@dataclass
class Phase:
    """What happened between two moments."""

    name: str
    started: float
    events: list[Event] = field(default_factory=list)

    def count(self, kind: str) -> Counter[str]:
        return Counter(event.outcome for event in self.events if event.kind == kind)

    def gap(self, kind: str, until: float) -> float:
        """The longest time without a single success."""
        moments = [event.at for event in self.events if event.kind == kind and event.outcome in ("ok", "stale")]
        edges = [self.started, *sorted(moments), until]
        return max(after - before for before, after in itertools.pairwise(edges))

    def slowest(self, kind: str) -> float:
        return max((event.seconds for event in self.events if event.kind == kind), default=0)


class Load:
    """Workers with a connection each. What breaks a promise of docs/consistency.md is in `violations`."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self.writes: list[Write] = []
        self.violations: list[str] = []
        # Reads that failed, with the words for it: for people who look for the reason.
        self.failures: list[str] = []
        self._phase = Phase("", time.monotonic())
        self._stop = threading.Event()
        self._writes_pause = threading.Event()
        self._resting: set[int] = set()
        self._threads = [
            threading.Thread(target=self._write, args=(number,), name=f"writer {number}", daemon=True)
            for number in range(WRITERS)
        ] + [
            threading.Thread(target=self._read, args=(number,), name=f"reader {number}", daemon=True)
            for number in range(READERS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def begin(self, name: str) -> None:
        self._phase = Phase(name, time.monotonic())

    @property
    def phase(self) -> Phase:
        return self._phase

    def pause_writes(self) -> None:
        """Until none is under way."""
        self._writes_pause.set()
        started = time.monotonic()
        while len(self._resting) < WRITERS:
            if time.monotonic() - started > 2 * PATIENCE:
                raise EndToEndError(f"a write is under way since {2 * PATIENCE:.0f} s")
            time.sleep(PAUSE)

    def resume_writes(self) -> None:
        self._writes_pause.clear()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=30)
        if stuck := [thread.name for thread in self._threads if thread.is_alive()]:
            raise EndToEndError(f"{', '.join(stuck)} did not end within 30 s")

    # Workers -----------------------------------------------------------------------------------------------------

    def _write(self, worker: int) -> None:
        client = _Client(self._access, worker)
        for number in itertools.count():
            while self._writes_pause.is_set() and not self._stop.is_set():
                self._resting.add(worker)
                self._stop.wait(0.05)
            self._resting.discard(worker)
            if self._stop.wait(PAUSE):
                return client.close()
            key, value = f"load/{worker}/{number}", f"{number}={secrets.token_hex(8)}"
            # Every second one waits for a replica.
            query = "?replicas=1&within=200ms" if number % 2 else ""
            outcome, answer, seconds = client.ask("PUT", f"/v1/keys/{key}{query}", value.encode())
            if answer and answer.status in (201, 204):
                outcome = "ok"
                replicas = answer.headers.get("Replicas-Acknowledged")
                self.writes.append(Write(
                    key, value, answer.headers.get("Replication-Token", ""),
                    int(replicas) if replicas is not None else None, time.monotonic()))
            elif answer:
                outcome = _words(answer)
            self._note("write", outcome, seconds)

    def _read(self, worker: int) -> None:
        client = _Client(self._access, worker)
        choose = random.Random(worker)
        for number in itertools.count():
            if self._stop.wait(PAUSE):
                return client.close()
            if not self.writes:
                continue
            # Old ones and the last ones in turn.
            recent = number % 2 == 0
            write = self.writes[-choose.randint(1, min(20, len(self.writes)))] if recent else choose.choice(self.writes)
            # Of its own: one that may wait for a replica would hold up the others.
            if worker % 2 == 0:
                self._read_plainly(client, write)
            else:
                self._read_after(client, write)

    def _read_plainly(self, client: _Client, write: Write) -> None:
        outcome, answer, seconds = client.ask("GET", f"/v1/keys/{write.key}")
        if answer:
            is_stale = answer.headers.get("Served-Stale") == "true"
            age = time.monotonic() - seconds - write.at
            if answer.status == 200:
                outcome = "stale" if is_stale else "ok"
                if answer.text != write.value:
                    self._violation(f"GET {write.key} answered {answer.text!r} in the place of {write.value!r}")
            elif answer.status == 404:
                # An answer, and an honest one: this replica does not have it yet.
                outcome = "stale" if is_stale else "ok"
                if not is_stale and age > REPLICATION_LIMIT:
                    server = answer.headers.get("Served-By")
                    self._violation(f"GET {write.key} found nothing {age:.0f} s after the write, at {server}")
            else:
                outcome = _words(answer)
        if outcome not in ("ok", "stale"):
            self.failures.append(f"GET {write.key}: {outcome}")
        self._note("read", outcome, seconds)

    def _read_after(self, client: _Client, write: Write) -> None:
        headers = {"Replication-After": write.token, "Replication-Wait": "1s"}
        outcome, answer, seconds = client.ask("GET", f"/v1/keys/{write.key}", headers=headers)
        if answer:
            verdict = answer.headers.get("Replication-Verdict", "no verdict")
            if answer.status == 200 and answer.text == write.value:
                outcome = "ok"
            elif answer.status in (503, 504):
                # No master to ask, and no replica that could prove that it has the write.
                outcome = _words(answer)
            else:
                outcome = f"{answer.status}, {verdict}"
                self._violation(f"GET {write.key} after its own token answered {outcome}: {answer.text[:120]!r}")
        self._note("token", outcome, seconds)

    def _note(self, kind: str, outcome: str, seconds: float) -> None:
        self._phase.events.append(Event(time.monotonic(), kind, outcome, seconds))

    def _violation(self, words: str) -> None:
        self.violations.append(f"during {self._phase.name}: {words}")


class _Client:
    """One worker's connection. It is made again when it breaks, at another address if there is one."""

    def __init__(self, access: Access, worker: int) -> None:
        self._access, self._turn = access, worker
        self._connection: Connection | None = None

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] = {}
    ) -> tuple[str, Answer | None, float]:
        """(what went wrong, the answer or None, seconds)"""
        started = time.monotonic()
        for attempt in range(2):
            is_used = False
            try:
                if self._connection is None:
                    self._connection = Connection(self._access.address(self._turn))
                is_used = self._connection.is_used
                return "", self._connection.ask(method, path, body, headers), time.monotonic() - started
            except (OSError, http.client.HTTPException, EndToEndError) as error:
                self.close()
                self._turn += 1
                # As every client does: a connection that was closed while it was idle is made again, for a read.
                is_closed = isinstance(error, (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError))
                if attempt == 0 and is_used and is_closed and method == "GET":
                    continue
                return f"no answer: {error or type(error).__name__}", None, time.monotonic() - started
        raise AssertionError("a second attempt always ends")

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


def _words(answer: Answer) -> str:
    try:
        return f"{answer.status} {answer.json['code']}"
    except (EndToEndError, KeyError, TypeError):
        return str(answer.status)
