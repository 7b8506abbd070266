"""Every way in which two ends meet over a network: who dials, which server, which back-end."""

import pytest

OPENSSH = ["--ssh-backend", "openssh"]


@pytest.mark.parametrize("way", ["sender", "viewer", "both", "gate"])
def test_way(way, stage):
    stage(way).stop()


@pytest.mark.parametrize("way", ["sender", "viewer", "both", "gate"])
def test_way_over_ipv6_alone(way, stage):
    stage(way, ipv6=True).stop()


@pytest.mark.parametrize("way", ["sender", "viewer", "both"])
def test_way_through_dropbear(way, network, small_sshd, stage):
    net = network()
    server = small_sshd(prefix=net.prefix(net.middle), addresses=net.gates.values())
    running = stage(way, net=net, server=server)
    running.stop()


@pytest.mark.parametrize("way", ["sender", "both", "gate"])
def test_way_of_the_users_ssh(way, stage):
    stage(way, camera=OPENSSH).stop()
