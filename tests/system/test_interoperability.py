"""The matrix: every way in which NetGear peers and Sightline's ends, the library's and the Python
module's, can meet; and everything that can travel between them."""

import itertools
import shutil
import signal

import pytest
from harness import certificates, ends, matrix, netgear, netgear_sender, streams
from harness.netgear import PATTERNS
from harness.processes import Process


@pytest.fixture(scope="module")
def settled():
    """The ways in which ends have met, or have refused to."""
    return set()


@pytest.mark.parametrize("names", matrix.MEETINGS, ids=" to ".join)
@pytest.mark.parametrize("cell", matrix.CELLS, ids=str)
def test_ends_meet(cell, names, makers, settled, record_property):
    record_property(matrix.TITLE, met := [*cell, " to ".join(names)])
    camera, viewer = (makers[name] for name in names)
    try:
        frames = streams.go_through_cell(cell, {"camera": camera, "viewer": viewer})
    except BaseException:
        camera.start_anew()
        viewer.start_anew()
        raise
    settled.update((*cell, names, *way) for way, count in frames.items() if count)
    met += [len(frames), sum(frames.values())]


@pytest.mark.parametrize(("pattern", "mode"), matrix.FORBIDDEN)
def test_what_the_rules_forbid(pattern, mode, makers, settled):
    """Neither end starts, and it says why."""
    cell = matrix.Cell(pattern, mode, 0)
    for name, end in itertools.product(("library", "python"), ("camera", "viewer")):
        with pytest.raises(ends.Refusal, match="_mode") as refused:
            getattr(makers[name], end)(cell, None, [5566, 5567])
        assert refused.value.code in ("SL_EINVAL", "ValueError")
    settled.update(way for way in matrix.every_way() if way[:2] == (pattern, mode))


def test_nothing_is_left_out(settled):
    """Each way was tried or is forbidden, by all the tests above, which run in this process."""
    left_out = matrix.every_way() - settled
    assert not left_out, f"{len(left_out)}, such as {next(iter(left_out))}"


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
