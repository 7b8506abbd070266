"""Streams of the interoperability matrix: ends of any make, put together as a cell of it says, and
what goes through them compared with what comes out."""

import functools
import itertools
import json

import numpy

from harness import certificates, ends, footage, matrix, netgear
from harness.netgear import PATTERNS
from harness.ports import Reserved

PROBE_HEIGHT = 16


def check_coding(head, coding):
    """Of a frame or a reply: it is in the colour space that it should be in."""
    told = head["compression"]
    assert (told["colorspace"] if told else None) == coding, f"{told}, where {coding} should be"


class NetgearCamera:
    def __init__(self, cell, coding, ports, location):
        self._coding = coding
        self._waits = cell.pattern == "reqrep"
        self._mode = mode = matrix.MODES[cell.mode]
        places = [f"tcp://127.0.0.1:{port}" for port in ports]
        self._sender = netgear.Sender(
            places if mode.multiclient else places[0],
            cell.pattern,
            request_timeout=20,
            security=certificates.Camera(location) if cell.secure else None,
            mode=mode,
            port=str(ports[0]),
        )

    def begin(self, frame, message):
        self._sender.begin(frame, self._coding, message)

    def done(self):
        return True

    def finish(self):
        reply = self._sender.finish()
        port, data = reply or (None, None) if self._mode.multiclient else (None, reply)
        if is_array(data):
            check_coding(json.loads(self._sender.replies[-1]), self._coding)
        return port, data if self._mode.bidirectional else None

    def begin_end(self):
        if self._waits:
            self._sender.terminate()
        else:
            self._sender.begin_end()

    def close(self):
        self._sender.close()


class NetgearViewer:
    def __init__(self, cell, coding, ports, location):
        mode = matrix.MODES[cell.mode]
        places = [f"tcp://127.0.0.1:{port}" for port in ports]
        self._receiver = netgear.Receiver(
            cell.pattern,
            places if mode.multiserver else places[0],
            security=certificates.Viewer(location, cell.secure) if cell.secure else None,
            mode=mode,
            port=ports[0],
            colorspace=coding,
        )
        self._coding = coding

    def give(self, data):
        self._receiver.returned = data

    def ready(self, seconds):
        return self._receiver.answers(seconds)

    def take(self):
        frame = self._receiver.recv()
        if frame is None:
            return None
        head = self._receiver.headers[-1]
        check_coding(head, self._coding)
        return frame, head["message"], head.get("port")

    def close(self):
        self._receiver.close()


class Netgear:
    """Makes NetGear's ends."""

    tells_all = True  # of every frame its message, and to a camera that there is nothing

    def __init__(self, location):
        self._location = location

    def camera(self, cell, coding, ports):
        return NetgearCamera(cell, coding, ports, self._location)

    def viewer(self, cell, coding, ports):
        return NetgearViewer(cell, coding, ports, self._location)

    def start_anew(self):
        pass


class Programs:
    """Makes ends in two programs that `start` starts: a camera's may wait for a viewer's."""

    def __init__(self, location, start, tells_all):
        self.tells_all = tells_all
        self._location = location
        self._start = functools.lru_cache(lambda role: start())

    def camera(self, cell, coding, ports):
        return ends.Sender(self._start("camera"), self._options(cell, coding, ports))

    def viewer(self, cell, coding, ports):
        return ends.Receiver(self._start("viewer"), self._options(cell, coding, ports))

    def start_anew(self):
        """After a failure, for which a program may wait for ever."""
        self._start.cache_clear()

    def _options(self, cell, coding, ports):
        modes = matrix.MODES[cell.mode]._asdict()
        return {
            "address": "127.0.0.1",
            "port": ",".join(str(port) for port in ports),
            "pattern": cell.pattern,
            "jpeg_compression": coding or "false",
            "secure_mode": cell.secure,
            "custom_cert_location": self._location.path if cell.secure else None,
            **{f"{name}_mode": "true" for name, chosen in modes.items() if chosen},
        }


def is_array(value):
    return isinstance(value, numpy.ndarray)


def same(sent, came, coding):
    """Arrays to the last bit, pictures as far as JPEG can, other values of the same type too."""
    if not is_array(sent):
        return json.dumps(sent) == json.dumps(came)
    if sent.shape != came.shape or sent.dtype != came.dtype:
        return False
    return footage.likeness_db(sent, came) > 30 if coding else sent.tobytes() == came.tobytes()


class Stream:
    """Two ends, or in the multi modes three, of a cell; `makers` make a camera's and a viewer's."""

    def __init__(self, cell, coding, makers):
        self.cell, self.coding = cell, coding
        self.frames = 0
        self._makers = makers
        self._ends = {}
        self._mode = mode = matrix.MODES[cell.mode]
        self._reserved = [Reserved() for _ in range(1 + (mode.multiserver or mode.multiclient))]
        self._ports = [port.number for port in self._reserved]
        self._hears = makers["viewer"].tells_all or mode.bidirectional or mode.multiserver

    def open(self, end):
        """Its cameras, or its viewers; one of them has all ports, several have one each."""
        several = self._mode.multiserver if end == "camera" else self._mode.multiclient
        places = [[port] for port in self._ports] if several else [self._ports]
        make = getattr(self._makers[end], end)
        self._ends[end] = [make(self.cell, self.coding, place) for place in places]

    @property
    def cameras(self):
        return self._ends["camera"]

    @property
    def viewers(self):
        return self._ends["viewer"]

    def meet(self):
        """Until no frame is lost or goes elsewhere because an end is not there yet."""
        if self.cell.pattern == "pubsub":
            for camera in self.cameras:
                self._join(camera)
        elif self._mode.multiclient:
            self._reach_all(self.cameras[0])

    def _join(self, camera):
        """Publishers lose what is sent before a subscriber has joined: sends until the newest has
        come to every viewer, so that nothing is under way any more."""
        for width in range(PROBE_HEIGHT, 1000):
            camera.begin(self._probe(width), None)
            joined, sent = [False for _ in self.viewers], False
            while not sent:
                sent = camera.done()
                joined = [
                    seen or self._probed(viewer, width)
                    for seen, viewer in zip(joined, self.viewers)
                ]
            camera.finish()
            if all(joined):
                return
        raise AssertionError("nobody joined")

    def _probe(self, width):
        orders = netgear.ORDERS.get(self.coding)
        channels = orders[3] if orders else {"CMYK": 4, "GRAY": 1, None: 1}[self.coding]
        return numpy.squeeze(numpy.zeros((PROBE_HEIGHT, width, channels), numpy.uint8))

    @staticmethod
    def _probed(viewer, width):
        while viewer.ready(0.02):
            frame = viewer.take()[0]
            if frame.shape[:2] == (PROBE_HEIGHT, width):
                return True
        return False

    def _reach_all(self, camera):
        """A camera sends to the viewers that it has found so far: sends until it has found all."""
        found = set()
        while len(found) < len(self.viewers):
            camera.begin(self._probe(PROBE_HEIGHT), None)
            (viewer,) = self._receiving()
            viewer.take()
            camera.finish()
            found.add(viewer)

    def exchange(self, camera, frame, message, back):
        """One frame with a message, what comes of it at the viewers, and what comes back."""
        if self._mode.bidirectional:
            for viewer in self.viewers:
                viewer.give(back)
        camera.begin(frame, message)
        for viewer in self._receiving():
            came, said, port = viewer.take()
            assert same(frame, came, self.coding), f"{frame.dtype} {frame.shape} is not what came"
            expected = message if self._hears else None
            assert same(expected, said, None), f"{message!r:.100} became {said!r:.100}"
            if self._mode.multiserver:
                assert self._camera_at(port) is camera
            self.frames += 1
            took = viewer
        port, returned = camera.finish()
        if self._mode.multiclient and self.cell.pattern == "reqrep":
            assert self._viewer_at(port) is took
        if self._mode.bidirectional:
            assert same(back, returned, self.coding), f"{back!r:.100} became {returned!r:.100}"

    def _receiving(self):
        """The viewers that get the frame under way: of several in reqrep, one."""
        if len(self.viewers) == 1 or self.cell.pattern == "pubsub":
            return self.viewers
        turns = itertools.islice(itertools.cycle(self.viewers), 50_000)
        return [next(viewer for viewer in turns if viewer.ready(0.002))]

    def _camera_at(self, port):
        return dict(zip(self._ports, self.cameras))[int(port)]

    def _viewer_at(self, port):
        return dict(zip(self._ports, self.viewers))[int(port)]

    def go_through(self, frames, messages, returned):
        """All frames, by each camera in turn, with a message each, and something back for each."""
        turns = itertools.cycle(self.cameras)
        for frame, message, back in zip(frames, messages, returned):
            self.exchange(next(turns), frame, message, back)

    def end(self):
        for camera in self.cameras:
            camera.begin_end()
        for viewer in self.viewers:
            assert viewer.take() is None, "a frame, where the end should be"
            viewer.close()
        for camera in self.cameras:
            camera.close()
        for port in self._reserved:
            port.close()


def go_through_cell(cell, makers):
    """Everything that can travel, in each start order and coding; tells how many frames did in each
    (order, coding). All codings' first ends are open before the second ones: cameras that have to
    look for their viewers again do so together."""
    frames = {}
    for order in matrix.ORDERS:
        streams = [Stream(cell, coding, makers) for coding in matrix.CODINGS]
        for end in matrix.ORDERS[order]:
            for stream in streams:
                stream.open(end)
        for stream in streams:
            stream.meet()
            stream.go_through(*what_travels(cell, stream.coding, order, makers["viewer"].tells_all))
            stream.end()
            frames[order, stream.coding] = stream.frames
    return frames


def what_travels(cell, coding, order, returns_null):
    """The frames, the messages, and what comes back."""
    arrays = matrix.coded_pictures(coding) if coding else matrix.arrays()
    large = [] if coding else matrix.large(cell, order)
    back = itertools.chain.from_iterable(zip(arrays, matrix.VALUES))
    if not returns_null:
        back = (data for data in back if data is not None)
    messages, back = itertools.cycle(matrix.VALUES), itertools.cycle(back)
    return arrays, itertools.chain(large, messages), itertools.chain(large, back)
