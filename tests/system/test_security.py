"""Secure connections (secure_mode): with pyzmq's certificates and peers, and with none at all."""

import json
import stat
import subprocess

import numpy
import pytest
import zmq.auth
from harness import certificates, gates, netgear
from harness.netgear import PATTERNS
from harness.openssh import make_key
from harness.ports import free_port

CAMERA = "pattern:320x240@60"
PICTURE = numpy.zeros((24, 32), numpy.uint8)


@pytest.fixture
def location(folder):
    """A new folder for certificates, with both ends' made by pyzmq unless told other names."""

    def make(name="certificates", *names):
        (folder / name).mkdir()
        return certificates.Location(folder / name).make(*names)

    return make


@pytest.fixture
def known(location):
    """Certificates that both ends share."""
    return location()


@pytest.fixture
def stranger(location, known):
    """Those of a camera that knows the viewer and that the viewer does not know."""
    return location("stranger").knows(known, "server")


@pytest.mark.parametrize(("pattern", "mode"), [("pair", 1), ("reqrep", 2), ("pubsub", 2)])
def test_pyzmq_sender(pattern, mode, known, view, peer):
    viewer = view(pattern, *known.words(mode))
    endpoint = f"tcp://127.0.0.1:{viewer.port()}"
    sender = peer(netgear.subscribed_sender(endpoint, pattern, certificates.Camera(known)))
    sender.send(PICTURE)
    viewer.after(1)
    sender.terminate()
    assert viewer.end()["frames"] == 1


@pytest.mark.parametrize(("pattern", "mode"), [("pair", 1), ("reqrep", 2), ("pubsub", 2)])
def test_pyzmq_receiver(pattern, mode, known, send, peer):
    receiver = peer(netgear.Receiver(pattern, security=certificates.Viewer(known, mode)))
    sender = send(CAMERA, receiver.port, pattern, *known.words(mode), "--frames", 3)
    assert len(list(receiver.frames(most=1))) == 1
    for _ in receiver.frames():
        pass
    sender.end()


@pytest.mark.sanitized
@pytest.mark.parametrize(("pattern", "mode"), [*((each, 2) for each in (*PATTERNS, "live")),
                                               ("live", 1)])  # fmt: skip
def test_both_ends(pattern, mode, known, view, send):
    viewer = view(pattern, *known.words(mode))
    send(CAMERA, viewer.port(), pattern, *known.words(mode), "--frames", 10).end()
    assert viewer.end()["frames"] > 0


def test_certificates_of_ours(folder, plain, view, send, peer):
    """Each end makes its own, and hands out what the other needs."""
    camera, viewer = (certificates.Location(folder / name) for name in ("camera", "viewer"))
    for name, one in (("camera", camera), ("viewer", viewer)):
        one.path.mkdir()
        plain("keys", "make", name, "--cert-location", one.path).expect(0)
    for name, one, file in (
        ("camera", camera, viewer.public / "porch.key"),
        ("viewer", viewer, camera.public / "server.key"),
    ):
        words = ["keys", "export", name, "--cert-location", one.path]
        said = plain(*words, stdout=subprocess.PIPE).expect(0).stdout.read()
        assert b"secret" not in said
        file.write_bytes(said)
    shown = view("pair", *viewer.words(2))
    send(CAMERA, shown.port(), "pair", *camera.words(2), "--frames", 3).end()
    shown.end()
    receiver = peer(netgear.Receiver("pair", security=certificates.Viewer(viewer, 2)))
    send(CAMERA, receiver.port, "pair", *camera.words(2), "--frames", 1)
    assert receiver.recv() is not None
    shown = view("pair", *viewer.words(2))
    endpoint = f"tcp://127.0.0.1:{shown.port()}"
    peer(netgear.Sender(endpoint, "pair", security=certificates.Camera(camera))).send(PICTURE)
    shown.after(1)


def test_unknown_key(known, stranger, view, send, peer):
    """Mode 2 refuses it and says so at both ends; mode 1 takes it."""
    viewer = view("pair", *known.words(2))
    refused = send(CAMERA, viewer.port(), "pair", *stranger.words(2))
    refused.expect(8).sentence("public_keys", "keys export camera")
    said = viewer.wait_said("is not let in")
    key, _ = zmq.auth.load_certificate(stranger.private / "client.key_secret")
    assert "127.0.0.1" in said and str(known.public) in said and key.decode() in said
    assert viewer.next_stats()["frames"] == 0
    send(CAMERA, viewer.port(), "pair", *known.words(2), "--frames", 3).end()
    assert viewer.end()["frames"] == 3
    viewer = view("pair", *known.words(1))
    send(CAMERA, viewer.port(), "pair", *stranger.words(1), "--frames", 3).end()
    assert viewer.end()["frames"] == 3
    receiver = peer(netgear.Receiver("pair", security=certificates.Viewer(known, 2)))
    send(CAMERA, receiver.port, "pair", *stranger.words(2)).expect(8).sentence("keys export camera")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_pyzmq_sender_with_an_unknown_key(pattern, known, stranger, view, peer):
    """Mode 2 lets it in no more than ours, mode 1 does."""
    security = certificates.Camera(stranger)
    strict, easy = view(pattern, *known.words(2)), view(pattern, *known.words(1))
    places = [f"tcp://127.0.0.1:{viewer.port()}" for viewer in (strict, easy)]
    peer(netgear.Sender(places[0], pattern, security=security)).begin(PICTURE)
    strict.wait_said("is not let in")
    peer(netgear.subscribed_sender(places[1], pattern, security)).send(PICTURE)
    easy.after(1)
    assert strict.next_stats()["frames"] == 0


@pytest.mark.parametrize("pattern", PATTERNS)
def test_pyzmq_receiver_and_an_unknown_key(pattern, known, stranger, send, peer):
    easy = peer(netgear.Receiver(pattern, security=certificates.Viewer(known, 1)))
    send(CAMERA, easy.port, pattern, *stranger.words(1))
    assert easy.recv() is not None
    strict = peer(netgear.Receiver(pattern, security=certificates.Viewer(known, 2)))
    send(CAMERA, strict.port, pattern, *stranger.words(1)).expect(8)
    assert not strict.answers(0), "a stranger's frame got in"


def test_key_that_comes_later_and_goes(known, stranger, view, send):
    viewer = view("pubsub", *known.words(2))
    known.knows(stranger, "client", "porch")
    camera = send(CAMERA, viewer.port(), "pubsub", *stranger.words(2))
    viewer.after(1)
    camera.kill()
    (known.public / "porch.key").unlink()
    send(CAMERA, viewer.port(), "pubsub", *stranger.words(2)).expect(8)


def test_another_viewers_key(known, location, view, send):
    viewer = view("pair", *known.words(1))
    misled = location("misled")
    refused = send(CAMERA, viewer.port(), "pair", *misled.words(1)).expect(8)
    refused.sentence(misled.public / "server.key")
    viewer.wait_said("another server.key")


@pytest.mark.parametrize("pattern", ["pair", "pubsub"])
def test_plain_and_secure_do_not_meet(pattern, known, view, send, peer):
    secure = view(pattern, *known.words(1))
    send(CAMERA, secure.port(), pattern).expect(8).sentence("secure_mode")
    secure.wait_said("secure_mode")
    sender = peer(netgear.Sender(f"tcp://127.0.0.1:{secure.port()}", pattern, request_timeout=0.5))
    sender.send(PICTURE)
    assert secure.next_stats()["frames"] == 0
    bare = view(pattern)
    send(CAMERA, bare.port(), pattern, *known.words(1)).expect(8).sentence("secure_mode")
    bare.wait_said("secure_mode")
    assert bare.next_stats()["frames"] == 0


@pytest.mark.parametrize("pattern", PATTERNS)
def test_plain_viewer_gets_nothing_from_a_secure_camera(pattern, known, send, peer):
    """Neither at first, nor where a secure viewer was before."""
    port = free_port()
    bare = peer(netgear.Receiver(pattern, f"tcp://127.0.0.1:{port}"))
    send(CAMERA, port, pattern, *known.words(1)).expect(8).sentence("secure_mode")
    assert not bare.answers(0), "a plain viewer got a frame"
    bare.close()
    security = certificates.Viewer(known, 2)
    secure = peer(netgear.Receiver(pattern, f"tcp://127.0.0.1:{port}", security=security))
    camera = send(CAMERA, port, pattern, *known.words(2))
    assert secure.recv() is not None
    secure.close()
    bare = peer(netgear.Receiver(pattern, f"tcp://127.0.0.1:{port}"))
    camera.wait_said("wants plain connections")
    assert not bare.answers(0), "a plain viewer got a frame"


@pytest.mark.parametrize("pattern", PATTERNS)
def test_reconnection_stays_secure(pattern, known, view, send, peer):
    """A plain viewer in the place of the secure one that went gets nothing; the secure one that
    comes back gets frames again."""
    port = free_port()
    place = ["--address", "127.0.0.1", "--port", port]
    viewer = view(pattern, *place, *known.words(2))
    camera = send(CAMERA, viewer.port(), pattern, *known.words(2))
    viewer.after(1)
    viewer.kill()
    bare = netgear.Receiver(pattern, f"tcp://127.0.0.1:{port}")
    camera.wait_said("wants plain connections")
    assert not bare.answers(0), "a plain viewer got a frame"
    bare.close()
    view(pattern, *place, *known.words(2)).after(1)


def test_viewer_stays_secure_for_senders_that_come_again(known, view, send):
    viewer = view("pubsub", *known.words(2))
    camera = send(CAMERA, viewer.port(), "pubsub", *known.words(2))
    viewer.after(1)
    camera.kill()
    viewer.next_stats(lambda event: event["state"] != "connected")
    send(CAMERA, viewer.port(), "pubsub").expect(8).sentence("secure_mode")
    before = viewer.next_stats()["frames"]
    send(CAMERA, viewer.port(), "pubsub", *known.words(2))
    viewer.next_stats(lambda event: event["frames"] > before)


def test_through_an_ssh_tunnel(known, sshd, view, send):
    viewer = view("reqrep", *known.words(2))
    sender = send(
        CAMERA, viewer.port(), "reqrep", *known.words(2), *sshd().options(), "--frames", 5
    )
    assert sender.end()["frames"] == 5
    assert viewer.end()["frames"] == 5


def test_through_the_gate(folder, known, stranger, view, sightline):
    key = folder / "camera_key"
    gates.authorize(folder / "authorized", make_key(key))
    words = ["--gate", "127.0.0.1:0", "--authorized-keys", folder / "authorized"]
    opened = gates.Gate(view("pair", *words, *known.words(2)), folder, key)
    place = ["--port", opened.link_port, "--pattern", "pair", *opened.options()]
    sightline("send", CAMERA, *place).expect(8).sentence("secure_mode")
    sightline("send", CAMERA, *place, *stranger.words(2)).expect(8).sentence("keys export camera")
    sightline("send", CAMERA, *place, *known.words(2), "--frames", 5).end()
    assert opened.viewer.end()["frames"] == 5


def to(port, mode, location):
    """A secure destination with certificates of its own."""
    return f"127.0.0.1:{port},secure_mode={mode},custom_cert_location={location.path}"


@pytest.mark.sanitized
def test_several_destinations(known, location, view, sightline):
    """Each by its own certificates, a plain one beside them, and one whose key is not known."""
    other, third = location("other"), location("third")
    viewers = [view("pair", *known.words(2)), view("pair", *other.words(1)), view("pair")]
    refusing = view("pair", *third.words(2))
    places = [
        to(viewers[0].port(), 2, known),
        to(viewers[1].port(), 1, other),
        f"127.0.0.1:{viewers[2].port()}",
        to(refusing.port(), 2, location("lost").knows(third, "server")),
    ]
    words = [word for place in places for word in ("--to", place)]
    sender = sightline("send", CAMERA, *words, "--pattern", "pair")
    sender.event("stats", lambda event: all(at["frames"] > 5 for at in event["destinations"][:3]))
    sender.wait_said("keys export camera")
    refusing.wait_said("is not let in")
    assert refusing.next_stats()["frames"] == 0


def test_no_destination_starts_without_its_certificates(known, location, view, plain):
    viewer, port = view("pair", *known.words(2)), free_port()
    spoiled = location("spoiled")
    remove(spoiled.public / "server.key")
    words = ["--to", to(viewer.port(), 2, known), "--to", to(port, 2, spoiled)]
    sender = plain("send", "pattern:", *words).expect(2)
    sender.sentence(f"127.0.0.1:{port}", spoiled.public / "server.key")
    assert viewer.next_stats()["state"] != "connected"


def damage(file):
    file.write_bytes(file.read_bytes()[:-10])


def show_others(file):
    file.chmod(0o644)


def let_others_write(file):
    file.chmod(0o666)


def remove(file):
    file.unlink()


BAD = {
    "viewer without its secret": ("view", "private", "server.key_secret", remove),
    "viewer with a secret that others can read": ("view", "private", "server.key_secret", show_others),
    "viewer with a damaged secret": ("view", "private", "server.key_secret", damage),
    "viewer with a camera's damaged key": ("view", "public", "client.key", damage),
    "viewer with a key that others can write": ("view", "public", "client.key", let_others_write),
    "camera without its secret": ("send", "private", "client.key_secret", remove),
    "camera with a secret that others can read": ("send", "private", "client.key_secret", show_others),
    "camera without the viewer's key": ("send", "public", "server.key", remove),
    "camera with a damaged key of the viewer": ("send", "public", "server.key", damage),
}


@pytest.mark.parametrize("name", BAD)
def test_nothing_starts(name, known, plain):
    command, folder, file, spoil = BAD[name]
    spoil(getattr(known, folder) / file)
    source = ["pattern:"] if command == "send" else ["--sink", "null"]
    port = free_port()
    refused = plain(command, *source, "--address", "127.0.0.1", "--port", port, *known.words(2))
    refused.expect(2).sentence(getattr(known, folder) / file)


def test_nothing_starts_before_the_tunnel(known, plain):
    """A certificate that is missing is told of before anybody is dialled."""
    remove(known.public / "server.key")
    words = ["--ssh", "127.0.0.1:1", "--ssh-host-key", "SHA256:" + "A" * 43]
    plain("send", "pattern:", *words, *known.words(1)).expect(2).sentence("server.key")


def test_overwriting(known, view, send, plain):
    before = (known.private / "client.key_secret").read_bytes()
    viewer = plain("view", "--sink", "null", *known.words(1), "-o", "overwrite_cert=true")
    viewer.expect(2).sentence("overwrite_cert")
    plain("send", "pattern:", "-o", "overwrite_cert=true").expect(2).sentence("secure_mode")
    assert (known.private / "client.key_secret").read_bytes() == before
    sender = send(CAMERA, free_port(), "pair", *known.words(1), "-o", "overwrite_cert=true")
    sender.wait_said("waiting|sending")
    assert (known.private / "client.key_secret").read_bytes() != before
    assert stat.S_IMODE((known.private / "client.key_secret").stat().st_mode) == 0o600


def test_doctor(known, view, plain):
    def examine(port, *words):
        doctor = plain(
            "doctor", "--json", "--address", "127.0.0.1", "--port", port, *words,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        steps = [json.loads(line) for line in doctor.stdout.read().splitlines()]
        return doctor, {step["name"]: step for step in steps}

    secure, bare = view("pair", *known.words(1)), view("pair")
    doctor, steps = examine(secure.port(), *known.words(1))
    assert doctor.expect(0) and "secure connections" in steps["viewer"]["text"]
    doctor, steps = examine(secure.port())
    assert doctor.expect(8) and "secure_mode" in steps["viewer"]["text"]
    doctor, steps = examine(bare.port(), *known.words(1))
    assert doctor.expect(8) and "wants plain" in steps["viewer"]["text"]
    show_others(known.private / "client.key_secret")
    doctor, steps = examine(secure.port(), *known.words(1))
    assert doctor.expect(2).sentence("client.key_secret") and not steps
    assert secure.next_stats()["state"] != "connected"
