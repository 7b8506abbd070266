"""A NetGear sender to `sightline view`."""

import re
import subprocess

import numpy
import pytest
from harness import footage, netgear, pictures, y4m
from harness.netgear import PATTERNS
from harness.ports import free_port

COUNT = 12


@pytest.fixture
def stream(view, peer):
    """A viewer with a NetGear sender that has found it."""

    def start(pattern, *words, **channels):
        viewer = view(pattern, *words, **channels)
        endpoint = f"tcp://127.0.0.1:{viewer.port()}"
        return viewer, peer(netgear.subscribed_sender(endpoint, pattern))

    return start


def check_seen(viewer, collector, sent):
    """The viewer showed these pictures, in order and right."""
    seen = collector.frames()
    assert len(seen) == len(sent), viewer.account()
    for number, (planes, picture) in enumerate(zip(seen, sent)):
        expected = pictures.gray(picture) if picture.ndim == 3 else picture
        likeness = footage.likeness_db(planes[0], expected)
        assert likeness > 30, f"frame {number} is {likeness:.1f} dB alike"


@pytest.mark.parametrize("pattern", ["pair", "reqrep"])
@pytest.mark.parametrize("space", [None, "BGR", "RGB", "GRAY", "RGBX", "ABGR"])
def test_frames_are_seen_as_sent(space, pattern, stream):
    viewer, sender = stream(pattern, sink="-", stdout=subprocess.PIPE)
    collector = y4m.Collector(viewer.stdout)
    sent = [pictures.picture(number) for number in range(COUNT)]
    for picture in sent:
        assert sender.send(pictures.arranged(picture, space or "BGR"), space)
    sender.terminate()
    check_seen(viewer, collector, sent)
    end = viewer.end()
    assert (end["frames"], end["dropped"], end["reason"]) == (COUNT, 0, "peer ended")


@pytest.mark.sanitized
@pytest.mark.parametrize("pattern", ["pair", "reqrep"])
def test_one_raw_gray_frame_is_seen_as_sent(pattern, stream):
    viewer, sender = stream(pattern, sink="-", stdout=subprocess.PIPE)
    collector = y4m.Collector(viewer.stdout)
    sent = pictures.gray(pictures.picture(3))
    sender.send(sent)
    sender.terminate()
    check_seen(viewer, collector, [sent])
    viewer.end()


@pytest.mark.parametrize("space", [None, "BGR", "GRAY"])
def test_pubsub_frames_are_seen_as_sent(space, stream):
    viewer, sender = stream("pubsub", sink="-", stdout=subprocess.PIPE)
    collector = y4m.Collector(viewer.stdout)
    sent = [pictures.picture(number) for number in range(3)]
    for number, picture in enumerate(sent):
        sender.send(pictures.arranged(picture, space or "BGR"), space)
        viewer.event("stats", lambda event, seen=number + 1: event["frames"] >= seen)
    sender.terminate()
    check_seen(viewer, collector, sent)
    assert viewer.end()["frames"] == len(sent)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_sender_that_came_first(pattern, view, peer):
    port = free_port()
    sender = peer(netgear.Sender(f"tcp://127.0.0.1:{port}", pattern))
    viewer = view(pattern, "--address", "127.0.0.1", "--port", port)
    viewer.ready()
    frames = 0
    while frames < 2:  # a publisher's first frames may come before the viewer has joined
        sender.send(pictures.picture(frames), "BGR")
        frames = viewer.next_stats()["frames"]
    sender.terminate()
    assert viewer.end()["reason"] == "peer ended"


DTYPES = ["uint8", "uint16", ">u2", "int64", "float16", "float32", "float64", "bool", "complex64"]


@pytest.mark.parametrize("pattern", ["reqrep"])
def test_arrays_of_any_kind_and_shape(pattern, stream):
    viewer, sender = stream(pattern)
    shapes = [(4,), (5, 7), (3, 4, 5), (2, 3, 2, 3), (1, 1, 1, 1, 1, 1, 2, 2)]
    for dtype in DTYPES:
        sender.send(numpy.ones((6, 8), dtype))
    for shape in shapes:
        sender.send(numpy.zeros(shape, "float32"))
    sender.terminate()
    assert viewer.end()["frames"] == len(DTYPES) + len(shapes)


def test_messages_beside_frames_do_no_harm(stream):
    viewer, sender = stream("pair")
    for message in ("text", 7, 1.5, True, ["a", {"b": None}], {"deep": [[[[1]]]]}, "ü" * 1000):
        assert sender.send(pictures.picture(0), "BGR", message)
    sender.terminate()
    assert viewer.end()["frames"] == 7


def test_size_that_changes_in_mid_stream(stream):
    viewer, sender = stream("pair")
    for width, height in ((320, 240), (640, 480), (33, 17), (320, 240)):
        sender.send(pictures.picture(0, width, max(height, 60)), "BGR")
    sender.terminate()
    assert viewer.end()["frames"] == 4


def test_sender_that_dies_and_another(view, peer):
    viewer = view("reqrep")
    endpoint = f"tcp://127.0.0.1:{viewer.port()}"
    for _ in range(2):
        sender = peer(netgear.Sender(endpoint, "reqrep"))
        assert sender.send(pictures.picture(0), "BGR")
        sender.close()
    last = peer(netgear.Sender(endpoint, "reqrep"))
    assert last.send(pictures.picture(1), "BGR")
    last.terminate()
    assert viewer.end()["frames"] == 3


def test_two_senders_taking_turns(view, peer):
    viewer = view("reqrep")
    endpoint = f"tcp://127.0.0.1:{viewer.port()}"
    senders = [peer(netgear.Sender(endpoint, "reqrep")) for _ in range(2)]
    for number in range(3):
        for sender in senders:
            assert sender.send(pictures.picture(number), "BGR")
    senders[0].terminate()
    assert viewer.end()["frames"] == 6


def test_replies_have_netgears_form(view, peer):
    viewer = view("reqrep")
    sender = peer(netgear.Sender(f"tcp://127.0.0.1:{viewer.port()}", "reqrep"))
    reply = sender.send(pictures.picture(0), "BGR")
    assert re.fullmatch(r"Data received on device: [A-Z0-9]{8} !", reply)
    sender.terminate()
    assert len(sender.replies) == 2, "the end of the stream is answered too"
    viewer.end()
