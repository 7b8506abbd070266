"""Free loopback ports."""

import contextlib
import pathlib
import random
import socket
import threading


def free_port(family=socket.AF_INET):
    """A port that was free a moment ago; whoever can should bind port 0 instead."""
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        return probe.getsockname()[1]


def quiet_port(digits=""):
    """A free port for somebody who binds it later: not one of those that the kernel gives to
    connections meanwhile. Its number holds these digits."""
    given = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    while True:
        port = random.randrange(10000, int(given.split()[0]))
        if digits not in str(port):
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
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
    """Several, without doubles."""
    ports = set()
    while len(ports) < count:
        ports.add(free_port())
    return sorted(ports)


def ipv6_works():
    try:
        free_port(socket.AF_INET6)
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
