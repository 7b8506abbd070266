"""Bidirectional mode: values with frames, values and arrays with replies, to and from NetGear."""

import json

import numpy
import pytest
from harness import netgear, pictures

BOTH_WAYS = ("-o", "bidirectional_mode=true")
LOCKSTEP = ["pair", "reqrep"]
SMALL = "pattern:320x240@60"
VALUES = [
    {"pan": 3, "deep": [[{"in": None}], "Grüße 🎥"]}, [], "", "text", -17, 2.5, True,
    "x" * (65536 - 2),  # and the quotation marks: the longest that is told
]  # fmt: skip
TOO_LONG = "x" * 2**20
ARRAYS = [
    numpy.arange(6, dtype=">u2").reshape(2, 3), numpy.array([1.5, -2], numpy.float32),
    numpy.array([[[True], [False]]]), numpy.arange(16.0).reshape(2, 2, 2, 2),
]  # fmt: skip


def data_reply(value, kind="str", **more):
    """NetGear's reply with a value, which no reader needs to know the type of."""
    return [json.dumps({"return_type": kind, "data": value, **more}, ensure_ascii=False).encode()]


def array_reply(array, colorspace=None):
    compression = {"dct": True, "ups": False, "colorspace": colorspace} if colorspace else False
    head = {
        "return_type": "ndarray", "compression": compression, "data": None,
        "array_dtype": "" if colorspace else str(array.dtype),
        "array_shape": "" if colorspace else array.shape,
    }  # fmt: skip
    data = netgear.encode_jpeg(array, colorspace) if colorspace else array.tobytes()
    return [json.dumps(head).encode(), data]


def answer(receiver, parts):
    """Takes a frame and answers it so; gives the frame's head."""
    frame = receiver.recv_parts()
    assert frame is not None and len(frame) == 2
    receiver.socket.send_multipart(parts)
    return json.loads(frame[0])


def answer_until_told(receiver, sender, parts, **told):
    """Until the sender has told of what came back."""

    def tells(event):
        return event["event"] == "returned" and all(event.get(k) == v for k, v in told.items())

    for _ in range(600):
        answer(receiver, parts)
        if any(tells(event) for event in sender.events.so_far()):
            return
    pytest.fail(f"it never told of {str(told)[:200]}\n{sender.account()}")


def end(receiver, sender):
    sender.signal(2)
    while (parts := receiver.recv_parts()) and len(parts) == 2:
        receiver.socket.send_multipart(data_reply(None))
    assert json.loads(parts[0]) == {"terminate_flag": True}
    if receiver.pattern == "reqrep":
        receiver.reply()
    return sender.end()


@pytest.mark.sanitized
@pytest.mark.parametrize("pattern", LOCKSTEP)
def test_values_come_back(pattern, send, peer):
    receiver = peer(netgear.Receiver(pattern))
    sender = send(SMALL, receiver.port, pattern, *BOTH_WAYS)
    for value in VALUES:
        answer_until_told(receiver, sender, data_reply(value), data=value)
    answer_until_told(receiver, sender, data_reply(TOO_LONG), data_bytes=len(TOO_LONG) + 2)
    # Where several receivers share a sender, replies say whose they are.
    answer_until_told(receiver, sender, data_reply(7, port="5566"), data=7, port="5566")
    assert end(receiver, sender)["rejected"] == 0


@pytest.mark.parametrize("pattern", LOCKSTEP)
def test_arrays_come_back(pattern, send, peer):
    receiver = peer(netgear.Receiver(pattern))
    sender = send(SMALL, receiver.port, pattern, *BOTH_WAYS)
    for array in ARRAYS:
        told = {"dtype": str(array.dtype), "shape": list(array.shape)}
        answer_until_told(receiver, sender, array_reply(array), array=told)
    for space, shape in (("BGR", [240, 320, 3]), ("GRAY", [240, 320]), ("RGBA", [240, 320, 4])):
        picture = pictures.arranged(pictures.picture(1), space)
        told = {"dtype": "uint8", "shape": shape}
        answer_until_told(receiver, sender, array_reply(picture, space), array=told)
    assert end(receiver, sender)["rejected"] == 0


def nonsense():
    """Replies that are not NetGear's in bidirectional mode."""
    array = numpy.zeros((2, 3), numpy.uint8)
    jpeg = array_reply(pictures.picture(1), "BGR")
    without_type = json.dumps({"data": 1}).encode()
    return [
        [b"Data received on device: ABCD1234 !"], [b""], [b"\xff\xfe"], [b"[" * 5000], [b"7"],
        [b'{"return_type": "str"}'], [without_type], [b'{"return_type": 3, "data": 1}'],
        [b'{"return_type": "int", "data": NaN}'], data_reply("x" * 3 * 2**20),
        [*data_reply(1), b"more"], [array_reply(array)[0]], [*array_reply(array), b"more"],
        [array_reply(array)[0], b"short"], [array_reply(array)[0], b""], [b"1"] * 9,
        data_reply(1, port=[1]), data_reply(1, port="5" * 100), [jpeg[0], jpeg[1][:500]],
    ]  # fmt: skip


@pytest.mark.sanitized
@pytest.mark.parametrize("pattern", LOCKSTEP)
def test_nonsense_is_counted_and_the_stream_goes_on(pattern, send, peer):
    receiver = peer(netgear.Receiver(pattern))
    bad = nonsense()
    sender = send(SMALL, receiver.port, pattern, *BOTH_WAYS, "--frames", len(bad) + 1)
    answer(receiver, data_reply("good"))
    for parts in bad:
        answer(receiver, parts)
    assert receiver.recv(5) is None
    told = sender.end()
    assert (told["frames"], told["rejected"]) == (len(bad) + 1, len(bad))
    sender.wait_said("dropped a message")
    events = [event for event in sender.events.so_far() if event["event"] == "returned"]
    assert all(event["data"] == "good" for event in events)


def test_messages_go_with_every_pattern(send, peer):
    for pattern in netgear.PATTERNS:
        receiver = peer(netgear.Receiver(pattern))
        value = {"of": pattern, "Grüße": [1, None]}
        sender = send(SMALL, receiver.port, pattern, "--message", json.dumps(value), "--frames", 3)
        assert receiver.recv() is not None
        for _ in receiver.frames():
            pass
        assert all(head["message"] == value for head in receiver.headers[:-1])
        sender.end()


def replies_to(sender, picture, count=2, **how):
    """What a receiver answers to some frames."""
    replies = []
    for _ in range(count):
        sender.send_parts(*sender_parts(sender, picture, **how))
        assert sender.answers(20)
        replies.append(sender.socket.recv_multipart())
    return replies


def sender_parts(sender, picture, message=None):
    head = netgear.header_of(picture, sender.pattern, message=message)
    return json.dumps(head, ensure_ascii=False).encode(), picture.tobytes()


@pytest.mark.sanitized
@pytest.mark.parametrize("pattern", LOCKSTEP)
def test_viewer_returns_values(pattern, view, peer):
    picture = pictures.picture(1)
    for value, kind in ((VALUES[0], "dict"), (True, "bool")):
        viewer = view(pattern, *BOTH_WAYS, "--return", json.dumps(value))
        sender = peer(netgear.Sender(f"tcp://127.0.0.1:{viewer.port()}", pattern))
        for reply in replies_to(sender, picture, message=value):
            assert [json.loads(part) for part in reply] == [{"return_type": kind, "data": value}]
        assert viewer.event("message")["data"] == value
        sender.terminate()
        assert len(sender.replies) == (1 if pattern == "reqrep" else 0)
        assert viewer.end()["frames"] == 2


@pytest.mark.parametrize("pattern", LOCKSTEP)
def test_viewer_without_data_returns_null(pattern, view, peer):
    viewer = view(pattern, *BOTH_WAYS)
    sender = peer(netgear.Sender(f"tcp://127.0.0.1:{viewer.port()}", pattern))
    messages = VALUES + [TOO_LONG, None]
    for message in messages:
        (reply,) = replies_to(sender, pictures.picture(1), 1, message=message)
        assert [json.loads(part) for part in reply] == [{"return_type": "NoneType", "data": None}]
    sender.terminate()
    assert viewer.end()["rejected"] == 0
    told = [event for event in viewer.events.so_far() if event["event"] == "message"]
    assert [event["data"] for event in told] == VALUES + [None, None]
    assert [event.get("data_bytes") for event in told[-3:]] == [None, len(TOO_LONG) + 2, None]


@pytest.mark.parametrize("space", [None, "BGR", "GRAY"])
def test_viewer_returns_a_picture(space, folder, view, peer):
    path, frames = pictures.film(folder, 1)
    compression = f"jpeg_compression={space or 'false'}"
    viewer = view("reqrep", *BOTH_WAYS, "--return-picture", path, "-o", compression)
    sender = peer(netgear.Sender(f"tcp://127.0.0.1:{viewer.port()}", "reqrep"))
    head, data = replies_to(sender, frames[0])[-1]
    head = json.loads(head)
    assert (head.pop("return_type"), head.pop("data")) == ("ndarray", None)
    if space is None:
        assert head == {"compression": False, "array_dtype": "uint8", "array_shape": [240, 320, 3]}
        assert data == frames[0].tobytes()
    else:
        assert head.pop("compression")["colorspace"] == space
        assert head == {"array_dtype": "", "array_shape": ""}
        assert netgear.decode_jpeg(data, space).shape == pictures.arranged(frames[0], space).shape
    sender.terminate()
    viewer.end()


def test_newest_reply_of_several_destinations(view, sightline):
    viewers = [view("reqrep", *BOTH_WAYS, "--return", str(number)) for number in range(2)]
    places = [word for each in viewers for word in ("--to", f"127.0.0.1:{each.port()}")]
    sender = sightline("send", SMALL, *places, "--pattern", "reqrep", *BOTH_WAYS)
    for number in range(2):
        sender.event("returned", lambda event, number=number: event["data"] == number)
    sender.signal(2)
    sender.end()
    for viewer in viewers:
        viewer.end()
