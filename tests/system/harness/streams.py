"""Streams of the interoperability matrix: ends of any make, put together as a cell of it says, and
what goes through them compared with what comes out."""

import itertools
import json

import numpy

from harness import certificates, ends, footage, matrix, netgear
from harness.netgear import PATTERNS
from harness.ports import quiet_port

PROBE_HEIGHT = 16


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
        if self._mode.multiclient:
            return reply or (None, None)
        return None, reply if self._mode.bidirectional else None

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

    def give(self, data):
        self._receiver.returned = data

    def ready(self, seconds):
        return self._receiver.answers(seconds)

    def take(self):
        frame = self._receiver.recv()
        if frame is None:
            return None
        head = self._receiver.headers[-1]
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


class Programs:
    """Makes ends in programs that `start` starts."""

    def __init__(self, location, start, tells_all):
        self.tells_all = tells_all
        self._location = location
        self._start = start
        self._idle = []

    def camera(self, cell, coding, ports):
        return ends.Sender(self._program(), self._idle, self._options(cell, coding, ports))

    def viewer(self, cell, coding, ports):
        return ends.Receiver(self._program(), self._idle, self._options(cell, coding, ports))

    def _program(self):
        return self._idle.pop() if self._idle else self._start()

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

    def __init__(self, cell, coding, order, makers):
        self.cell, self.coding = cell, coding
        self.frames = 0
        self._mode = mode = matrix.MODES[cell.mode]
        ports = [quiet_port() for _ in range(2 if mode.multiserver or mode.multiclient else 1)]
        self._ports = ports
        self._hears = makers["viewer"].tells_all or mode.bidirectional or mode.multiserver
        camera_ports = [[port] for port in ports] if mode.multiserver else [ports]
        viewer_ports = [[port] for port in ports] if mode.multiclient else [ports]
        made = {}
        for end in order.replace(" first", ""), "viewer", "camera":
            make = getattr(makers[end], end)
            places = camera_ports if end == "camera" else viewer_ports
            if end not in made:
                made[end] = [make(cell, coding, place) for place in places]
        self.cameras, self.viewers = made["camera"], made["viewer"]
        if cell.pattern == "pubsub":
            for camera in self.cameras:
                self._join(camera)
        elif mode.multiclient:
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
        turns = itertools.islice(itertools.cycle(self.viewers), 10_000)
        return [next(viewer for viewer in turns if viewer.ready(0.01))]

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


def go_through_cell(cell, makers, codings):
    """Everything that can travel, in both start orders; tells how much that was: (streams, frames)."""
    count, frames = 0, 0
    for order in matrix.ORDERS:
        for coding in codings(cell, order):
            stream = Stream(cell, coding, order, makers)
            arrays = matrix.coded_pictures(coding) if coding else matrix.arrays()
            values = matrix.VALUES if coding else matrix.values(cell, order)
            back = itertools.chain.from_iterable(zip(arrays, values))
            if not makers["viewer"].tells_all:
                back = (data for data in back if data is not None)
            stream.go_through(arrays, itertools.cycle(values), itertools.cycle(back))
            stream.end()
            count, frames = count + 1, frames + stream.frames
    return count, frames
