"""Clients: one writer beside each server, in the network of its node. Each write has a key of its own."""

import threading
import time

from resp import Redis


class Writers:
    def __init__(self, nodes, run):
        # (address, key, sent at, acknowledged at), in the order of the acknowledgements of each writer
        self.notes = []
        self.over = False
        self.threads = [
            threading.Thread(target=self.write, args=(node, f"{run}:{index}"), daemon=True)
            for index, node in enumerate(nodes)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.over = True
        for thread in self.threads:
            thread.join()

    def write(self, node, name):
        node.network.join()
        redis, number = None, 0
        while not self.over:
            number += 1
            try:
                redis = redis or Redis(node.address)
                begin = time.monotonic()
                key = f"{name}:{number}"
                if not isinstance(redis.command("SET", key, number), ValueError):
                    self.notes.append((node.address, key, begin, time.monotonic()))
            except (OSError, ValueError):
                if redis:
                    redis.close()
                redis = None
            time.sleep(0.002)

    def first(self, old, after):
        """When another server acknowledged a write that was sent after that time."""
        times = [end for address, _, begin, end in list(self.notes) if address != old and begin > after]
        return min(times) if times else None

    def late(self, old, after):
        """Acknowledgements of the old one for writes that were sent after another one took writes."""
        return sum(1 for address, _, begin, _ in list(self.notes) if address == old and begin > after)

    def gap(self, after):
        """The longest time without an acknowledgement, of those that end after that time, in seconds."""
        ends = sorted(end for _, _, _, end in list(self.notes))
        return max((end - before for before, end in zip(ends, ends[1:]) if end > after), default=0.0)

    def keys(self):
        return [key for _, key, _, _ in list(self.notes)]
