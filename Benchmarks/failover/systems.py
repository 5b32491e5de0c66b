"""What is compared: three nodes with the agents of this project and etcd, and three nodes with a Sentinel each."""

import os
import pathlib
import signal
import subprocess
import sys
import time

from network import NodeNetwork
from resp import ask, info

PORT, SENTINEL_PORT = 6379, 26379
TROUBLE = (OSError, ValueError, AttributeError, TypeError, KeyError)


def wait(what, look, limit=60):
    """What `look` finds; it is shown every ten seconds what is waited for."""
    begin = shown = time.monotonic()
    while time.monotonic() < begin + limit:
        try:
            found = look()
            if found:
                return found
        except TROUBLE:
            pass
        if time.monotonic() > shown + 10:
            shown = time.monotonic()
            print(f"  waiting for {what}: {shown - begin:.0f} s", file=sys.stderr)
        time.sleep(0.02)
    raise TimeoutError(f"{what} not seen within {limit} s")


class Node:
    def __init__(self, number):
        self.network = NodeNetwork(number)
        self.address = (self.network.address, PORT)
        # Commands to start again, by the name of the process.
        self.starts = {}
        self.children = {}


class System:
    def __init__(self, folder, options, first):
        self.folder, self.server, self.seconds = folder, options.server, options.seconds
        self.programs = options.programs
        folder.mkdir()
        self.nodes = [Node(first + index) for index in range(3)]
        self.others = []

    def start(self, node, name, words, environment=None):
        node.starts[name] = (words, environment)
        with open(self.folder / f"{node.address[0]}-{name}.log", "ab") as log:
            node.children[name] = subprocess.Popen(
                node.network.inside(*words), stdout=log, stderr=log, cwd=self.folder, env=environment,
                start_new_session=True)

    def node(self, address):
        return next(node for node in self.nodes if node.address == address)

    def masters(self):
        found = []
        for node in self.nodes:
            try:
                if info(node.address, "role") == "master":
                    found.append(node.address)
            except TROUBLE:
                pass
        return found

    def settled(self):
        """The address of the one master, once both others follow it."""
        def look():
            masters = self.masters()
            if len(masters) != 1:
                return None
            for node in self.nodes:
                if node.address != masters[0] and (
                        info(node.address, "master_link_status") != "up"
                        or info(node.address, "master_host") != masters[0][0]):
                    return None
            return masters[0] if self.knows(masters[0]) else None
        return wait(f"{self.name}: one master and its replicas", look, 180)

    def revive(self):
        """Starts what does not run any more, as its container would be."""
        for node in self.nodes:
            for name, child in list(node.children.items()):
                if child.poll() is not None:
                    self.start(node, name, *node.starts[name])

    def stop(self):
        children = [child for node in self.nodes for child in node.children.values()] + self.others
        for child in children:
            for number in (signal.SIGCONT, signal.SIGTERM):
                child.send_signal(number)
        for child in children:
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for node in self.nodes:
            node.network.stop()


class Ours(System):
    name = "redis-replica-kit"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        store = "http://10.77.0.254:2379"
        peer = "http://127.0.0.1:2380"
        with open(self.folder / "etcd.log", "ab") as log:
            self.others.append(subprocess.Popen([
                "etcd", "--data-dir", "etcd", "--listen-client-urls", store, "--advertise-client-urls", store,
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                "--initial-cluster", f"default={peer}", "--unsafe-no-fsync"],
                stdout=log, stderr=log, cwd=self.folder, start_new_session=True))
        (self.folder / "bin").mkdir()
        os.symlink(self.server, self.folder / "bin/redis-server")
        nodes = ",".join(f"n{index}={node.address[0]}:{PORT}" for index, node in enumerate(self.nodes))
        for index, node in enumerate(self.nodes):
            data = self.folder / f"n{index}"
            data.mkdir()
            (data / "redis.conf").write_text("appendonly yes\nsave \"\"\nrepl-diskless-sync-delay 0\n")
            self.start(node, "agent", [str(self.programs / "redis-replica-sidecar"), "supervise"], {
                "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "FAILOVER_STORE": "etcd",
                "ETCD_ENDPOINTS": store, "FAILOVER_NODES": nodes, "FAILOVER_NODE": f"n{index}",
                "FAILOVER_LEASE_SECONDS": str(self.seconds), "FAILOVER_SOCKET": str(data / "socket"),
                "SIDECAR_HOST": "127.0.0.1", "SIDECAR_PORT": "9121", "REDIS_CONFIG_FILE": str(data / "redis.conf"),
                "REDIS_DATA_DIR": str(data), "REDIS_PORT_NUMBER": str(PORT),
                "ALLOW_EMPTY_PASSWORD": "yes", "SKIP_DROP_PRIVS": "1",
                "REDIS_MASTER_RECORD_FILE": str(data / "record")})

    def knows(self, master):
        return True

    def server_process(self, node):
        return int(info(node.address, "process_id"))

    def processes(self, node):
        """The server, the agent; and the process that kills the server when the agent is frozen."""
        agent, server = node.children["agent"].pid, self.server_process(node)
        children = pathlib.Path(f"/proc/{agent}/task/{agent}/children").read_text().split()
        return [server, agent], [int(child) for child in children if int(child) != server]

    def switch_over(self, node):
        index = self.nodes.index(node)
        subprocess.run(
            [self.programs / "redis-replica-sidecar", "switchover"], check=True, stdout=subprocess.DEVNULL,
            env={"FAILOVER_SOCKET": str(self.folder / f"n{index}/socket")}, timeout=60)

    def kept(self):
        """The rollback files that there are; each node keeps the newest ones."""
        return {path for index in range(3) for path in (self.folder / f"n{index}/rollback").glob("*.rdb")}


class Sentinel(System):
    name = "three Sentinels"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        for index, node in enumerate(self.nodes):
            data = self.folder / f"n{index}"
            data.mkdir()
            words = [
                self.server, "--port", str(PORT), "--bind", "0.0.0.0", "--protected-mode", "no", "--dir", str(data),
                "--appendonly", "yes", "--save", "", "--repl-diskless-sync-delay", "0"]
            if index:
                words += ["--replicaof", self.nodes[0].address[0], str(PORT)]
            self.start(node, "server", words)
        wait("the first master", lambda: self.masters() == [self.nodes[0].address])
        for index, node in enumerate(self.nodes):
            configuration = self.folder / f"sentinel-{index}.conf"
            configuration.write_text(
                f"port {SENTINEL_PORT}\nbind 0.0.0.0\nprotected-mode no\n"
                f"sentinel monitor main {self.nodes[0].address[0]} {PORT} 2\n"
                f"sentinel down-after-milliseconds main {self.seconds * 1000}\n"
                "sentinel failover-timeout main 10000\n")
            self.start(node, "sentinel", [self.server, str(configuration), "--sentinel"])

    def knows(self, master):
        """All Sentinels agree, and know of each other and of both replicas: before that they elect no leader.

        One that was frozen takes no part for 30 s (TILT), so that is waited for, too.
        """
        for node in self.nodes:
            sentinel = (node.address[0], SENTINEL_PORT)
            if info(sentinel, "sentinel_tilt") != "0":
                return False
            fields = ask(sentinel, "SENTINEL", "master", "main")
            state = dict(zip([one.decode() for one in fields[::2]], [one.decode() for one in fields[1::2]]))
            if (state["ip"], state["num-slaves"], state["num-other-sentinels"], state["flags"]) != (
                    master[0], "2", "2", "master"):
                return False
        return True

    def revive(self):
        """A server that starts again follows whom the Sentinels name, as the usual entrypoints have it do."""
        for node in self.nodes:
            words, environment = node.starts["server"]
            if node.children["server"].poll() is None:
                continue
            sentinels = [(other.address[0], SENTINEL_PORT) for other in self.nodes if other is not node]
            master = ask(sentinels[0], "SENTINEL", "get-master-addr-by-name", "main")[0].decode()
            end = words.index("--replicaof") if "--replicaof" in words else len(words)
            node.starts["server"] = ([*words[:end], "--replicaof", master, str(PORT)], environment)
        super().revive()

    def server_process(self, node):
        return node.children["server"].pid

    def processes(self, node):
        return [node.children["server"].pid, node.children["sentinel"].pid], []

    def switch_over(self, node):
        # One Sentinel refuses a second order within twice its failover-timeout; another one takes it.
        for other in self.nodes:
            answer = ask((other.address[0], SENTINEL_PORT), "SENTINEL", "FAILOVER", "main")
            if answer == b"OK":
                return
        raise RuntimeError(f"no Sentinel fails over: {answer}")

    def kept(self):
        return set()
