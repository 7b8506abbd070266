"""The matrix: every way in which NetGear peers and Sightline's ends, the library's and the Python
module's, can meet; and everything that can travel between them."""

import itertools
import shutil
import signal

import pytest
from harness import certificates, ends, matrix, netgear, netgear_sender, streams
from harness.netgear import PATTERNS
from harness.processes import Process

NETGEAR = [("netgear", "library"), ("library", "netgear")]
OTHERS = [
    ("library", "library"),
    ("library", "python"),
    ("python", "library"),
    ("netgear", "python"),
    ("python", "python"),
    ("python", "netgear"),
]


@pytest.fixture
def meet(makers, record_property):
    def go_through(cell, names, codings):
        met = [*cell, " to ".join(names)]
        record_property(matrix.TITLE, met)
        camera, viewer = (makers[name] for name in names)
        met += streams.go_through_cell(cell, {"camera": camera, "viewer": viewer}, codings)

    return go_through


@pytest.mark.parametrize("ends", NETGEAR, ids=" to ".join)
@pytest.mark.parametrize("cell", matrix.CELLS, ids=str)
def test_netgear_and_the_library(cell, ends, meet):
    meet(cell, ends, matrix.codings)


@pytest.mark.parametrize("ends", OTHERS, ids=" to ".join)
@pytest.mark.parametrize("cell", matrix.CELLS, ids=str)
def test_others(cell, ends, meet):
    meet(cell, ends, matrix.few_codings)


@pytest.mark.parametrize(("pattern", "mode"), matrix.FORBIDDEN)
def test_what_the_rules_forbid(pattern, mode, makers):
    """Neither end starts, and it says why."""
    cell = matrix.Cell(pattern, mode, 0)
    for name, end in itertools.product(("library", "python"), ("camera", "viewer")):
        with pytest.raises(ends.Refusal, match="_mode") as refused:
            getattr(makers[name], end)(cell, None, [5566, 5567])
        assert refused.value.code in ("SL_EINVAL", "ValueError")


TUNNELS = [("pair", "paramiko"), ("reqrep", "openssh"), ("pubsub", "paramiko")]


@pytest.mark.parametrize("secure", matrix.SECURE)
@pytest.mark.parametrize(("pattern", "client"), TUNNELS)
def test_tunnel_of_pyzmq(
    pattern, client, secure, shared_certificates, sshd, view, environment, home, folder, programs,
    record_property,
):  # fmt: skip
    record_property(matrix.TITLE, met := [pattern, matrix.TUNNELED, secure, "netgear to library"])
    server = sshd()
    known = shutil.copy(server.known_hosts, home / ".ssh" / "known_hosts")
    netgear_sender.tell_openssh(folder, environment, known)
    viewer = view(pattern, *(shared_certificates.words(secure) if secure else []))
    place = f"tcp://127.0.0.1:{viewer.port()}"
    words = netgear_sender.command(place, server.destination(), server.key, client, pattern, 5)
    location = [shared_certificates.path] if secure else []
    programs.append(Process([*words, *location], environment, folder))
    if pattern == "pubsub":
        frames = viewer.after(5)["frames"]
        programs[-1].signal(signal.SIGINT)
    programs[-1].expect(0)
    met += [1, frames if pattern == "pubsub" else viewer.end()["frames"]]
    assert met[-1] >= 5


@pytest.mark.parametrize("secure", matrix.SECURE)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_tunnel_to_pyzmq(pattern, secure, shared_certificates, sshd, send, peer, record_property):
    record_property(matrix.TITLE, met := [pattern, matrix.TUNNELED, secure, "library to netgear"])
    security = certificates.Viewer(shared_certificates, secure) if secure else None
    receiver = peer(netgear.Receiver(pattern, security=security))
    words = [*sshd().options(), *(shared_certificates.words(secure) if secure else [])]
    sender = send("pattern:64x48@60", receiver.port, pattern, *words, "--frames", 5)
    met += [1, sum(1 for _ in receiver.frames())]
    assert 1 <= met[-1] <= 5
    sender.end()
