"""What operators do and what happens to them, under load: scaling, and pods that go away."""

from __future__ import annotations

import json
import time

from load import Load, Write
from progress import EndToEndError, say
from system import APP, MASTER, REPLICA, System

# A client may notice at most this while no master or replica is taken from it.
CALM_GAP = 2.0


class Changes:
    def __init__(self, system: System, load: Load) -> None:
        self.system, self.load = system, load

    def scale_replicas(self, to: int) -> None:
        with self._phase(f"scaling the replicas to {to}"):
            self.system.cluster.scale("redis-slave", to)
            self.system.cluster.wait_for_rollout("redis-slave", self.system.limit)
            self._until_in_step(to)

    def scale_apps(self, to: int) -> None:
        with self._phase(f"scaling the apps to {to}"):
            self.system.cluster.scale("key-value-app", to)
            self.system.cluster.wait_for_rollout("key-value-app", self.system.limit)
            self.system.access.refresh()
            self.system.wait_until_all_answer(self.system.access, APP, to)

    def delete_replica(self, replicas: int) -> None:
        victim = sorted(self.system.addresses(REPLICA))[0]
        with self._phase(f"deleting the replica {victim}"):
            self.system.cluster.delete_pod(victim)
            self._until_gone(REPLICA, victim)
            self.system.cluster.wait_for_rollout("redis-slave", self.system.limit)
            self._until_in_step(replicas)

    def delete_master(self, replicas: int) -> None:
        victim = self.system.master
        identity = self.system.cluster.information(victim, "server")["run_id"]
        with self._phase(f"deleting the master {victim}", master_goes=True):
            self.system.cluster.delete_pod(victim)
            self._until_gone(MASTER, victim)
            self.system.cluster.wait_for_rollout("redis-master", self.system.limit)
            self._until_in_step(replicas)
            self._until_writes_are_taken()
        other = self.system.cluster.information(self.system.master, "server")["run_id"]
        self.system.check(other != identity, "the master is another process now")

    # Helpers -----------------------------------------------------------------------------------------------------

    def _until_gone(self, selector: str, name: str) -> None:
        """Off its Service: a deleted pod counts as ready for a moment more."""

        def look() -> tuple[bool, str]:
            names = [pod["metadata"]["name"] for pod in self.system.cluster.pods(selector)]
            return name not in names and bool(names), ", ".join(names) or "none"

        self.system.wait(f"a pod in the place of {name}", look)

    def _until_in_step(self, replicas: int) -> None:
        self.system.wait_until_listed(replicas)
        self.system.wait_until_found(replicas)
        self.system.wait_for_sidecars()

    def _until_writes_are_taken(self) -> None:
        before = len(self.load.writes)
        self.system.wait("writes that are acknowledged again", lambda: (
            len(self.load.writes) > before + 20, f"{len(self.load.writes) - before} since"))

    def _phase(self, name: str, *, master_goes: bool = False) -> _Phase:
        return _Phase(self.system, self.load, name, master_goes)


class _Phase:
    """A change and what the load saw of it."""

    def __init__(self, system: System, load: Load, name: str, master_goes: bool) -> None:
        self.system, self.load, self.name, self.master_goes = system, load, name, master_goes

    def __enter__(self) -> None:
        say(f"{self.name}, under load")
        self.load.begin(self.name)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            return
        phase, until = self.load.phase, time.monotonic()
        reads, writes, after = phase.count("read"), phase.count("write"), phase.count("token")
        answered = reads["ok"] + reads["stale"]
        say(f"  {answered} plain reads answered, {reads['stale']} of them marked stale, the slowest after "
            f"{phase.slowest('read') * 1000:.0f} ms, never {phase.gap('read', until):.2f} s without one")
        say(f"  {writes['ok']} writes acknowledged, never {phase.gap('write', until):.1f} s without one; "
            f"else {_rest(writes)}")
        say(f"  {after['ok']} reads with a token served; else {_rest(after)}")
        self.system.check(
            answered > 0 and sum(reads.values()) == answered, "every plain read is answered", _rest(reads))
        self.system.check(
            phase.gap("read", until) < CALM_GAP, f"reads go on, never {CALM_GAP:.0f} s without one",
            f"{phase.gap('read', until):.1f} s")
        if not self.master_goes:
            self.system.check(
                writes["ok"] > 0 and sum(writes.values()) == writes["ok"], "every write is acknowledged", _rest(writes))
            self.system.check(
                sum(after.values()) == after["ok"], "every read with a token sees its write", _rest(after))
        self.system.check(not self.load.violations, "no read breaks a promise", self.load.violations[:3])


def _rest(counts: dict[str, int]) -> str:
    words = [f"{count} x {outcome}" for outcome, count in counts.items() if outcome not in ("ok", "stale")]
    return ", ".join(words) or "none"


def verify_writes(system: System, writes: list[Write]) -> None:
    """Every acknowledged write is in the master, with its value; and every replica has as many keys."""
    verify_values(system, writes)
    master = system.cluster.redis(system.master, "dbsize")
    for pod in system.addresses(REPLICA):
        system.wait_for_reply(f"{master} keys in {pod}", master, pod, "dbsize")


def verify_values(system: System, writes: list[Write]) -> None:
    """Every acknowledged write is in the server that takes writes, with its value."""
    lost: list[str] = []
    # A batch that writes goes to the master, its reads too.
    for start in range(0, len(writes), 999):
        part = writes[start:start + 999]
        operations = [{"delete": "load/none"}, *({"get": write.key} for write in part)]
        answer = system.ask_app(start, "POST", "/v1/batch", {"operations": operations})
        if answer.status != 200:
            raise EndToEndError(f"the writes cannot be read back: {answer.status} {answer.text[:200]}")
        for write, result in zip(part, answer.json["results"][1:], strict=True):
            if result.get("status") != 200 or result.get("value") != write.value:
                lost.append(f"{write.key} (replicas: {write.replicas}): {json.dumps(result)}")
    system.check(
        bool(writes) and not lost, f"all {len(writes)} acknowledged writes are in the master",
        f"{len(lost)} are not: {'; '.join(lost[:3])}")
