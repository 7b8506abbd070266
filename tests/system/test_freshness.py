"""The newest frame, never a stale one: after a stop, and at a slow reader."""

import signal
import subprocess
import time

from harness import timecode, y4m
from harness.waiting import allow


def freshest_within(reader, seconds):
    """The least age among the frames read in this time."""
    deadline = time.monotonic() + allow(seconds)
    ages = []
    while time.monotonic() < deadline:
        luma = reader.luma()
        assert luma is not None, "the viewer ended"
        ages.append(timecode.age_ms(luma))
    return min(ages)


def test_viewer_that_was_stopped_is_fresh_at_once(view, send):
    viewer = view("pubsub", "--timecode", sink="-", stdout=subprocess.PIPE)
    sender = send("pattern:1280x720@30", viewer.port(), "pubsub")
    reader = y4m.Reader(viewer.stdout)
    assert freshest_within(reader, 1) < allow(200)
    viewer.signal(signal.SIGSTOP)
    time.sleep(5)  # the stop itself is what this test is about
    viewer.signal(signal.SIGCONT)
    age = freshest_within(reader, 0.5)
    assert age < allow(200), f"half a second later the newest frame is {age} ms old"
    sender.signal(signal.SIGINT)
    sender.end()


def test_stopped_viewer_behind_a_tunnel_is_fresh_again(sshd, view, send):
    viewer = view("pubsub", "--timecode", sink="-", stdout=subprocess.PIPE)
    sender = send("pattern:1280x720@30", viewer.port(), "pubsub", *sshd().options())
    reader = y4m.Reader(viewer.stdout)
    assert freshest_within(reader, 1) < allow(200)
    viewer.signal(signal.SIGSTOP)
    time.sleep(5)  # the stop itself is what this test is about
    viewer.signal(signal.SIGCONT)
    age = freshest_within(reader, 0.5)
    assert age < allow(200), f"half a second later the newest frame is {age} ms old"
    sender.signal(signal.SIGINT)
    sender.end()


def test_slow_reader_sees_new_frames_over_pubsub(view, send):
    viewer = view("pubsub", sink="-", stdout=subprocess.PIPE)
    sender = send("pattern:640x360@30", viewer.port(), "pubsub")
    reader = y4m.Reader(viewer.stdout)
    ages = []
    for _ in range(25):
        ages.append(timecode.age_ms(reader.luma()))
        time.sleep(0.12)  # the slowness of this reader is what the test is about
    assert max(ages[10:]) < allow(600), f"frames grow old at a slow reader: {ages}"
    sender.signal(signal.SIGINT)
    sender.end()
    reader.rest()
    end = viewer.end()
    assert end["dropped"] >= 20, viewer.account()
    assert end["frames"] + end["dropped"] <= sender.event("end")["frames"]
