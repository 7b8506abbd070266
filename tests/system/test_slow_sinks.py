"""A slow reader of `--sink -` never loses a frame where the sender waits for replies."""

import signal
import subprocess
import time

import pytest
from harness import footage, timecode, y4m
from harness.waiting import allow


def slowly(reader, pause):
    while (luma := reader.luma()) is not None:
        yield luma
        time.sleep(pause)  # the slowness of this reader is what the tests are about


@pytest.mark.parametrize("pattern", ["pair", "reqrep"])
def test_film_arrives_whole_at_a_slow_reader(pattern, folder, view, send):
    film = footage.exact_film(folder / "film.nut", footage.pedestrians(), 40)
    viewer = view(pattern, sink="-", stdout=subprocess.PIPE)
    sender = send(film, viewer.port(), pattern, "--fps", "max")
    count = sum(1 for _ in slowly(y4m.Reader(viewer.stdout), 0.05))
    assert sender.end()["frames"] == 40
    end = viewer.end()
    assert (count, end["frames"], end["dropped"]) == (40, 40, 0)


@pytest.mark.parametrize("pattern", ["pair", "reqrep"])
def test_live_source_waits_for_a_slow_reader(pattern, view, send):
    viewer = view(pattern, sink="-", stdout=subprocess.PIPE)
    sender = send("pattern:640x360@60", viewer.port(), pattern, "--frames", 40)
    ages = [timecode.age_ms(luma) for luma in slowly(y4m.Reader(viewer.stdout), 0.1)]
    sent, seen = sender.end(), viewer.end()
    assert len(ages) == seen["frames"] == sent["frames"] == 40
    assert seen["dropped"] == 0, "a frame that was sent got lost"
    assert sent["dropped"] >= 20, "the sender skips what the reader has no time for"
    assert max(ages) < allow(1500), f"frames grow old at a slow reader: {ages}"


def test_reader_that_pauses_longer_than_the_request_timeout(view, send):
    viewer = view("reqrep", sink="-", stdout=subprocess.PIPE)
    sender = send("pattern:640x360@30", viewer.port(), "reqrep", "-o", "request_timeout=4")
    reader = y4m.Reader(viewer.stdout)
    reader.luma()
    time.sleep(7)  # longer than a request's time-out: what this test is about
    for _ in range(30):
        assert reader.luma() is not None
    assert timecode.age_ms(reader.luma()) < allow(1000)
    sender.signal(signal.SIGINT)
    sender.end()
    reader.rest()
    viewer.end()


def test_duration_is_kept_though_the_reader_is_stuck(view, send):
    viewer = view("pair", "--duration", 3, sink="-", stdout=subprocess.PIPE)
    send("pattern:1280x720@30", viewer.port(), "pair")
    assert viewer.end()["reason"] == "duration"
