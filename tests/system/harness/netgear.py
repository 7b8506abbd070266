"""A NetGear peer, both roles, written from the protocol's description.

The receiver binds, the sender connects. A frame is one message of two parts, a JSON object and the
bytes; patterns 0 (pair) and 1 (reqrep) answer each frame: with one text part, or in bidirectional
and multi-client mode with a JSON object and, when an array is returned, its bytes.
"""

import io
import json
import random
import string
import typing

import numpy
import zmq
from PIL import Image

from harness.waiting import allow

PATTERNS = {"pair": 0, "reqrep": 1, "pubsub": 2}
RECEIVER_SOCKETS = (zmq.PAIR, zmq.REP, zmq.SUB)

# Where red, green and blue stand in a pixel of each JPEG colour space, and how wide it is.
ORDERS = {
    "RGB": (0, 1, 2, 3), "BGR": (2, 1, 0, 3), "RGBX": (0, 1, 2, 4), "BGRX": (2, 1, 0, 4),
    "XRGB": (1, 2, 3, 4), "XBGR": (3, 2, 1, 4), "RGBA": (0, 1, 2, 4), "BGRA": (2, 1, 0, 4),
    "ARGB": (1, 2, 3, 4), "ABGR": (3, 2, 1, 4),
}  # fmt: skip
COLORSPACES = (*ORDERS, "GRAY", "CMYK")


class Mode(typing.NamedTuple):
    """NetGear's modes: plain when all are false."""

    bidirectional: bool = False
    multiserver: bool = False
    multiclient: bool = False

    @property
    def returns(self):
        """Whether replies bring data."""
        return self.bidirectional or self.multiclient


PLAIN = Mode()


def encode_jpeg(frame, colorspace="BGR", quality=90):
    """A frame whose pixels are ordered as the colour space says, as JPEG bytes."""
    stream = io.BytesIO()
    if colorspace == "GRAY":
        picture = Image.fromarray(frame.reshape(frame.shape[:2]), "L")
    elif colorspace == "CMYK":  # Pillow writes inks inverted, others as they are
        picture = Image.fromarray(numpy.ascontiguousarray(255 - frame), "CMYK")
    else:
        rgb = numpy.ascontiguousarray(frame[:, :, list(ORDERS[colorspace][:3])])
        picture = Image.fromarray(rgb, "RGB")
    halved = colorspace in ORDERS  # Pillow halves black too, which no other JPEG program does
    picture.save(stream, "JPEG", quality=quality, subsampling=1 if halved else 0)
    return stream.getvalue()


def decode_jpeg(data, colorspace="BGR"):
    """JPEG bytes as an array with its pixels ordered as the colour space says."""
    picture = Image.open(io.BytesIO(data))
    if colorspace == "GRAY":
        return numpy.asarray(picture.convert("L"))
    if colorspace == "CMYK":
        assert picture.mode == "CMYK", f"the JPEG holds {picture.mode}"
        return 255 - numpy.asarray(picture)
    rgb = numpy.asarray(picture.convert("RGB"))
    red, green, blue, width = ORDERS[colorspace]
    frame = numpy.full((*rgb.shape[:2], width), 255, numpy.uint8)
    frame[:, :, red], frame[:, :, green], frame[:, :, blue] = (rgb[:, :, i] for i in range(3))
    return frame


def encode(frame, colorspace):
    """A frame's bytes; `colorspace` None means raw."""
    return encode_jpeg(frame, colorspace) if colorspace else numpy.ascontiguousarray(frame).tobytes()


def decode(data, compression, dtype, shape):
    """The frame of these bytes, by what was said about them."""
    if compression:
        return decode_jpeg(data, compression["colorspace"])
    return numpy.frombuffer(data, dtype).reshape(shape)


def compression_of(colorspace):
    return {"dct": True, "ups": False, "colorspace": colorspace} if colorspace else False


def header_of(frame, pattern, colorspace=None, message=None):
    """The JSON object that goes before a frame; `colorspace` None means raw."""
    return {
        "terminate_flag": False,
        "compression": compression_of(colorspace),
        "message": message,
        "pattern": str(PATTERNS[pattern]),
        "dtype": "" if colorspace else str(frame.dtype),
        "shape": "" if colorspace else list(frame.shape),
    }


def reply_of(data, colorspace=None):
    """The parts of a reply that brings data: any JSON value, an array, or nothing."""
    if not isinstance(data, numpy.ndarray):
        return [{"return_type": type(data).__name__, "data": data}]
    head = {
        "return_type": "ndarray",
        "compression": compression_of(colorspace),
        "array_dtype": "" if colorspace else str(data.dtype),
        "array_shape": "" if colorspace else list(data.shape),
        "data": None,
    }
    return [head, encode(data, colorspace)]


def returned_by(head, parts):
    """The data of such a reply."""
    if head["return_type"] != "ndarray":
        return head["data"]
    return decode(parts[0], head["compression"], head["array_dtype"], head["array_shape"])


class Peer:
    """What both roles share: a context of their own, one socket, and its end. `security` is one of
    certificates.py, or None."""

    def __init__(self, kinds, pattern, security=None):
        self.pattern = pattern
        self._context = zmq.Context()
        self._security = security
        if security:
            security.start(self._context)
        self._kind = kinds[PATTERNS[pattern]]
        self.socket = self._new_socket()

    def _new_socket(self):
        made = self._context.socket(self._kind)
        made.setsockopt(zmq.LINGER, 0)
        made.setsockopt(zmq.IPV6, 1)
        if self._kind == zmq.REQ:
            made.setsockopt(zmq.REQ_RELAXED, 1)
            made.setsockopt(zmq.REQ_CORRELATE, 1)
        if self._kind in (zmq.PUB, zmq.XPUB, zmq.SUB):
            made.setsockopt(zmq.SNDHWM, 1)
            made.setsockopt(zmq.RCVHWM, 1)
        if self._kind == zmq.SUB:
            made.setsockopt(zmq.SUBSCRIBE, b"")
        if self._security:
            self._security.secure(made)
        return made

    def answers(self, seconds):
        return self.socket.poll(int(allow(seconds) * 1000), zmq.POLLIN) != 0

    def close(self):
        if self._security:
            self._security.stop()
        self._context.destroy(linger=0)


class Sender(Peer):
    """The camera end. Patterns 0 and 1 wait for each reply, retry on a new socket, then give up.

    In multi-client mode there are several endpoints, in multi-server mode `port` is this sender's.
    """

    def __init__(
        self, endpoint, pattern, request_timeout=4, max_retries=3, publisher=zmq.PUB, security=None,
        mode=PLAIN, port=None,
    ):  # fmt: skip
        super().__init__((zmq.PAIR, zmq.REQ, publisher), pattern, security)
        self.endpoints = endpoint if mode.multiclient else [endpoint]
        self.replies = []
        self._mode, self._port = mode, {"port": port} if mode.multiserver else {}
        self._request_timeout = request_timeout
        self._max_retries = max_retries
        self._left = max_retries
        self._connect()

    def _connect(self):
        for endpoint in self.endpoints:
            self.socket.connect(endpoint)

    def wait_subscriber(self, seconds=20):
        """Waits until a receiver has subscribed; needs `publisher=zmq.XPUB`, which hears of it."""
        assert self.answers(seconds), "nobody subscribed"
        self.socket.recv()

    def send_parts(self, *parts):
        # By itself a publisher looks once a millisecond at most whether its queue of one has room.
        self.socket.getsockopt(zmq.EVENTS)
        self.socket.send_multipart(parts, copy=False)

    def begin(self, frame, colorspace=None, message=None):
        """Sends one frame and waits for nothing."""
        header = {**self._port, **header_of(frame, self.pattern, colorspace, message)}
        self.send_parts(json.dumps(header).encode(), encode(frame, colorspace))

    def finish(self):
        """The reply: its text, the data that it brought, or in multi-client mode the port and the
        data; None where there is none."""
        return self._wait_reply() if PATTERNS[self.pattern] < 2 else None

    def send(self, frame, colorspace=None, message=None):
        self.begin(frame, colorspace, message)
        return self.finish()

    def _wait_reply(self):
        if self.answers(self._request_timeout):
            head, *parts = self.socket.recv_multipart()
            self.replies.append(head.decode())
            self._left = self._max_retries
            return self._read_reply(head.decode(), parts)
        self.socket.close(linger=0)
        self._left -= 1
        if self._left == 0:
            raise RuntimeError("the receiver does not answer")
        self.socket = self._new_socket()
        self._connect()
        return None

    def _read_reply(self, text, parts):
        if not self._mode.returns:
            return text
        head = json.loads(text)
        data = returned_by(head, parts)
        return (head["port"], data) if self._mode.multiclient else data

    def begin_end(self):
        """Says that the stream ends."""
        self.send_parts(json.dumps({"terminate_flag": True, **self._port}).encode())

    def terminate(self):
        """Says it, to each endpoint in turn; waits a fifth of the request timeout for an answer."""
        for _ in self.endpoints:
            self.begin_end()
            if PATTERNS[self.pattern] < 2 and self.answers(self._request_timeout / 5):
                self.replies.append(self.socket.recv().decode())


def subscribed_sender(endpoint, pattern, security=None, request_timeout=4):
    """A sender that, over pubsub, loses nothing to a receiver that has not quite joined yet."""
    sender = Sender(endpoint, pattern, request_timeout, publisher=zmq.XPUB, security=security)
    if pattern == "pubsub":
        sender.wait_subscriber()
    return sender


class Receiver(Peer):
    """The viewer end, bound to a free port unless told an endpoint; in multi-server mode to
    several. `returned` goes with every reply of the modes that return data, coded as `colorspace`
    says."""

    def __init__(
        self, pattern, endpoint="tcp://127.0.0.1:*", security=None, mode=PLAIN, port=None,
        colorspace=None,
    ):  # fmt: skip
        super().__init__(RECEIVER_SOCKETS, pattern, security)
        for place in endpoint if mode.multiserver else [endpoint]:
            self.socket.bind(place)
        self.endpoint = self.socket.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
        name = "".join(random.choices(string.ascii_uppercase + string.digits, k=8))
        self._reply = f"Data received on device: {name} !"
        self._mode, self._port = mode, {"port": port} if mode.multiclient else {}
        self._colorspace = colorspace
        self._senders = set()
        self.returned = None
        self.headers = []
        self.ended = False

    @property
    def port(self):
        return int(self.endpoint.rsplit(":", 1)[1])

    def recv_parts(self, seconds=20):
        """The next message's parts, or None when nothing comes in time."""
        return self.socket.recv_multipart() if self.answers(seconds) else None

    def reply(self):
        if not self._mode.returns:
            self.socket.send_string(self._reply)
            return
        head, *parts = reply_of(self.returned, self._colorspace)
        self.socket.send_multipart([json.dumps({**self._port, **head}).encode(), *parts])

    def recv(self, seconds=20):
        """The next frame as an array, or None after the last sender has ended."""
        while not self.ended:
            parts = self.recv_parts(seconds)
            assert parts is not None, f"nothing came within {seconds} s"
            header = json.loads(parts[0])
            self.headers.append(header)
            if not header["terminate_flag"]:
                return self._take_frame(header, parts)
            self._take_end(header)
        return None

    def _take_frame(self, header, parts):
        assert len(parts) == 2, f"a frame of {len(parts)} parts"
        if self._mode.multiserver:
            self._senders.add(header["port"])
        if PATTERNS[self.pattern] < 2:
            self.reply()
        return decode(parts[1], header["compression"], header["dtype"], header["shape"])

    def _take_end(self, header):
        if self._mode.multiserver:
            self._senders.discard(header["port"])
        self.ended = not self._senders
        if PATTERNS[self.pattern] == 1:
            self.socket.send_string("Termination signal successfully received at client-end!")

    def frames(self, most=None, seconds=20):
        """Yields frames until the sender ends, or `most` have come."""
        count = 0
        while most is None or count < most:
            frame = self.recv(seconds)
            if frame is None:
                return
            count += 1
            yield frame
