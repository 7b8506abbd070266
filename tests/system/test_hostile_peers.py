"""Messages that are not NetGear's: counted, logged, and the stream goes on."""

import json
import socket
import struct

import pytest
import zmq
from harness import floods, netgear, pictures
from harness.netgear import PATTERNS

GOOD = pictures.picture(0)


def head(**changes):
    """A good header for GOOD in JPEG, changed; None takes a key away."""
    made = {**netgear.header_of(GOOD, "pair", "BGR"), **changes}
    return json.dumps({key: value for key, value in made.items() if value != "absent"}).encode()


def raw(dtype="uint8", shape=(4, 4, 3), size=48):
    return head(compression=False, dtype=dtype, shape=shape), b"\0" * size


def bomb():
    """A JPEG whose header claims 65,500 x 65,500 pixels."""
    data = bytearray(netgear.encode_jpeg(GOOD))
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", 65500, 65500)
    return bytes(data)


def truncated():
    data = netgear.encode_jpeg(GOOD)
    return data[: len(data) // 3]


JPEG = netgear.encode_jpeg(GOOD)
BAD = {
    "one part": [b"hello"],
    "an empty part": [b""],
    "three parts": [head(), JPEG, b"more"],
    "many parts": [head()] + [JPEG[:10]] * 50,
    "bad JSON": [b'{"terminate_flag": fal', JPEG],
    "deep JSON": [b"[" * 100000, JPEG],
    "JSON that is no object": [b"[1, 2, 3]", JPEG],
    "JSON with a zero byte": [b'{"terminate_flag": false, "a\\u0000b": 1}', JPEG],
    "not even text": [bytes(range(256)), JPEG],
    "no keys": [b"{}", JPEG],
    "no compression": [head(compression="absent"), JPEG],
    "no shape": [head(compression=False, dtype="uint8", shape="absent"), JPEG],
    "no dtype": [head(compression=False, dtype="absent", shape=[4, 4]), b"\0" * 16],
    "compression of a wrong type": [head(compression=7), JPEG],
    "unknown colour space": [head(compression={"dct": 1, "colorspace": "PURPLE"}), JPEG],
    "unknown dtype": raw(dtype="object"),
    "long dtype": raw(dtype="u" * 10000),
    "negative shape": raw(shape=[-4, -4, 3]),
    "fractional shape": raw(shape=[4.5, 4, 3]),
    "huge shape": raw(shape=[2**31, 2**31, 2**31]),
    "overflowing shape": raw(shape=[2**32, 2**32], size=0),
    "big number": raw(shape=[10**30, 4, 3]),
    "empty shape": raw(shape=[], size=0),
    "zero in the shape": raw(shape=[0, 4, 3], size=0),
    "long shape": raw(shape=[1] * 1000, size=1),
    "words in the shape": raw(shape=["a", "b"]),
    "too few bytes": raw(size=47),
    "too many bytes": raw(size=49),
    "truncated JPEG": [head(), truncated()],
    "empty JPEG": [head(), b""],
    "JPEG bomb": [head(), bomb()],
    "no JPEG at all": [head(), b"\x89PNG\r\n" + b"\0" * 100],
}


def rejected(end):
    return end.get("rejected", 0) + end["dropped"]


def send_bad(sender, parts):
    sender.send_parts(*parts)
    if PATTERNS[sender.pattern] < 2 and sender.answers(4):
        sender.socket.recv_multipart()


@pytest.mark.sanitized
@pytest.mark.parametrize("pattern", ["pair", "reqrep"])
def test_bad_messages_between_good_ones(pattern, view, peer):
    viewer = view(pattern, "-o", "request_timeout=4")
    sender = peer(netgear.Sender(f"tcp://127.0.0.1:{viewer.port()}", pattern))
    assert sender.send(GOOD, "BGR")
    for name, parts in BAD.items():
        send_bad(sender, parts)
        assert viewer.running(), f"ended by {name}\n{viewer.account()}"
    for _ in range(5):
        assert sender.send(GOOD, "BGR"), "the stream does not go on"
    sender.terminate()
    end = viewer.end()
    assert end["frames"] == 6, viewer.account()
    assert rejected(end) == len(BAD), viewer.account()
    assert viewer.sentences(), "bad messages are logged"


def test_bad_messages_over_pubsub(view, peer):
    viewer = view("pubsub", "--every-frame")
    sender = peer(netgear.subscribed_sender(f"tcp://127.0.0.1:{viewer.port()}", "pubsub"))
    sender.socket.setsockopt(zmq.XPUB_NODROP, 1)  # it waits for room, or its short queue drops some
    for parts in BAD.values():
        sender.send_parts(*parts)
    sender.send(GOOD, "BGR")
    sender.terminate()
    end = viewer.end()
    assert end["frames"] == 1, viewer.account()
    assert rejected(end) == len(BAD), viewer.account()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_message_above_the_limit(pattern, view, peer):
    viewer = view(pattern)
    endpoint = f"tcp://127.0.0.1:{viewer.port()}"
    huge = peer(netgear.subscribed_sender(endpoint, pattern))
    monitor = huge.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    huge.send_parts(head(), bytes(65 * 1024 * 1024))
    assert monitor.poll(20000), "the peer was not cut off"
    huge.close()
    sender = peer(netgear.subscribed_sender(endpoint, pattern))
    sender.send(GOOD, "BGR")
    viewer.event("stats", lambda event: event["frames"] >= 1)
    sender.terminate()
    assert viewer.end()["frames"] == 1


def test_viewer_behind_ssh_whose_reply_never_ends(started, sshd, send):
    viewer = floods.FloodingViewer(b"PAIR")
    started.callback(viewer.close)
    server = sshd()
    limit = ["-o", "max_message_size=1M"]
    sender = send("pattern:320x240@30", viewer.port, "pair", *server.options(), *limit)
    sender.wait_said("did not end its message")
    assert sender.peak_memory() < floods.MOST / 4
    sender.kill()
    assert viewer.cut_off, "it was not cut off"


def test_bytes_that_are_not_zeromq(view, send):
    viewer = view("pair")
    port = viewer.port()
    almost = b"\xff" + b"\0" * 8 + b"\x7f" * 500
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", almost, b"", b"\xff" * 9):
        with socket.create_connection(("127.0.0.1", port)) as stranger:
            stranger.settimeout(10)
            try:
                stranger.sendall(garbage)
                stranger.shutdown(socket.SHUT_WR)
                while stranger.recv(4096):
                    pass
            except OSError:
                pass  # cut off before it was done
    send("pattern:320x240@60", port, "pair", "--frames", 10).end()
    assert viewer.end()["frames"] == 10


def test_connections_that_say_nothing(view, send):
    viewer = view("reqrep")
    port = viewer.port()
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    send("pattern:320x240@60", port, "reqrep", "--frames", 10).end()
    assert viewer.end()["frames"] == 10
    for stranger in silent:
        stranger.close()


@pytest.mark.parametrize(
    "ours,theirs", [("pair", "reqrep"), ("reqrep", "pubsub"), ("pubsub", "pair")]
)
def test_viewer_of_another_pattern(ours, theirs, view, send):
    viewer = view(theirs)
    sender = send("pattern:320x240@30", viewer.port(), ours)
    sender.expect(8).sentence("pattern")


def test_stranger_of_another_pattern_does_not_end_the_viewer_in_use(view, send, peer):
    viewer = view("reqrep")
    sender = send("pattern:320x240@60", viewer.port(), "reqrep", "--frames", 120)
    viewer.event("stats", lambda event: event["frames"] >= 1)
    stranger = peer(netgear.Sender(f"tcp://127.0.0.1:{viewer.port()}", "pubsub"))
    stranger.send(GOOD, "BGR")
    sender.end()
    assert viewer.end()["frames"] == 120
