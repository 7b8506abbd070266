"""`--sink -`: Y4M on standard output, as other programs read it."""

import signal
import subprocess

import pytest
from harness import footage, y4m

SOURCE = "pattern:320x240@60"


@pytest.mark.sanitized
def test_ffmpeg_reads_it(folder, view, send):
    viewer = view("pair", sink="-", stdout=subprocess.PIPE)
    path = folder / "read.avi"
    words = ["ffmpeg", "-v", "error", "-i", "-", "-c:v", "rawvideo", str(path)]
    with subprocess.Popen(words, stdin=viewer.stdout) as reader:
        viewer.stdout.close()
        send(SOURCE, viewer.port(), "pair", "--frames", 30).end()
        viewer.end()
        assert reader.wait(30) == 0
    film = footage.probe(path)
    assert (film["frames"], film["width"], film["height"]) == (30, 320, 240)


def test_every_byte_is_a_frames(view, send):
    viewer = view("pair", sink="-", stdout=subprocess.PIPE)
    send(SOURCE, viewer.port(), "pair", "--frames", 20)
    reader = y4m.Reader(viewer.stdout)
    assert (reader.width, reader.height) == (320, 240)
    assert reader.rest() == 20
    viewer.end()


def test_gray_stream(view, send):
    viewer = view("pair", sink="-", stdout=subprocess.PIPE)
    words = ["-o", "jpeg_compression=GRAY", "--frames", 10]
    send(SOURCE, viewer.port(), "pair", *words)
    reader = y4m.Reader(viewer.stdout)
    planes = reader.read()
    assert planes[0].std() > 10
    assert all((plane == 128).all() for plane in planes[1:])
    assert reader.rest() == 9
    viewer.end()


def test_reader_that_goes_away(view, send):
    viewer = view("pair", sink="-", stdout=subprocess.PIPE)
    sender = send(SOURCE, viewer.port(), "pair")
    y4m.Reader(viewer.stdout).read()
    viewer.stdout.close()
    assert viewer.end()["reason"] == "reader left"
    sender.kill()


def test_full_device(view, send):
    with open("/dev/full", "wb") as full:
        viewer = view("pair", sink="-", stdout=full)
        sender = send(SOURCE, viewer.port(), "pair")
        viewer.expect(3).sentence("space")
    sender.kill()


def test_interrupt_ends_with_a_whole_frame(view, send):
    viewer = view("pair", sink="-", stdout=subprocess.PIPE)
    sender = send(SOURCE, viewer.port(), "pair")
    reader = y4m.Reader(viewer.stdout)
    for _ in range(10):
        reader.read()
    viewer.signal(signal.SIGINT)
    rest = viewer.stdout.read()
    assert rest.count(b"FRAME\n") * (320 * 240 * 3 // 2 + 6) in (len(rest), 0) or rest == b""
    assert viewer.end()["reason"] == "interrupted"
    sender.kill()


def test_events_and_pictures_cannot_share_standard_output(sightline):
    words = ["view", "--port", 0, "--sink", "-", "--stats", "-"]
    viewer = sightline(*words, events=False)
    viewer.expect(2)
    assert len(viewer.sentences()) == 1
