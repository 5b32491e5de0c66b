"""A network of its own for each node: a bridge, and a cable that can be pulled. Nothing of it reaches the machine's network."""

import ctypes
import os
import subprocess
import sys

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def enter_own():
    """Starts this program again in a network of its own, where the bridge is."""
    if os.environ.get("FAILOVER_BENCH_NETWORK") != "own":
        os.environ["FAILOVER_BENCH_NETWORK"] = "own"
        os.execvp("unshare", ["unshare", "--net", "--", sys.executable, *sys.argv])
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "bridge", "type", "bridge")
    run("ip", "address", "add", "10.77.0.254/24", "dev", "bridge")
    run("ip", "link", "set", "bridge", "up")


class NodeNetwork:
    """The network of one node, as long as the process that keeps it lives."""

    def __init__(self, number):
        self.address = f"10.77.0.{number}"
        self.cable = f"cable{number}"
        self.keeper = subprocess.Popen(
            ["unshare", "--net", "--", "sh", "-c", "echo ready; exec sleep infinity"], stdout=subprocess.PIPE)
        self.keeper.stdout.readline()
        run("ip", "link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", str(self.keeper.pid))
        run("ip", "link", "set", self.cable, "master", "bridge", "up")
        for words in (["link", "set", "lo", "up"], ["address", "add", f"{self.address}/24", "dev", "eth0"],
                      ["link", "set", "eth0", "up"]):
            run(*self.inside("ip", *words))

    def inside(self, *words):
        """The command line that runs there; its process keeps the id that it is started with."""
        return ["nsenter", "--target", str(self.keeper.pid), "--net", "--", *words]

    def join(self):
        """Has the calling thread open its sockets there."""
        descriptor = os.open(f"/proc/{self.keeper.pid}/ns/net", os.O_RDONLY)
        try:
            if LIBC.setns(descriptor, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(descriptor)

    def cut(self):
        run("ip", "link", "set", self.cable, "down")

    def mend(self):
        run("ip", "link", "set", self.cable, "up")

    def stop(self):
        self.keeper.kill()
        self.keeper.wait()
