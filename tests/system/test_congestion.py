"""The connection of a tunnel, or of a live camera without one, has BBR while its way loses packets,
and only then."""

import pathlib
import sys

import pytest
from harness.waiting import wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "netlab"))

from laboratory import Lab, Link, why_not  # noqa: E402

HAVE_BBR = """
import socket
socket.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"bbr")
"""


@pytest.fixture
def lab(started):
    if (why := why_not()) is not None:
        pytest.skip(why)
    made = started.enter_context(Lab(Link("camera", "viewer", "rate=50M delay=2ms queue=300k", "delay=2ms")))
    if made.run("camera", [sys.executable, "-c", HAVE_BBR], check=False).returncode != 0:
        pytest.skip("not here, or not permitted: bbr")
    return made


LIVE = ["send", "pattern:1280x720@30", "-o", "video_codec=jpeg", "--pattern", "live"]


def control(lab, port):
    """Whose congestion control the camera's connection to a port has."""
    asked = lab.run("camera", ["ss", "-Htin", "dport", "=", f":{port}"])
    lines = asked.stdout.split("\n\t")
    return lines[1].split()[0] if len(lines) > 1 else None


def test_congestion_control_follows_losses(lab, sshd, view, sightline):
    server = sshd(prefix=lab.prefix("viewer"), addresses=[lab.address("viewer")])
    viewer = view("live", prefix=lab.prefix("viewer"))
    place = ["--address", "127.0.0.1", "--port", viewer.ready()["port"]]
    login = server.options(lab.address("viewer"))
    sender = sightline(*LIVE, *place, *login, "--log", "info", prefix=lab.prefix("camera"))
    viewer.after(10)
    usual = control(lab, server.port)
    assert usual != "bbr"
    lab.links[0].set("forward", "loss=3%")
    sender.wait_said("loses packets")
    assert control(lab, server.port) == "bbr"
    lab.links[0].set("forward", "loss=0%")
    sender.wait_said("loses nearly nothing any more")
    assert control(lab, server.port) == usual


def test_without_a_tunnel_too(lab, sightline):
    address = lab.address("viewer")
    words = ["view", "--sink", "null", "--stats", "-", "--address", address, "--port", 0]
    viewer = sightline(*words, prefix=lab.prefix("viewer"))
    port = viewer.ready()["port"]
    sightline(*LIVE, "--address", address, "--port", port, prefix=lab.prefix("camera"))
    viewer.after(10)
    usual = control(lab, port)
    assert usual != "bbr"
    lab.links[0].set("forward", "loss=3%")
    wait_until(lambda: control(lab, port) == "bbr")
    lab.links[0].set("forward", "loss=0%")
    wait_until(lambda: control(lab, port) == usual)
