"""The live pattern: through every kind of way, fresh, and with strangers at either end."""

import signal
import struct
import subprocess
import threading
import time
from concurrent import futures

import pytest
import zmq
from harness import footage, netgear, pictures, timecode, y4m
from harness.netgear import PATTERNS
from harness.waiting import allow

SOURCE = "pattern:640x360@30"
HEAD = 52  # bytes of a chunk before its own


def check_stream(viewer, sender, frames):
    """The newest wins, so a busy machine may skip some at the viewer; it decodes them all."""
    sent, seen = sender.end(), viewer.end()
    assert sent["frames"] >= frames, sender.account()
    assert 0 < seen["frames"] <= sent["frames"], viewer.account()
    assert seen["rejected"] == 0, viewer.account()
    assert seen["reason"] == "peer ended", viewer.account()


@pytest.mark.sanitized
@pytest.mark.parametrize("backend", ["libssh", "openssh"])
def test_through_a_tunnel(backend, sshd, view, send):
    server = sshd()
    viewer = view("live", "--timecode")
    words = [*server.options(), "--ssh-backend", backend]
    sender = send(SOURCE, viewer.port(), "live", *words, "--frames", 60)
    check_stream(viewer, sender, 60)
    latency = viewer.event("end")["latency_ms"]
    assert 0 <= latency["p50"] <= latency["p95"] <= latency["max"]


@pytest.mark.sanitized
def test_through_a_gate(gate, camera):
    opened = gate("live")
    sender = camera(opened, "live", "--frames", 60)
    check_stream(opened.viewer, sender, 60)


@pytest.mark.parametrize("words, encoder", [
    (["-o", "video_codec=h264"], "libx264"),
    (["-o", "video_codec=hevc"], "libx265"),
    (["-o", "video_codec=av1"], "libaom-av1"),
    (["-o", "video_codec=jpeg"], "jpeg"),
    (["--jpeg", "--quality", 70], "jpeg"),
])  # fmt: skip
def test_codecs(words, encoder, view, send):
    viewer = view("live", "--timecode")
    sender = send(SOURCE, viewer.port(), "live", *words, "--frames", 30)
    check_stream(viewer, sender, 30)
    told = sender.event("end")["live"]
    assert (told["width"], told["height"]) == (640, 360)
    assert told["encoder"] == encoder


def test_name(view, send):
    viewer = view("live")
    sender = send(SOURCE, viewer.port(), "live", "--name", "front door")
    seen = viewer.event("stats", lambda event: event["cameras"], 30)["cameras"]
    assert [(camera["name"], camera["id"]) for camera in seen] == [("front door", "front-door")]
    sender.signal(signal.SIGINT)
    check_stream(viewer, sender, 1)


def test_what_is_told(view, send):
    viewer = view("live")
    sender = send(SOURCE, viewer.port(), "live", "--max-rate", 500, "--max-age", 200)
    told = sender.event("stats", lambda event: event["frames"] > 30, 30)["live"]
    assert 0 < told["target_kbit"] <= 500
    assert told["delivery_kbit"] > 0 and told["round_trip_ms"] >= 0
    assert told["window"] >= told["in_flight"] >= 0
    # The sender says when frames were captured, by the viewer's clock: no timecode is read.
    seen = viewer.event("stats", lambda event: event["frames"] > 30, 30)
    assert 0 <= seen["latency_ms"]["p50"] <= seen["latency_ms"]["p95"]
    assert seen["rate_kbit"] > 0
    # The viewer says how old what it handed out was, and so the sender knows as well.
    known = sender.event("stats", lambda event: event["latency_ms"]["p50"] is not None, 30)
    assert 0 <= known["latency_ms"]["p95"] <= known["latency_ms"]["max"]
    assert known["rate_kbit"] > 0
    sender.signal(signal.SIGINT)
    check_stream(viewer, sender, 30)


def test_nobody_watches(view, send):
    """While the viewer's reader is stuck nothing is coded; when it goes on, what comes is new."""
    viewer = view("live", sink="-", stdout=subprocess.PIPE)
    sender = send(SOURCE, viewer.port(), "live")
    reader = y4m.Reader(viewer.stdout)
    reader.luma()
    stuck = sender.event("stats", lambda event: not event["live"]["watched"], 30)
    skipped = stuck["drops"].get("skipped", 0)
    later = sender.event("stats", lambda event: event["drops"].get("skipped", 0) > skipped + 30, 30)
    assert later["encoded"] <= stuck["encoded"] + 1, sender.account()
    assert later["state"] == "connected" and later["reconnects"] == 0
    ages = [timecode.age_ms(reader.luma()) for _ in range(12)]
    assert ages[0] > 1000 and ages[-1] < allow(1000), ages
    sender.signal(signal.SIGINT)
    sender.end()
    reader.rest()
    assert viewer.end()["rejected"] == 0, viewer.account()


def test_smooth(view, send):
    """Each frame is shown so much later than it could be, and none is lost."""
    viewer = view("live", "--smooth", 300)
    sender = send(SOURCE, viewer.port(), "live", "--frames", 40)
    sender.end()
    assert viewer.end()["rejected"] == 0, viewer.account()
    told = viewer.event("end")
    assert told["latency_ms"]["p50"] >= 300
    assert told["frames"] + told["dropped"] == 40


def test_smaller_pictures_keep_their_size(view, send):
    """A narrow link makes pictures smaller on their way, and nobody at the viewer sees that."""
    viewer = view("live", sink="-", stdout=subprocess.PIPE)
    words = ["--max-rate", 40, "--prefer", "smooth"]
    sender = send("pattern:1280x720@30", viewer.port(), "live", *words)
    reader = y4m.Reader(viewer.stdout)
    with futures.ThreadPoolExecutor(1) as pool:
        shown = pool.submit(reader.rest)
        small = sender.event("stats", lambda event: event["live"]["width"] < 1280, 30)
        viewer.event("stats", lambda event: event["frames"] > small["frames"] + 10, 30)
        sender.signal(signal.SIGINT)
        sender.end()
        seen = viewer.end()
        assert (reader.width, reader.height) == (1280, 720)
        assert shown.result() == seen["frames"], viewer.account()
    assert seen["rejected"] == 0 and "unshown" not in seen["drops"], viewer.account()


def test_damaged_frame(folder, view, send):
    """It is left out, and the stream goes on."""
    path = footage.make_film(folder / "film.mjpeg", "-c:v", "mjpeg", frames=60)
    begin = b"\xff\xd8\xff"
    film = path.read_bytes().split(begin)
    middle = len(film[30]) // 2
    film[30] = film[30][:middle] + bytes(range(60)) + film[30][middle + 60 :]
    path.write_bytes(begin.join(film))
    viewer = view("live")
    sender = send(path, viewer.port(), "live")
    end = sender.end()
    assert end["drops"].get("unusable") == 1 and end["frames"] + end["dropped"] == 60
    check_stream(viewer, sender, 40)
    sender.wait_said("a frame of the source is left out")


def test_still_picture(folder, view, send):
    """It is sent now and then; to who comes, at once; and the viewer waits for nothing in vain."""
    path, _ = pictures.film(folder, numbers=[0] * 25)
    viewer = view("live", "--timeout", 10)
    port = viewer.port()
    sender = send(path, port, "live", "--loop")
    before = sender.event("stats", lambda event: event["unchanged"] > 50, 30)
    later = sender.event("stats", lambda event: event["unchanged"] > before["unchanged"] + 50, 30)
    coded, left = (later[name] - before[name] for name in ("encoded", "unchanged"))
    assert 0 < coded < left / 5, f"{coded} frames coded, and {left} not"
    viewer.signal(signal.SIGKILL)
    viewer.wait()
    again = view("live", "--port", port)
    again.after(2)
    sender.signal(signal.SIGINT)
    check_stream(again, sender, 2)


def test_picture_that_comes_to_rest_and_moves_again(folder, view, send):
    path, _ = pictures.film(folder, numbers=[*range(12), *[12] * 75, *range(12, 24)])
    viewer = view("live")
    sender = send(path, viewer.port(), "live")
    check_stream(viewer, sender, 12)
    end = sender.event("end")
    assert 0 < end["unchanged"] < 75, sender.account()
    assert end["frames"] + end["unchanged"] + end["dropped"] == 12 + 75 + 12, sender.account()


def test_session_killed(sshd, view, send):
    server = sshd()
    viewer = view("live")
    sender = send(SOURCE, viewer.port(), "live", *server.options())
    before = viewer.after(15)["frames"]
    server.kill_sessions()
    viewer.event("stats", lambda event: event["frames"] >= before + 30, 40)
    sender.signal(signal.SIGINT)
    assert sender.end()["reconnects"] >= 1, sender.account()
    assert viewer.end()["rejected"] == 0, viewer.account()


def test_viewer_that_comes_back(view, send):
    viewer = view("live")
    port = viewer.port()
    sender = send(SOURCE, port, "live")
    viewer.after(15)
    viewer.signal(signal.SIGKILL)
    viewer.wait()
    again = view("live", "--port", port)
    again.after(15)
    sender.signal(signal.SIGINT)
    check_stream(again, sender, 15)


def test_several_cameras_and_viewers(view, sightline):
    """Two cameras, each to both viewers; one camera that ends does not end the others' stream."""
    viewers = [view("live"), view("live")]
    to = [word for each in viewers for word in ("--to", f"127.0.0.1:{each.port()}")]
    first, other = (sightline("send", SOURCE, "--pattern", "live", *to) for _ in range(2))
    for viewer in viewers:
        viewer.after(30)
    first.signal(signal.SIGINT)
    first.end()
    for viewer in viewers:
        viewer.after(viewer.after(0)["frames"] + 15)
    other.signal(signal.SIGINT)
    other.end()
    for viewer in viewers:
        assert viewer.end()["reason"] == "peer ended", viewer.account()


def mismatch(theirs, ours):
    """What a sender says; first comes the way that a NetGear peer can go."""
    first, second = ("this end", "the viewer") if ours == "live" else ("the viewer", "this end")
    netgear_pattern = theirs if ours == "live" else ours
    return (f"uses the pattern {theirs}, not {ours}; "
            f"give {first} --pattern {netgear_pattern}, or {second} --pattern live")  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_another_pattern_at_the_viewer(pattern, view, send):
    viewer = view(pattern)
    sender = send(SOURCE, viewer.port(), None)
    assert mismatch(pattern, "live") in sender.end(8)["error"], sender.account()
    viewer.wait_said(f"another pattern than {pattern}.* --pattern")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_another_pattern_at_the_camera(pattern, view, send):
    viewer = view(None)
    sender = send(SOURCE, viewer.port(), pattern)
    assert mismatch("live", pattern) in sender.end(8)["error"], sender.account()
    viewer.wait_said("not live; give|another pattern than live.* pair, reqrep or pubsub here")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_netgear_viewer(pattern, send, peer):
    sender = send(SOURCE, peer(netgear.Receiver(pattern)).port, None)
    assert mismatch(pattern, "live") in sender.end(8)["error"], sender.account()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_netgear_camera(pattern, view, started):
    """It says nothing itself, and may be who finds out first and breaks off. Its messages are of no
    use here, so that a socket of its kind will do."""
    viewer = view(None)
    kind = {"pair": zmq.PAIR, "reqrep": zmq.REQ, "pubsub": zmq.PUB}[pattern]
    camera = started.enter_context(zmq.Context.instance().socket(kind))
    camera.linger = 0
    camera.connect(f"tcp://127.0.0.1:{viewer.port()}")
    if pattern == "reqrep":
        camera.send(b"{}")
        viewer.wait_said("uses the pattern reqrep, not live; give this end --pattern reqrep")
    else:
        viewer.wait_said("another pattern than live.* pair, reqrep or pubsub here")


def chunk(session, sequence, offset, total, data, flags=0, epoch=1, full=(0, 0)):
    head = struct.pack(
        ">BBHIIIIQQqHH", 1, flags, epoch, session, sequence, offset, total, 1, 0, -(2**63), *full
    )
    return b"SLLC" + head + data


def hello(session, lowest=1, highest=1):
    return b"SLLH" + struct.pack(">BBHIQQ", lowest, highest, 2, session, 1, 99) + b"stranger"


def connect(port):
    dealer = zmq.Context.instance().socket(zmq.DEALER)
    dealer.linger = 0
    dealer.rcvtimeo = int(1000 * allow(20))
    dealer.connect(f"tcp://127.0.0.1:{port}")
    return dealer


def await_kind(dealer, kind):
    while True:
        message = dealer.recv()
        if message[3:4] == kind:
            return message


@pytest.mark.sanitized
def test_strangers_at_the_viewer(view, send):
    """What makes no sense is counted and answered, and the camera beside it goes on."""
    viewer = view("live")
    sender = send(SOURCE, viewer.port(), "live")
    viewer.after(5)
    dealer = connect(viewer.port())
    dealer.send(hello(7, 5, 9))
    assert b"version 5 to 9" in await_kind(dealer, b"R")
    dealer.send(hello(7))
    await_kind(dealer, b"W")
    whole = b"no video at all " * 8
    bad = [
        b"", b"SLL", b"SLLx", b"SLLC", b"junk", whole,
        chunk(7, 1, 0, len(whole), whole, 1),
        chunk(7, 2, 5, 100, b"gap"),
        chunk(7, 3, 0, 2**32 - 1, b"huge", 1),
        chunk(7, 3, 90, 100, b"beyond the end", 1),
        chunk(7, 4, 0, 100, b"begun", 1),
        chunk(7, 4, 2, 100, b"overlap"),
        chunk(7, 4, 2, 100, b"another epoch", 0, 9),
        chunk(7, 5, 0, 100, b"immense", 1, 1, (65535, 65535)),
        chunk(7, 6, 0, 100, b"flat", 1, 1, (0, 100)),
        chunk(8, 1, 0, 9, b"session 8", 1),
    ]  # fmt: skip
    for message in bad:
        dealer.send(message)
    dealer.send_multipart([b"two", b"parts"])
    dealer.send(b"SLLP" + struct.pack(">IQ", 7, 42))
    assert await_kind(dealer, b"Q")[9:17] == struct.pack(">Q", 42)
    counted = viewer.event("stats", lambda event: event["rejected"] >= 14, 30)
    viewer.event("stats", lambda event: event["frames"] >= counted["frames"] + 30, 30)
    dealer.close()
    sender.signal(signal.SIGINT)
    assert sender.end()["reconnects"] == 0, sender.account()


class Liar:
    """A viewer that says what it likes: a ROUTER, and what its sender has said."""

    def __init__(self):
        self.router = zmq.Context.instance().socket(zmq.ROUTER)
        self.router.linger = 0
        self.router.rcvtimeo = int(1000 * allow(20))
        self.port = self.router.bind_to_random_port("tcp://127.0.0.1")
        self.sender = self.session = None

    def next(self, kind):
        while True:
            self.sender, message = self.router.recv_multipart()
            if message[3:4] == kind:
                return message

    def welcome(self, codecs=15, versions=(1, 1)):
        """Gives back the bits of what the sender can make."""
        said = self.next(b"H")
        self.session, sent = said[8:12], said[12:20]
        now = struct.pack(">Q", int(time.time() * 1e6))
        self.say(b"SLLW" + struct.pack(">BBH", *versions, codecs) + self.session + sent + now)
        return struct.unpack(">H", said[6:8])[0]

    def say(self, message):
        self.router.send_multipart([self.sender, message])

    def ack(self, *what, **more):
        self.say(self.written_ack(*what, **more))

    def written_ack(self, said, count, came=1, sequence=None, sent=None):
        epoch = said[6:8]
        sequence = sequence or said[12:16]
        offset = struct.pack(">I", struct.unpack(">I", said[16:20])[0] + len(said) - HEAD)
        times = (sent or said[24:32]) + struct.pack(">Q", came)
        return (b"SLLA\0" + self.session + epoch + sequence + offset
                + struct.pack(">Q", count) + times + bytes(8))  # fmt: skip


@pytest.mark.sanitized
def test_strangers_at_the_camera(send):
    """A viewer that lies is not believed: the window bounds what is sent, and nothing crashes."""
    liar = Liar()
    sender = send(SOURCE, liar.port, "live")
    liar.next(b"H")
    liar.say(b"SLLR\x01\x01full for now")
    liar.welcome()  # it has said hello again
    sender.wait_said("refuses this camera for now: full for now")
    first = liar.next(b"C")
    liar.ack(first, 2**62)  # more than was sent
    liar.ack(first, 10**15, came=2**52)
    liar.ack(first, len(first) - HEAD, sent=struct.pack(">Q", 2**52))  # from the future
    liar.ack(first, len(first) - HEAD, sequence=b"\xff\xff\xff\xff")
    liar.ack(first, len(first) - HEAD, sequence=bytes(4))  # before the first frame
    for message in (b"", b"SLL", b"SLLA", b"SLLZ", b"SLLC" + bytes(60), b"SLLH" + bytes(20)):
        liar.say(message)
    counted = sender.event("stats", lambda event: event["rejected"] >= 11, 30)
    assert counted["bytes"] < 1_000_000, "it sends though nothing was acknowledged"
    liar.ack(first, 100, came=2**52)
    liar.ack(first, 100, came=1)
    liar.ack(first, 99)  # fewer than before
    sender.event("stats", lambda event: event["rejected"] >= 12, 30)
    liar.say(b"SLLR\x02\x03too old")
    assert "too old" in sender.end(8)["error"]
    liar.router.close()


def test_viewer_of_another_version(send):
    viewer = Liar()
    sender = send(SOURCE, viewer.port, "live")
    viewer.welcome(versions=(2, 3))
    assert "in version 2 to 3" in sender.end(8)["error"]
    viewer.router.close()


@pytest.mark.parametrize("words", [(), ("-o", "video_codec=h264")])
def test_viewer_that_decodes_jpeg_alone(words, send):
    """It gets JPEG, unless another codec was asked for."""
    viewer = Liar()
    sender = send(SOURCE, viewer.port, "live", *words)
    assert viewer.welcome(codecs=1) & 3 == 3
    if words:
        assert "can't decode" in sender.end(8)["error"]
    else:
        assert viewer.next(b"C")[4] == 0, "no JPEG"
    viewer.router.close()


def test_viewer_that_decodes_nothing(send):
    viewer = Liar()
    sender = send(SOURCE, viewer.port, "live")
    viewer.welcome(codecs=1 << 12)  # of a later version, perhaps
    assert "can't decode" in sender.end(8)["error"]
    viewer.router.close()


def now_us():
    return time.monotonic_ns() // 1000


class Narrow(Liar):
    """A viewer to which all comes as over a way that passes so many bits a second: it acknowledges
    each piece when that would have come."""

    RATE_BPS = 200_000

    def __init__(self):
        super().__init__()
        self.frames = []  # of each that came whole: whether it needs none before it
        self._bytes = self._free_us = 0
        self._due = []  # (when, what is said then), in order
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._over.is_set():
            wait_us = self._due[0][0] - now_us() if self._due else 100_000
            if self.router.poll(max(0, wait_us / 1000)):
                self.sender, said = self.router.recv_multipart()
                self._answer(said)
            while self._due and self._due[0][0] <= now_us():
                self.say(self._due.pop(0)[1])

    def _pass(self, sent, size):
        """When so many bytes come that left then, by the one clock of this machine."""
        self._free_us = max(self._free_us, struct.unpack(">Q", sent)[0])
        self._free_us += size * 8_000_000 // self.RATE_BPS
        return self._free_us


    def _answer(self, said):
        if said[3:4] == b"H":
            self.session, sent = said[8:12], said[12:20]
            self._bytes = 0
            head = b"SLLW" + struct.pack(">BBH", 1, 1, 15)
            self._answer_at(self._pass(sent, 0), head + self.session + sent)
        elif said[3:4] == b"P":
            self._answer_at(self._pass(said[8:16], 0), b"SLLQ\0" + said[4:16])
        elif said[3:4] == b"C":
            self._take(said)

    def _answer_at(self, came_us, head):
        self._due.append((came_us, head + struct.pack(">Q", came_us)))

    def _take(self, said):
        size = len(said) - HEAD
        offset, total = struct.unpack(">II", said[16:24])
        self._bytes += size
        came_us = self._pass(said[24:32], size)
        self._due.append((came_us, self.written_ack(said, self._bytes, came_us)))
        if offset + size == total:
            self.frames.append(bool(said[5] & 1))

    def close(self):
        self._over.set()
        self._thread.join()
        self.router.close()


def coded_apart(event):
    """Whether the last of the destinations has an encoding for what its way passes."""
    *others, slow = (each.get("live") for each in event["destinations"])
    return (
        slow is not None
        and slow["target_kbit"] * 1000 < Narrow.RATE_BPS
        and all(each and each["quantiser"] < slow["quantiser"] for each in others)
        and event["encoded"] > event["frames"]
    )


class Unbroken:
    """Whether each of the first destinations got so many frames running, without one dropped."""

    def __init__(self, destinations, frames):
        self.destinations, self.frames, self.since = destinations, frames, {}

    def __call__(self, event):
        return all([self._unbroken(each) for each in event["destinations"][: self.destinations]])

    def _unbroken(self, destination):
        dropped, frames = self.since.get(destination["name"], (None, 0))
        if dropped != destination["dropped"]:
            dropped, frames = destination["dropped"], destination["frames"]
            self.since[destination["name"]] = dropped, frames
        return destination["frames"] >= frames + self.frames


@pytest.mark.sanitized
def test_one_slow_viewer_of_three(view, sightline):
    """It gets an encoding of its own, and the others go on with theirs as if it were not there."""
    viewers, slow = [view("live"), view("live")], Narrow()
    ports = [*(viewer.port() for viewer in viewers), slow.port]
    to = [word for port in ports for word in ("--to", f"127.0.0.1:{port}")]
    try:
        sender = sightline("send", "pattern:640x360@10", "--pattern", "live", *to)
        sender.event("stats", coded_apart, 60)
        before = len(slow.frames)
        sender.next_stats(Unbroken(2, 20), 60)
        sender.next_stats(lambda _: len(slow.frames) >= before + 20, 60)
        # It misses nothing of what is coded for it; another size begins with a keyframe.
        assert sum(slow.frames[before + 2 : before + 20]) <= 4
        sender.signal(signal.SIGINT)
        sender.end()
    finally:
        slow.close()
    for viewer in viewers:
        assert viewer.end()["rejected"] == 0, viewer.account()
