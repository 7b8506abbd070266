"""A camera that goes away and returns: what its viewer shows, and what is said at either end."""

import re
import signal

import pexpect
import pytest
from harness.processes import command_path
from harness.waiting import allow
from harness.webserver import Web

AWAY = "the source is gone"


@pytest.fixture
def camera(started):
    server = Web()
    started.callback(server.stop)
    return server.start()


def in_state(state):
    def holds(event):
        return [known["state"] for known in event["cameras"]] == [state]

    return holds


def in_state_of(viewer, state):
    event = viewer.next_stats(in_state(state), 40)
    (known,) = event["cameras"]
    return known


@pytest.mark.sanitized
def test_viewer_shows_since_when_and_why(camera, view, send):
    viewer = view("live")
    sender = send(camera.url("/camera"), viewer.port(), "live")
    before = in_state_of(viewer, "live")
    assert before["id"] and before["name"] and before["reason"] is None
    camera.stop()
    lost = in_state_of(viewer, "lost")
    assert AWAY in lost["reason"]
    assert before["since"] <= lost["last"] <= lost["since"]
    later = in_state_of(viewer, "lost")
    assert later["since"] == pytest.approx(lost["since"], abs=0.5)
    viewer.wait_said(rf"the camera \S+ is lost since \d\d:\d\d:\d\d: {AWAY}")
    camera.start()
    back = in_state_of(viewer, "live")
    assert back["since"] > lost["since"] and back["reason"] is None
    assert back["id"] == before["id"]
    viewer.wait_said(r"the camera \S+ is back")
    sender.wait_said("the source is back")
    sender.signal(signal.SIGINT)
    sender.end()
    viewer.end()


def test_viewer_that_comes_meanwhile_is_told(camera, view, send, sightline):
    first = view("live")
    port = first.port()
    sender = send(camera.url("/camera"), port, "live")
    in_state_of(first, "live")
    camera.stop()
    in_state_of(first, "lost")
    first.signal(signal.SIGINT)
    first.end()
    second = sightline("view", "--address", "127.0.0.1", "--port", port, "--sink", "null")
    assert AWAY in in_state_of(second, "lost")["reason"]
    second.kill()
    sender.kill()


def test_sender_tells_whoever_looks_at_it(camera, view, environment, folder, started):
    viewer = view("live")
    words = ["send", camera.url("/camera"), "--address", "127.0.0.1", "--port", str(viewer.port())]
    sender = pexpect.spawn(
        command_path(), words, env={**environment, "TERM": "xterm"}, cwd=folder, encoding="utf-8",
        dimensions=(24, 200), timeout=allow(30),
    )  # fmt: skip
    started.callback(sender.close, force=True)
    sender.expect("connected")
    camera.stop()
    sender.expect(re.escape("camera lost for ") + r"\d+ s; waiting for it")
    camera.start()
    sender.expect("connected")
