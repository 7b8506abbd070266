"""Video that a camera or film has coded itself: passed on in the live pattern while it fits."""

import signal

import numpy
import pytest
from harness import footage, pictures
from harness.rtsp import Rtsp

FRAMES = 50
CODERS = {
    "h264": ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0"],
    "hevc": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "bframes=0:log-level=error"],
}


@pytest.fixture
def film(folder):
    """Makes a film of pictures that differ, and returns its path: about 60 kbit/s."""

    def make(codec="h264", group=12, *words):
        exact, _ = pictures.film(folder, FRAMES)
        path = folder / f"{codec}.mp4"
        footage.ffmpeg("-i", exact, "-pix_fmt", "yuv420p", *CODERS[codec], "-g", group, *words, path)
        return path

    return make


def encodes_with(name):
    return lambda event: event["live"] and event["live"]["encoder"] == name


def check_stream(viewer, sender):
    sent, seen = sender.end(), viewer.end()
    assert 0 < seen["frames"] <= sent["frames"], viewer.account()
    assert seen["rejected"] == 0, viewer.account()
    return seen["frames"]


def check_pictures(path, film, least_db):
    """Each that was shown is one of the film's, and not a broken one. How many are so exactly."""
    originals = numpy.array([each[::2, ::2] for each in footage.pixels(film)], numpy.int16)
    exact = footage.exact_film(path.with_suffix(".nut"), path, 1000)
    shown = [each[::2, ::2].astype(numpy.int16) for each in footage.pixels(exact)]
    errors = [numpy.square(originals - each).mean(axis=(1, 2, 3)).min() for each in shown]
    likeness = 10 * numpy.log10(255.0**2 / numpy.maximum(errors, 1e-3))
    assert likeness.min() > least_db, likeness
    return (likeness > 45).sum()


@pytest.mark.parametrize("codec", [pytest.param("h264", marks=pytest.mark.sanitized), "hevc"])
def test_a_film_goes_on_as_it_is(codec, folder, film, view, send):
    """It begins before the rate is known, so that there is a change from one to the other."""
    path = film(codec)
    with open(folder / "seen.y4m", "wb") as output:
        viewer = view("live", sink="-", stdout=output)
    words = ["--loop", "-o", f"video_codec={codec}"]
    sender = send(path, viewer.port(), "live", *words)
    told = sender.event("stats", encodes_with("copy"))
    sender.event("stats", lambda event: event["frames"] >= told["frames"] + 20)
    assert (told["live"]["width"], told["live"]["height"]) == (320, 240)
    sender.signal(signal.SIGINT)
    check_stream(viewer, sender)
    assert check_pictures(folder / "seen.y4m", path, 24) >= 20


def test_what_does_not_fit_is_coded_for_the_rate(folder, film, view, send):
    path = film("h264", 12, "-crf", 10)  # about 440 kbit/s
    with open(folder / "seen.y4m", "wb") as output:
        viewer = view("live", sink="-", stdout=output)
    sender = send(path, viewer.port(), "live", "--loop", "--max-rate", 250)
    for _ in range(2):
        assert encodes_with("libx264")(sender.next_stats(lambda event: event["frames"] > 0))
    sender.signal(signal.SIGINT)
    check_stream(viewer, sender)
    check_pictures(folder / "seen.y4m", path, 18)


def test_who_comes_between_two_keyframes(folder, film, view, send):
    """The film has a single one: a viewer that comes later gets what is coded anew, at once."""
    path = film("h264", 1000)
    viewer = view("live")
    port = viewer.port()
    # Played in a loop it would have one at each start.
    long = folder / "long.mp4"
    footage.ffmpeg("-stream_loop", 9, "-i", path, "-c:v", "libx264", "-preset", "ultrafast",
                   "-bf", 0, "-g", 1000, "-pix_fmt", "yuv420p", long)  # fmt: skip
    sender = send(long, port, "live")
    viewer.after(10)
    viewer.signal(signal.SIGKILL)
    viewer.wait()
    with open(folder / "seen.y4m", "wb") as output:
        again = view("live", "--port", port, sink="-", stdout=output)
    again.after(10)
    sender.event("stats", encodes_with("libx264"))
    sender.signal(signal.SIGINT)
    check_stream(again, sender)
    check_pictures(folder / "seen.y4m", path, 24)


def test_a_camera_over_rtsp(started, folder, view, send):
    server = Rtsp(pictures.film(folder, FRAMES)[0])
    started.callback(server.close)
    viewer = view("live")
    sender = send(server.url, viewer.port(), "live")
    told = sender.event("stats", encodes_with("copy"))
    sender.event("stats", lambda event: event["frames"] >= told["frames"] + 20)
    sender.signal(signal.SIGINT)
    check_stream(viewer, sender)


@pytest.mark.parametrize(
    "words, coder, reason",
    [
        ([], ["-bf", "2"], "is decoded, because its frames are out of order"),
        (["-o", "video_copy=false"], [], ""),
    ],
)
def test_what_is_coded_anew_always(words, coder, reason, film, view, send):
    viewer = view("live")
    sender = send(film("h264", 12, *coder), viewer.port(), "live", "--log", "info", *words)
    assert sender.end()["live"]["encoder"] == "libx264"
    assert reason in sender.account()
    assert viewer.end()["rejected"] == 0, viewer.account()
