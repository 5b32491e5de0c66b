"""Child processes that end with the runner, the ports they listen on, and what the kernel says about them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

HOST = "127.0.0.1"
# Ports that services are expected on: never used here, even when nothing listens there.
RESERVED_PORTS = {6379, 7379, 8080}
PATIENCE = 20.0  # seconds until something that should become ready counts as failed

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class BenchError(Exception):
    """What was attempted and why it failed, for people."""


def wait_until(what: str, condition: Callable[[], bool], alive: Callable[[], None] | None = None) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if alive:
            alive()
        if time.monotonic() > deadline:
            raise BenchError(f"{what} did not happen within {PATIENCE:.0f} s")
        time.sleep(0.01)


def free_port() -> int:
    """A free port below those that the kernel gives to clients: wrk's closed connections hold theirs for a while."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(1000):
        port = random.randrange(10240, max(lowest, 10241 + 1000))
        if port in RESERVED_PORTS:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise BenchError("found no free port on loopback")


class Child:
    """A process that is ended with `stop`, or by the kernel when the runner dies. Its output goes to a file."""

    def __init__(self, name: str, command: list[str], log: Path, environment: dict[str, str] | None = None) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as output:
            # A session of its own: Ctrl-C reaches the runner alone, which then ends its children one by one.
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                env=environment if environment is not None else dict(os.environ), preexec_fn=_die_with_parent)

    @property
    def pid(self) -> int:
        return self.process.pid

    def check(self) -> None:
        if (code := self.process.poll()) is not None:
            raise BenchError(f"{self.name} ended with {code}: {self.last_words()}")

    def last_words(self) -> str:
        return self.log.read_text(errors="replace").strip()[-800:] or "it said nothing"

    def stop(self, patience: float = 1) -> None:
        """Asks it to end, and kills it after so many seconds: there is no data to lose here."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)

    def resident_bytes(self) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def cpu_seconds(pid: int) -> float:
    """utime + stime of all threads, in nanoseconds instead of the hundredths of a second of /proc/PID/stat."""
    # The kernel's number for the CPU clock of a process, what clock_getcpuclockid(3) gives.
    return time.clock_gettime((~pid << 3) | 2)
