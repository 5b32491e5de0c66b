"""One connection to a server that speaks RESP2, with a time limit for everything."""

import socket


class Redis:
    def __init__(self, address, timeout=0.5):
        self.socket = socket.create_connection(address, timeout)
        self.socket.settimeout(timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def send(self, *words):
        data = b"*%d\r\n" % len(words)
        for word in words:
            word = str(word).encode()
            data += b"$%d\r\n%s\r\n" % (len(word), word)
        self.socket.sendall(data)

    def command(self, *words):
        self.send(*words)
        return self.answer()

    def answer(self):
        """An error of the server is a value."""
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise OSError("the connection ended")
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            count = int(rest)
            return None if count < 0 else self.file.read(count + 2)[:-2]
        if kind == b"*":
            return [self.answer() for _ in range(int(rest))]
        return rest if kind in b"+:" else ValueError(rest.decode())

    def close(self):
        self.file.close()
        self.socket.close()


def ask(address, *words):
    redis = Redis(address)
    try:
        return redis.command(*words)
    finally:
        redis.close()


def info(address, field):
    text = ask(address, "INFO").decode()
    for line in text.splitlines():
        if line.startswith(field + ":"):
            return line[len(field) + 1:]
    return None


def missing(address, keys):
    """Those of the keys that the server does not have."""
    redis = Redis(address, 10)
    try:
        found = []
        for start in range(0, len(keys), 500):
            part = keys[start:start + 500]
            for key in part:
                redis.send("EXISTS", key)
            found += [key for key in part if int(redis.answer()) == 0]
        return found
    finally:
        redis.close()
