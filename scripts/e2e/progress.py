"""Progress messages of a run, the problems found, and waits with a deadline."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

STARTED = time.monotonic()
# Between two checks of something that is waited for, and between two lines about a wait in which nothing changes.
INTERVAL = 0.5
REMINDER = 15.0


class EndToEndError(Exception):
    """What was attempted and why it failed, for people. It ends the run."""


class Usage(EndToEndError):
    """The arguments, or what is around the run, do not allow it to begin."""


def say(text: str) -> None:
    print(f"[{time.monotonic() - STARTED:5.0f} s] {text}", flush=True)


class Verdicts:
    """Every check that was made. One that fails does not end the run: those behind it tell more."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed: list[str] = []

    def check(self, holds: bool, what: str, seen: object = "") -> bool:
        """`what` is a sentence that is true where the check passes; `seen` is what was seen in its place."""
        if holds:
            self.passed += 1
            say(f"  ok    {what}")
        else:
            self.failed.append(what)
            say(f"  FAIL  {what}" + (f": {seen}" if seen not in ("", None) else ""))
        return holds


def wait(what: str, limit: float, look: Callable[[], tuple[bool, str]]) -> float:
    """Looks again and again until `look` says that it is so, and tells whenever it sees something else than before.

    Returns how many seconds it took. A look that cannot be taken (`EndToEndError`) counts as not yet.
    """
    started = told = time.monotonic()
    last = None
    while True:
        try:
            done, seen = look()
        except Usage:
            raise
        except EndToEndError as error:
            done, seen = False, str(error)
        now = time.monotonic()
        if done:
            say(f"  {what}: {seen or 'yes'} ({now - started:.1f} s)")
            return now - started
        if seen != last or now - told >= REMINDER:
            say(f"  waiting for {what}: {seen}")
            last, told = seen, now
        if now - started > limit:
            raise EndToEndError(f"{what} did not come about within {limit:.0f} s; last seen: {seen}")
        time.sleep(INTERVAL)


def complain(text: str) -> None:
    print(f"e2e: {text}", file=sys.stderr, flush=True)
