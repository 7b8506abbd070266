"""What can be sent: files, test patterns, pipes, the screen; and what can't, with its sentence."""

import signal
import subprocess
import time

import numpy
import pytest
from harness import footage, netgear, pictures, timecode, y4m

ANYWHERE = ["--address", "127.0.0.1", "--port", "9", "--pattern", "pair"]


def collected(receiver, sender, most):
    """The frames up to the end; whatever ended the sender before it sent any is told."""
    frames = []
    try:
        frames.extend(receiver.frames(most, seconds=10))
    except AssertionError as error:
        raise AssertionError(f"{error}\n{sender.account()}") from None
    return frames


@pytest.fixture
def received(send, peer):
    """All that a NetGear receiver gets from `sightline send` with these words, raw."""

    def run(source, *words, most=None, **channels):
        receiver = peer(netgear.Receiver("pair"))
        sender = send(source, receiver.port, "pair", "--raw", *words, **channels)
        frames = collected(receiver, sender, most)
        if most is not None:
            sender.signal(signal.SIGINT)
            list(receiver.frames())
        return frames, sender.end()

    return run


@pytest.fixture
def refused(sightline):
    """`sightline send` with a source that must fail: exit 3, one sentence."""

    def run(source, *words, code=3, **channels):
        sender = sightline("send", source, *ANYWHERE, *words, **channels)
        sender.expect(code)
        assert len(sender.sentences()) == 1, sender.account()
        return sender.sentence()

    return run


def test_loop_begins_again(folder, received):
    path, frames = pictures.film(folder, 5)
    arrived, _ = received(path, "--loop", "--fps", "max", "--frames", 13)
    assert len(arrived) == 13
    assert all((frame == frames[i % 5]).all() for i, frame in enumerate(arrived))


def test_mirrored(folder, received):
    path, frames = pictures.film(folder, 4)
    arrived, _ = received(path, "--filter", "hflip", "--fps", "max")
    assert len(arrived) == 4
    for frame, sent in zip(arrived, frames):
        assert footage.likeness_db(frame, sent[:, ::-1]) > 35


def test_other_size(folder, received):
    path, _ = pictures.film(folder, 3)
    arrived, _ = received(path, "--size", "160x120", "--fps", "max")
    assert [frame.shape for frame in arrived] == [(120, 160, 3)] * 3


def test_other_rate(folder, received):
    path = footage.make_film(folder / "film.avi", "-c:v", "mjpeg", frames=50)
    arrived, end = received(path, "--fps", "10")
    assert 17 <= len(arrived) <= 23, "two seconds at ten frames a second"
    assert end["seconds"] > 1.5


@pytest.mark.sanitized
def test_test_pattern_carries_the_time(received):
    arrived, _ = received("pattern:640x360@30", "--frames", 20)
    codes = []
    for frame in arrived:
        assert frame.shape == (360, 640, 3)
        codes.append(timecode.read_timecode(frame[:, :, 1]))
    now = int(time.time() * 1000) % 2**32
    assert all(0 <= (now - code) % 2**32 < 60000 for code in codes)
    steps = numpy.diff(codes)
    assert (steps > 0).all() and 20 <= numpy.median(steps) <= 60


def test_test_pattern_moves(received):
    arrived, _ = received("pattern:320x240@30", "--frames", 3)
    below = [frame[60:] for frame in arrived]
    assert (below[0] != below[1]).any() and (below[1] != below[2]).any()


@pytest.mark.parametrize("size", ["128x64", "1x1", "17x33", "1920x1080", "640x480"])
def test_test_pattern_of_a_size_or_a_sentence(size, view, send):
    viewer = view("pair")
    sender = send(f"pattern:{size}@30", viewer.port(), "pair", "--frames", 3)
    if sender.wait() == 0:
        assert viewer.end()["frames"] == 3
    else:
        assert sender.wait() == 2, sender.account()
        sender.sentence(size)


@pytest.mark.parametrize("form", ["yuv4mpegpipe", "mjpeg", "matroska"])
def test_pipe(form, received):
    words = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=25"]
    words += ["-frames:v", "30", "-pix_fmt", "yuvj420p" if form == "mjpeg" else "yuv420p"]
    with subprocess.Popen([*words, "-f", form, "-"], stdout=subprocess.PIPE) as maker:
        arrived, end = received("-", stdin=maker.stdout)
    assert len(arrived) == 30 and arrived[0].shape == (240, 320, 3)
    assert end["reason"] == "source ended"


def test_pipe_keeps_gray_levels(received):
    levels = [0, 64, 128, 255]
    frames = [numpy.full((48, 64), level, numpy.uint8) for level in levels]
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as pipe:
        y4m.write(pipe.stdin, frames)
        pipe.stdin.close()
        arrived, _ = received("-", stdin=pipe.stdout)
    assert len(arrived) == 4
    means = [frame.mean() for frame in arrived]
    assert means == sorted(means) and means[0] < 20 and means[-1] > 235


def test_screen(display, received):
    arrived, _ = received("screen:", "--fps", "10", most=5, extra=display.environment)
    assert [frame.shape for frame in arrived] == [(768, 1024, 3)] * 5


def test_cameras_without_any(plain):
    listing = plain("cameras", stdout=subprocess.PIPE)
    said = (listing.stdout.read().decode() + listing.stderr).lower()
    assert listing.wait() in (0, 3), listing.account()
    assert "camera" in said


def test_no_such_camera(refused):
    assert "37" in refused("37")
    assert "/dev/video37" in refused("/dev/video37")


def test_no_such_file(refused):
    assert "/nowhere/film.mp4" in refused("/nowhere/film.mp4")


def test_file_that_is_no_video(folder, refused):
    path = folder / "letter.avi"
    path.write_text("Dear reader, this is not a film.\n" * 100, encoding="ascii")
    assert str(path) in refused(path)


def test_empty_file(folder, refused):
    path = folder / "empty.mp4"
    path.touch()
    assert str(path) in refused(path)


def test_folder_in_place_of_a_file(folder, refused):
    assert str(folder) in refused(folder)


def test_sound_without_pictures(folder, refused):
    path = folder / "sound.wav"
    footage.ffmpeg("-f", "lavfi", "-i", "sine", "-t", "1", path)
    assert str(path) in refused(path)


def test_empty_pipe(refused):
    refused("-", stdin=subprocess.DEVNULL)


def test_url_nobody_serves(refused):
    assert "127.0.0.1" in refused("http://127.0.0.1:1/camera")
    assert "127.0.0.1" in refused("rtsp://127.0.0.1:1/camera")


def test_filter_that_does_not_exist(folder, refused):
    path = footage.make_film(folder / "film.avi", "-c:v", "mjpeg", frames=3)
    for code in (2, 3):
        sentence = None
        try:
            sentence = refused(path, "--filter", "no_such_filter", code=code)
        except AssertionError:
            continue
        break
    assert sentence and "no_such_filter" in sentence


def test_screen_without_a_screen(refused):
    refused("screen:")


def test_corrupt_film_goes_on(folder, view, send):
    path = footage.make_film(folder / "film.avi", "-c:v", "mjpeg", frames=50)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(range(250)) * 12
    path.write_bytes(data)
    viewer = view("pair")
    sender = send(path, viewer.port(), "pair", "--fps", "max")
    assert sender.wait() in (0, 3), sender.account()
    end = viewer.end()
    assert end["frames"] >= 20, "what is whole in the film arrives"


def test_film_cut_short(folder, view, send):
    path = footage.make_film(folder / "film.mkv", "-c:v", "mjpeg", frames=50)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    viewer = view("pair")
    sender = send(path, viewer.port(), "pair", "--fps", "max")
    sender.end()
    assert 20 <= viewer.end()["frames"] < 50
