"""The programs that users are to begin with do what they say, with each other and the command."""

import signal
import subprocess

import pytest
from harness import ends, footage
from harness.browsers import Page, Reader
from harness.ports import free_port, free_ports
from harness.processes import ROOT, Process
from harness.waiting import Lines

SOURCE = "pattern:64x48@60"


class Example(Process):
    """One under way, and what it prints."""

    def __init__(self, words, environment, folder):
        super().__init__(words, environment, folder, stdout=subprocess.PIPE)
        self.printed = Lines(self.stdout)

    def wait_printed(self, text):
        line = self.printed.wait_for(lambda line: text in line, 20)
        assert line is not None, f"it never printed {text!r}\n{self.account()}"

    def output(self):
        """All that it printed, once it has ended well."""
        self.expect(0)
        self.printed.wait_end(5)
        return "\n".join(self.printed.so_far())


@pytest.fixture
def example(folder, environment, programs):
    """Builds one, and starts it."""

    def start(name, *words):
        program = ends.build(folder, ROOT / "examples" / f"{name}.c")
        programs.append(Example([program, *words], environment, folder))
        return programs[-1]

    return start


def test_camera_and_viewer(example):
    port = free_port()
    viewer = example("viewer", port)
    camera = example("camera", SOURCE, port)
    camera.stopped_by_test = True
    viewer.wait_printed("uint8, 48 x 64 x 3: 9216 bytes")
    camera.signal(signal.SIGTERM)
    camera.wait()
    array = example("array", port)
    viewer.wait_printed("float32, 120 x 160: 76800 bytes")
    array.expect(0)
    viewer.expect(0)


def test_both_ways(example):
    output = example("bidirectional", free_port()).output()
    assert "the camera says" in output and "pan" in output


def test_certificates(example, plain, sightline, folder):
    keys = folder / "home" / ".vidgear" / "keys" / "public_keys"
    viewers = folder / ".vidgear" / "keys" / "public_keys"
    plain("keys", "make", "viewer", "--cert-location", folder).expect(0)
    (viewers / "client.key").write_text(example("secure").output(), encoding="ascii")
    (keys / "server.key").write_bytes((viewers / "server.key").read_bytes())
    place = ["--address", "127.0.0.1", "--port", 0, "--pattern", "pair"]
    place += ["--sink", "null", "--frames", 5]
    viewer = sightline("view", *place, "--secure-mode", 2, "--cert-location", folder)
    camera = example("secure", viewer.ready()["port"], SOURCE)
    assert viewer.end()["frames"] == 5
    camera.stopped_by_test = True
    camera.signal(signal.SIGTERM)
    camera.wait()


def test_several_viewers(example, view):
    viewers = [view("pair"), view("pair")]
    places = [f"127.0.0.1:{viewer.ready()['port']}" for viewer in viewers]
    output = example("several", "pattern:64x48@240", ";".join(places)).output()
    assert all(place in output for place in places)
    assert all(viewer.end()["frames"] > 0 for viewer in viewers)


def test_two_cameras(example, send):
    ports = free_ports(2)
    viewer = example("two_cameras", ",".join(map(str, ports)))
    senders = [
        send(SOURCE, port, "pubsub", "-o", "multiserver_mode=true") for port in ports
    ]
    for port in ports:
        viewer.wait_printed(f"camera {port}: 64x48")
    for sender in senders:
        sender.signal(signal.SIGINT)
        sender.end()
    viewer.expect(0)


def test_recording(example, sightline, folder):
    port = free_port()
    recorder = example("recorder", port, f"record={folder / 'disk'}")
    place = ["--address", "127.0.0.1", "--port", port]
    sent = sightline("send", SOURCE, *place, "--duration", 2).end()
    assert "on " in recorder.output()
    (path,) = (folder / "disk").glob("*/*.mkv")
    assert footage.probe(path)["frames"] >= sent["frames"] - 2


def test_page(example, sightline):
    port = free_port()
    page = example("page", port, 0)
    page.wait_printed("http://127.0.0.1:")
    browser = Page(page.printed.so_far()[0])
    sightline("send", SOURCE, "--address", "127.0.0.1", "--port", port)
    camera = browser.first_camera()
    frames = browser.stream(camera + "/stream?as=frames")
    pictures = browser.stream(camera + "/stream")
    assert len(Reader(frames.record, lambda taken: len(taken) >= 10).wait()) >= 10
    assert pictures.part()[1].startswith(b"\xff\xd8")
