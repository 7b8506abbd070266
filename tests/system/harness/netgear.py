"""A NetGear peer, both roles, written from the protocol's description.

The receiver binds, the sender connects. A frame is one message of two parts, a JSON object and the
bytes; patterns 0 (pair) and 1 (reqrep) answer each frame with one text part.
"""

import io
import json
import random
import string

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


def encode_jpeg(frame, colorspace="BGR", quality=90):
    """A frame whose pixels are ordered as the colour space says, as JPEG bytes."""
    stream = io.BytesIO()
    if colorspace == "GRAY":
        Image.fromarray(frame.reshape(frame.shape[:2]), "L").save(stream, "JPEG", quality=quality)
    else:
        picture = numpy.ascontiguousarray(frame[:, :, list(ORDERS[colorspace][:3])])
        Image.fromarray(picture, "RGB").save(stream, "JPEG", quality=quality, subsampling=1)
    return stream.getvalue()


def decode_jpeg(data, colorspace="BGR"):
    """JPEG bytes as an array with its pixels ordered as the colour space says."""
    picture = Image.open(io.BytesIO(data))
    if colorspace == "GRAY":
        return numpy.asarray(picture.convert("L"))
    rgb = numpy.asarray(picture.convert("RGB"))
    red, green, blue, width = ORDERS[colorspace]
    frame = numpy.full((*rgb.shape[:2], width), 255, numpy.uint8)
    frame[:, :, red], frame[:, :, green], frame[:, :, blue] = (rgb[:, :, i] for i in range(3))
    return frame


def header_of(frame, pattern, colorspace=None, message=None):
    """The JSON object that goes before a frame; `colorspace` None means raw."""
    compression = {"dct": True, "ups": False, "colorspace": colorspace} if colorspace else False
    return {
        "terminate_flag": False,
        "compression": compression,
        "message": message,
        "pattern": str(PATTERNS[pattern]),
        "dtype": "" if colorspace else str(frame.dtype),
        "shape": "" if colorspace else list(frame.shape),
    }


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
    """The camera end. Patterns 0 and 1 wait for each reply, retry on a new socket, then give up."""

    def __init__(
        self, endpoint, pattern, request_timeout=4, max_retries=3, publisher=zmq.PUB, security=None
    ):
        super().__init__((zmq.PAIR, zmq.REQ, publisher), pattern, security)
        self.endpoint = endpoint
        self.replies = []
        self._request_timeout = request_timeout
        self._max_retries = max_retries
        self._left = max_retries
        self.socket.connect(endpoint)

    def wait_subscriber(self, seconds=20):
        """Waits until a receiver has subscribed; needs `publisher=zmq.XPUB`, which hears of it."""
        assert self.answers(seconds), "nobody subscribed"
        self.socket.recv()

    def send_parts(self, *parts):
        self.socket.send_multipart(parts, copy=False)

    def send(self, frame, colorspace=None, message=None):
        """Sends one frame; returns the reply's text, or None where there is none."""
        header = header_of(frame, self.pattern, colorspace, message)
        if colorspace:
            data = encode_jpeg(frame, colorspace)
        else:
            data = numpy.ascontiguousarray(frame).tobytes()
        self.send_parts(json.dumps(header).encode(), data)
        return self._wait_reply() if PATTERNS[self.pattern] < 2 else None

    def _wait_reply(self):
        if self.answers(self._request_timeout):
            self.replies.append(self.socket.recv().decode())
            self._left = self._max_retries
            return self.replies[-1]
        self.socket.close(linger=0)
        self._left -= 1
        if self._left == 0:
            raise RuntimeError("the receiver does not answer")
        self.socket = self._new_socket()
        self.socket.connect(self.endpoint)
        return None

    def terminate(self):
        """Says that the stream ends; waits a fifth of the request timeout for an answer."""
        self.send_parts(json.dumps({"terminate_flag": True}).encode())
        if PATTERNS[self.pattern] < 2 and self.answers(self._request_timeout / 5):
            self.replies.append(self.socket.recv().decode())


def subscribed_sender(endpoint, pattern, security=None):
    """A sender that, over pubsub, loses nothing to a receiver that has not quite joined yet."""
    sender = Sender(endpoint, pattern, publisher=zmq.XPUB, security=security)
    if pattern == "pubsub":
        sender.wait_subscriber()
    return sender


class Receiver(Peer):
    """The viewer end, bound to a free port unless told an endpoint."""

    def __init__(self, pattern, endpoint="tcp://127.0.0.1:*", security=None):
        super().__init__(RECEIVER_SOCKETS, pattern, security)
        self.socket.bind(endpoint)
        self.endpoint = self.socket.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
        name = "".join(random.choices(string.ascii_uppercase + string.digits, k=8))
        self._reply = f"Data received on device: {name} !"
        self.headers = []
        self.ended = False

    @property
    def port(self):
        return int(self.endpoint.rsplit(":", 1)[1])

    def recv_parts(self, seconds=20):
        """The next message's parts, or None when nothing comes in time."""
        return self.socket.recv_multipart() if self.answers(seconds) else None

    def reply(self):
        self.socket.send_string(self._reply)

    def recv(self, seconds=20):
        """The next frame as an array, or None after the sender has ended."""
        parts = self.recv_parts(seconds)
        assert parts is not None, f"nothing came within {seconds} s"
        header = json.loads(parts[0])
        self.headers.append(header)
        if header["terminate_flag"]:
            self._acknowledge_end()
            return None
        assert len(parts) == 2, f"a frame of {len(parts)} parts"
        if PATTERNS[self.pattern] < 2:
            self.reply()
        if header["compression"]:
            return decode_jpeg(parts[1], header["compression"]["colorspace"])
        return numpy.frombuffer(parts[1], header["dtype"]).reshape(header["shape"])

    def _acknowledge_end(self):
        self.ended = True
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
