"""`sightline send` to a NetGear receiver."""

import json
import signal
import time

import pytest
from harness import footage, netgear, pictures
from harness.netgear import PATTERNS
from harness.ports import free_port

KEYS = {"terminate_flag", "compression", "message", "pattern", "dtype", "shape"}
SMALL = "pattern:320x240@60"
JPEG_SPACES = ["BGR", "RGB", "GRAY", "BGRX", "RGBA", "XRGB"]


@pytest.mark.parametrize("pattern", ["pair", "reqrep"])
@pytest.mark.parametrize("space", JPEG_SPACES)
def test_jpeg_film(space, pattern, folder, send, peer):
    path, frames = pictures.film(folder)
    receiver = peer(netgear.Receiver(pattern))
    words = ["--fps", "max", "-o", f"jpeg_compression={space}"]
    sender = send(path, receiver.port, pattern, *words)
    arrived = list(receiver.frames())
    assert len(arrived) == len(frames)
    for frame, sent in zip(arrived, frames):
        expected = pictures.arranged(sent, space)
        assert frame.shape == expected.shape
        assert footage.likeness_db(frame, expected) > 30
    head = receiver.headers[0]
    assert set(head) == KEYS
    assert head["compression"]["colorspace"] == space
    assert isinstance(head["compression"]["dct"], bool)
    assert isinstance(head["compression"]["ups"], bool)
    assert (head["pattern"], head["dtype"], head["shape"]) == (str(PATTERNS[pattern]), "", "")
    assert sender.end()["reason"] == "source ended"


@pytest.mark.parametrize("pattern", ["pair", "reqrep"])
def test_raw_film(pattern, folder, send, peer):
    path, frames = pictures.film(folder)
    receiver = peer(netgear.Receiver(pattern))
    sender = send(path, receiver.port, pattern, "--raw", "--fps", "max")
    arrived = list(receiver.frames())
    assert len(arrived) == len(frames)
    assert all((frame == sent).all() for frame, sent in zip(arrived, frames))
    head = receiver.headers[0]
    assert set(head) == KEYS
    assert head["compression"] is False and head["message"] is None
    assert (head["dtype"], head["shape"]) == ("uint8", [240, 320, 3])
    sender.end()


@pytest.mark.parametrize("pattern", ["pair", "reqrep"])
def test_raw_gray_film(pattern, folder, send, peer):
    path, frames = pictures.film(folder)
    receiver = peer(netgear.Receiver(pattern))
    words = ["--raw", "--filter", "format=gray", "--fps", "max"]
    sender = send(path, receiver.port, pattern, *words)
    arrived = list(receiver.frames())
    assert len(arrived) == len(frames)
    for frame, sent in zip(arrived, frames):
        assert frame.shape == (240, 320)
        assert footage.likeness_db(frame, pictures.gray(sent)) > 30
    sender.end()


@pytest.mark.parametrize("words", [(), ("--raw",), ("-o", "jpeg_compression=GRAY")])
def test_pubsub_stream(words, send, peer):
    receiver = peer(netgear.Receiver("pubsub"))
    sender = send(SMALL, receiver.port, "pubsub", *words, "--frames", 60)
    arrived = list(receiver.frames())
    assert 30 <= len(arrived) <= 60
    assert arrived[0].shape == ((240, 320) if "jpeg_compression=GRAY" in words else (240, 320, 3))
    assert receiver.headers[0]["pattern"] == "2"
    sender.end()


@pytest.mark.sanitized
@pytest.mark.parametrize("pattern", PATTERNS)
def test_receiver_that_comes_later(pattern, send, peer):
    port = free_port()
    sender = send(SMALL, port, pattern, "--frames", 40)
    sender.wait_said(str(port))
    receiver = peer(netgear.Receiver(pattern, f"tcp://127.0.0.1:{port}"))
    count = sum(1 for _ in receiver.frames())
    assert count == 40 if pattern != "pubsub" else 20 <= count <= 40
    sender.end()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_interrupt_tells_the_receiver(pattern, send, peer):
    receiver = peer(netgear.Receiver(pattern))
    sender = send(SMALL, receiver.port, pattern)
    for _ in receiver.frames(5):
        pass
    sender.signal(signal.SIGINT)
    for _ in receiver.frames():
        pass
    assert receiver.headers[-1]["terminate_flag"] is True
    assert sender.end()["reason"] == "interrupted"


@pytest.mark.parametrize("pattern,retries", [("pair", 2), ("reqrep", 1)])
def test_receiver_that_never_replies(pattern, retries, send, peer):
    receiver = peer(netgear.Receiver(pattern))
    words = ["-o", "request_timeout=4", "-o", f"max_retries={retries}"]
    sender = send(SMALL, receiver.port, pattern, *words)
    assert len(receiver.recv_parts()) == 2
    begin = time.monotonic()
    assert sender.end(9)["frames"] == 0
    assert retries * 4 - 1 < time.monotonic() - begin < retries * 4 + 3, sender.account()
    sender.sentence("answer")


@pytest.mark.parametrize("pattern", ["pair", "reqrep"])
def test_receiver_that_replies_with_something_odd(pattern, send, peer):
    receiver = peer(netgear.Receiver(pattern))
    sender = send(SMALL, receiver.port, pattern, "--frames", 6)
    data = b'{"return_type": "str", "data": "hello"}'
    odd = [b"", b"\xff\xfe\x00", data, b"x" * 100000, b"[" * 9]
    for reply in odd:
        parts = receiver.recv_parts()
        assert len(parts) == 2
        receiver.socket.send(reply)
    parts = receiver.recv_parts()
    receiver.socket.send_multipart([b"several", b"parts", b"at once"])
    assert receiver.recv(5) is None
    assert sender.end()["frames"] == 6


@pytest.mark.parametrize("pattern", ["pair", "reqrep"])
def test_replies_nobody_asked_for(pattern, send, peer):
    receiver = peer(netgear.Receiver(pattern))
    sender = send(SMALL, receiver.port, pattern, "--frames", 30)
    for number, _ in enumerate(receiver.frames()):
        if pattern == "pair" and number < 20:
            receiver.reply()
    sender.end()


def test_slow_receiver_gets_every_frame_sent(send, peer):
    receiver = peer(netgear.Receiver("reqrep"))
    sender = send(SMALL, receiver.port, "reqrep", "--frames", 5)
    count = 0
    while True:
        parts = receiver.recv_parts()
        if json.loads(parts[0])["terminate_flag"]:
            receiver.reply()
            break
        count += 1
        sender.next_stats()  # a second or so: slower than the source by far
        receiver.reply()
    end = sender.end()
    assert count == end["frames"] == 5
    assert end["dropped"] > 100, "what the receiver had no time for was skipped"


def test_quality_changes_the_size(folder, send, peer):
    path, _ = pictures.film(folder)
    sizes = {}
    for quality in (20, 95):
        receiver = peer(netgear.Receiver("pair"))
        sender = send(path, receiver.port, "pair", "--quality", quality, "--fps", "max")
        list(receiver.frames())
        sizes[quality] = sender.end()["bytes"]
    assert sizes[95] > 1.5 * sizes[20]


def test_quality_follows_the_way(send, peer):
    """A peer that answers when a way of 400 kbit/s had brought the bytes, and then one at once."""
    receiver = peer(netgear.Receiver("pair"))
    words = ["--min-fps", 4, "--max-age", 500]
    sender = send("pattern:640x360@30", receiver.port, "pair", *words)
    best = len(receiver.recv_parts()[1])
    receiver.reply()
    size = best
    while size > 0.6 * best:
        size = len(receiver.recv_parts()[1])
        time.sleep(8 * size / 400e3)
        receiver.reply()
    while size < 0.95 * best:
        size = len(receiver.recv_parts()[1])
        receiver.reply()
    sender.signal(signal.SIGINT)
    list(receiver.frames())
    assert sender.end()["quality"] == 90, sender.account()
