"""Through jump hosts to the SSH server, in the same process or by the user's own ssh."""

import json
import signal
import subprocess

import pytest
from harness.openssh import make_key, public_key
from harness.ports import free_port

SOURCE = "pattern:320x240@30"


class Chain:
    """Two jump hosts and a destination, each with a key of its own that lets nobody else in."""

    def __init__(self, folder, first, second, last):
        self.first, self.second, self.last = self.servers = first, second, last
        self.known_hosts = folder / "known_hosts"
        self.trust(*self.servers)
        for server in self.servers[:2]:
            server.authorized.write_text(public_key(last.key) + "\n", encoding="ascii")

    def trust(self, *servers):
        lines = [server.known_hosts.read_text("ascii") for server in servers]
        self.known_hosts.write_text("".join(lines), encoding="ascii")

    def jumps(self):
        return ",".join(server.destination() for server in self.servers[:2])

    def words(self):
        login = ["--ssh", self.last.destination(), "--ssh-key", self.last.key]
        return [*login, "--ssh-jump", self.jumps(), "-o", f"ssh_known_hosts={self.known_hosts}"]


@pytest.fixture
def chain(folder, sshd):
    """Options are those of the first jump host."""

    def make(*options):
        return Chain(folder, sshd(*options), sshd(), sshd())

    return make


@pytest.fixture
def attempt(send):
    """Starts a sender towards a port where nobody needs to be."""

    def start(*words):
        return send(SOURCE, free_port(), "pair", *words)

    return start


def went_through(chain):
    return all(
        server.logged(f"direct-tcpip.* to 127.0.0.1 port {next_one.port}")
        or server.logged("direct-tcpip")
        for server, next_one in zip(chain.servers, chain.servers[1:])
    )


@pytest.mark.sanitized
def test_sender_through_two_jump_hosts(chain, view, send):
    way = chain()
    viewer = view("pair")
    sender = send(SOURCE, viewer.port(), "pair", *way.words(), "--frames", 20)
    assert sender.end()["frames"] == 20
    assert viewer.end()["frames"] == 20
    assert went_through(way)
