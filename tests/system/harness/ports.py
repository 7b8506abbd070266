"""Free loopback ports."""

import contextlib
import itertools
import os
import pathlib
import random
import socket
import threading


def _numbers():
    """Those that the kernel gives to nobody's connection, each once; of a run's workers each has
    its own."""
    given = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    numbers = list(range(10000 + worker, int(given.split()[0]), workers))
    random.shuffle(numbers)
    return itertools.cycle(numbers)


_NUMBERS = _numbers()


def free_port(digits=""):
    """A free port for somebody who binds it later, with these digits in its number; whoever can
    should bind port 0 instead."""
    for port in _NUMBERS:
        if digits not in str(port):
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Reserved:
    """A free port for somebody who binds it later, and shares it as ZeroMQ does. Nobody else is
    given it before close(), and who connects too early is refused."""

    def __init__(self):
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number = self._socket.getsockname()[1]

    def close(self):
        self._socket.close()


def free_ports(count=3):
    """Several, in order."""
    return sorted(free_port() for _ in range(count))


def ipv6_works():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


class Listener:
    """A listening socket that answers with fixed bytes, or with nothing at all: who isn't served
    is taken by the kernel alone."""

    def __init__(self, answer=b"", port=0):
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]
        self._peers = []

    def serve_one(self):
        peer, _ = self._socket.accept()
        self._peers.append(peer)
        if self._answer:
            peer.sendall(self._answer)
        return peer

    def serve(self):
        """Serves whoever comes, and ends the connection; a thread of its own does it until it is closed."""

        def run():
            with contextlib.suppress(OSError):
                while True:
                    self.serve_one().close()

        threading.Thread(target=run, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        for peer in self._peers:
            peer.close()
        self._socket.close()
