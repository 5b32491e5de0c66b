"""The faults, each played on the node that leads."""

import os
import signal
import time

from resp import info, missing
from systems import TROUBLE, wait
from writers import Writers

FAULTS = {
    "planned": "a switchover that a person asks for",
    "killed": "SIGKILL to the leader's server",
    "lost": "SIGKILL to all processes of the leader's node; they are started again once another node leads",
    "silent": "SIGSTOP to the leader's server and to its agent, or its Sentinel; they go on once another node leads",
    "frozen": "the same, and the dead-man process, too: the whole node is frozen",
    "cut": "the network of the leader's node is cut, from the other nodes and from the store; a client beside it writes on",
    "agent-killed": "SIGKILL to the agent alone",
    "agent-frozen": "SIGSTOP to the agent alone",
}
# Sentinel has no agent.
OURS_ALONE = {"agent-killed", "agent-frozen"}


class Outcome:
    """What one round showed; times in seconds."""

    def __init__(self, outage, late, lost, kept):
        self.outage, self.late, self.lost, self.kept = outage, late, lost, kept


def send(processes, number):
    for process in processes:
        try:
            os.kill(process, number)
        except ProcessLookupError:
            # The dead-man process has killed the server.
            pass


def play(system, fault, run):
    master = system.settled()
    node = system.node(master)
    processes, watchers = system.processes(node)
    kept = system.kept()
    writers = Writers(system.nodes, run)
    stopped = []
    try:
        wait("writes", lambda: len(writers.notes) > 100)
        begin = time.monotonic()
        if fault == "planned":
            system.switch_over(node)
        elif fault == "killed":
            send(processes[:1], signal.SIGKILL)
        elif fault == "lost":
            send(watchers + processes[::-1], signal.SIGKILL)
        elif fault == "cut":
            node.network.cut()
        elif fault == "agent-killed":
            send(processes[1:], signal.SIGKILL)
        else:
            stopped = {"silent": processes[::-1], "frozen": watchers + processes[::-1], "agent-frozen": processes[1:]}[fault]
            send(stopped, signal.SIGSTOP)
        first = wait("a write on another node", lambda: writers.first(master, begin), 120)
        if fault == "cut":
            # What a client beside the old master writes meanwhile counts.
            time.sleep(system.seconds)
            node.network.mend()
        send(stopped, signal.SIGCONT)
        if fault in ("lost", "killed", "agent-killed"):
            system.revive()
        leader = system.settled()
    finally:
        send(stopped, signal.SIGCONT)
        node.network.mend()
        writers.stop()
    leader = system.settled()
    lost = len(missing(leader, writers.keys()))
    # No caller waits for a node that is asked to hand over: what counts is how long no write was acknowledged.
    outage = writers.gap(begin) if fault == "planned" else first - begin
    return Outcome(outage, writers.late(master, first), lost, len(system.kept() - kept))


def server_version(node):
    try:
        return info(node.address, "valkey_version") or info(node.address, "redis_version")
    except TROUBLE:
        return "unknown"
