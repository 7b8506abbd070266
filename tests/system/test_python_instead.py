"""Where the Python module does something else than NetGear, row by row of docs/MIGRATION.md."""

import json
import time

import numpy
import pytest
import zmq
from harness import certificates, netgear, openssh, ports
from harness.gears import NetGear, aside, pair, receiver, sender
from harness.waiting import allow

FRAME = numpy.full((48, 64, 3), 50, numpy.uint8)


def tunnel(server):
    return {
        "ssh_tunnel_mode": server.destination(),
        "ssh_tunnel_keyfile": str(server.key),
        "ssh_known_hosts": str(server.known_hosts),
    }


def gets_one(viewer):
    try:
        return viewer.recv(timeout=0) is not None
    except TimeoutError:
        return False


def send_until(camera, done, seconds=20):
    """Sends frames, as a camera does, until it is done."""
    deadline = time.monotonic() + allow(seconds)
    while not done():
        assert time.monotonic() < deadline, camera.stats
        camera.send(FRAME)
        time.sleep(0.01)


def test_security_is_the_same_after_a_reconnect(folder, caplog):
    """A plain viewer in the place of a secure one gets nothing."""
    certificates.Location(folder).make()
    options = {"secure_mode": 1, "custom_cert_location": str(folder), "pattern": 2}
    with receiver(**options) as there:
        port = there.stats.port
        with sender(port, **options) as here:
            send_until(here, lambda: gets_one(there))
            there.close()
            plain = netgear.Receiver("pubsub", f"tcp://127.0.0.1:{port}")
            try:
                send_until(here, lambda: "wants plain connections" in caplog.text)
                assert not plain.answers(0.3)
            finally:
                plain.close()


def test_bad_messages_are_dropped_and_counted(peer):
    with receiver() as there:
        camera = peer(netgear.Sender(f"tcp://127.0.0.1:{there.stats.port}", "reqrep"))
        head = json.dumps(netgear.header_of(FRAME, "reqrep", "BGR")).encode()
        for parts in ([b"no JSON", b""], [head, b"no JPEG"], [b"[]", b"x"]):
            camera.send_parts(*parts)
            assert camera.answers(5)
            camera.socket.recv()
        with aside(camera.send, FRAME, "BGR"):
            assert there.recv().shape == FRAME.shape
        assert there.stats.rejected == 3


def test_host_keys(folder, sshd):
    """Unknown ones are refused unless asked to be accepted, changed ones always."""
    server = sshd()
    empty = folder / "known"
    options = {"pattern": 2, **tunnel(server), "ssh_known_hosts": str(empty)}
    with pytest.raises(RuntimeError, match="not known"):
        NetGear("127.0.0.1", **options)
    with NetGear("127.0.0.1", ssh_host_key_policy="accept-new", **options) as here:
        assert here.stats.tunnel == "up"
    other = openssh.public_key(openssh.make_key(folder / "other"))
    empty.write_text("".join(f"{name} {other}\n" for name in server.names()), encoding="ascii")
    with pytest.raises(RuntimeError, match="CHANGED"):
        NetGear("127.0.0.1", ssh_host_key_policy="accept-new", **options)


def test_missing_password(password_server, home, monkeypatch):
    """An error, and nobody is asked."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    server = password_server("secret")
    with pytest.raises(RuntimeError, match="password"):
        NetGear("127.0.0.1", pattern=2, ssh_known_hosts=str(server.known_hosts),
                ssh_tunnel_mode=f"someone@127.0.0.1:{server.port}")  # fmt: skip


def test_any_port_and_ipv6():
    if not ports.ipv6_works():
        pytest.skip("there is no IPv6 here")
    with NetGear("::1", ports.free_port(digits="47"), receive_mode=True) as there:
        with NetGear("::1", there.stats.port) as here:
            here.send(FRAME)
            assert there.recv() is not None


def test_tunnel_comes_back_over_pubsub(sshd):
    server = sshd()
    with receiver(2) as there, sender(there.stats.port, 2, **tunnel(server)) as here:
        send_until(here, lambda: gets_one(there))
        server.kill_sessions()
        send_until(here, lambda: here.stats.tunnel_reconnects > 0)
        while gets_one(there):
            pass
        send_until(here, lambda: gets_one(there))


def test_viewer_that_dials(sshd):
    """Which NetGear's can't: `ssh` is Sightline's own option for that."""
    server = sshd("GatewayPorts clientspecified")
    place = tunnel(server)
    place["ssh"] = place.pop("ssh_tunnel_mode")
    with receiver(1, **place) as there, sender(there.stats.port) as here:
        here.send(FRAME)
        assert there.recv().shape == FRAME.shape
        assert there.stats.tunnel == "up" and here.stats.tunnel == "none"


def test_retries_are_counted_in_a_row():
    """None for a frame that nobody answered, RuntimeError once that happened max_retries times."""
    port = ports.free_port()
    with sender(port, max_retries=2) as here:
        assert here.send(FRAME) is None
        with NetGear("127.0.0.1", port, pattern=1, receive_mode=True) as there:
            with aside(there.recv) as got:
                here.send(FRAME)
        assert got[0].shape == FRAME.shape
        while here.stats.connected:
            time.sleep(0.01)
        assert here.send(FRAME) is None
        with pytest.raises(RuntimeError, match="2 times in a row"):
            here.send(FRAME)


def test_slow_viewer_keeps_the_camera_waiting():
    """Patterns 0 and 1: nothing is lost and nothing grows old, so few frames wait."""
    with pair() as (here, there):
        with aside(lambda: [here.send(FRAME) for _ in range(12)]):
            there.recv()
            waiting = 0
            while there.stats.frames < 12:
                waiting = max(waiting, here.stats.frames - there.stats.frames)
                assert there.recv(timeout=5) is not None
        assert waiting <= 6 and there.stats.dropped == 0


def test_newest_frame_first_over_pubsub(peer):
    """What NetGear's queue of 96 would hold is let go."""
    with receiver(2) as there:
        camera = peer(
            netgear.Sender(f"tcp://127.0.0.1:{there.stats.port}", "pubsub", publisher=zmq.XPUB)
        )
        camera.socket.set_hwm(0)
        camera.wait_subscriber()
        for number in range(60):
            camera.send(numpy.full((480, 640, 3), number, numpy.uint8))
        camera.terminate()
        numbers = [int(frame[0, 0, 0]) for frame in there]
    assert numbers[-1] == 59 and len(numbers) < 59 and numbers == sorted(numbers)
