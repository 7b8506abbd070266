"""Every way in which two ends meet over a network: who dials, which server, which back-end."""

import pytest
from harness.netgear import PATTERNS

OPENSSH = ["--ssh-backend", "openssh"]


@pytest.mark.parametrize("way", ["sender", "viewer", "both", "gate"])
def test_way(way, stage):
    stage(way, patterns=[*PATTERNS, "live"]).stop()


# Beyond that, what carries the bytes doesn't know of patterns, so that one each will do.


@pytest.mark.parametrize(
    "way, pattern", [("viewer", "pair"), ("both", "reqrep"), ("gate", "pubsub")]
)
def test_way_over_ipv6_alone(way, pattern, stage):
    stage(way, ipv6=True, patterns=[pattern]).stop()


@pytest.mark.parametrize(
    "way, pattern, kind",
    [("sender", "pair", "ed25519"), ("viewer", "reqrep", "ecdsa"), ("both", "pubsub", "rsa")],
)
def test_way_through_dropbear(way, pattern, kind, network, small_sshd, stage):
    net = network()
    place = net.prefix(net.middle)
    server = small_sshd(prefix=place, addresses=net.gates.values(), host_keys=[kind])
    stage(way, net=net, server=server, patterns=[pattern]).stop()


@pytest.mark.parametrize("way, pattern", [("sender", "reqrep"), ("gate", "pair")])
def test_way_of_the_users_ssh(way, pattern, stage):
    stage(way, camera=OPENSSH, patterns=[pattern]).stop()


class Route:
    """Over two jump hosts to a server at the viewer's own host: how a sender is told."""

    def __init__(self, tell, servers):
        self._tell, self._servers = tell, servers

    def options(self, _host):
        return self._tell(self._servers)


def users_configuration(folder):
    def tell(servers):
        lines, before = [], None
        for name, (address, server) in servers.items():
            lines += [f"Host {name}", f"HostName {address}", f"Port {server.port}"]
            lines += [f"User {server.user}", f"IdentityFile {server.key}"]
            lines += [f"UserKnownHostsFile {server.known_hosts}"]
            lines += [f"ProxyJump {before}"] if before else []
            before = name
        path = folder / "ssh_config"
        path.write_text("\n".join(lines) + "\n", encoding="ascii")
        return [*OPENSSH, "--ssh", before, "-o", f"ssh_config={path}"]

    return tell


def own_jump_hosts(folder):
    """What has this program go through them by itself."""

    def tell(servers):
        *jumps, (address, last) = servers.values()
        known = folder / "known_hosts"
        known.write_text(
            "".join(server.known_hosts.read_text() for _address, server in servers.values())
        )
        hosts = ",".join(server.destination(at) for at, server in jumps)
        keys = ",".join(str(server.key) for _at, server in jumps)
        return ["--ssh", last.destination(address), "--ssh-key", last.key, "--ssh-jump", hosts,
                "-o", f"ssh_jump_keys={keys}", "-o", f"ssh_known_hosts={known}"]  # fmt: skip

    return tell


@pytest.mark.parametrize("told", [users_configuration, own_jump_hosts])
def test_way_over_two_jump_hosts(told, network, sshd, stage, folder):
    net = network()
    middle, viewer = net.prefix(net.middle), net.prefix(net.viewer)
    places = {
        "first": (middle, net.gates["camera"]),
        "second": (middle, net.gates["viewer"]),
        "last": (viewer, net.ends["viewer"]),
    }
    servers = {
        name: (address, sshd(prefix=prefix, addresses=[address]))
        for name, (prefix, address) in places.items()
    }
    stage("sender", net=net, server=Route(told(folder), servers), patterns=["pair"]).stop()
    for name in ("first", "second"):
        assert servers[name][1].logged("direct-tcpip"), f"not through the {name}"
