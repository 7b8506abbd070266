"""A viewer with a page and recordings: when frames are asked for, and what comes of them."""

import json
import signal
import subprocess
import urllib.request

import pytest
from harness.waiting import allow

SOURCE = "pattern:320x240@30"


@pytest.fixture
def watch(sightline, environment):
    """A viewer without a display."""

    def start(*words):
        return sightline("view", "--address", "127.0.0.1", "--port", 0, *words)

    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        environment.pop(name, None)
    return start


def ask(viewer, path):
    link = viewer.ready()["web"]
    with urllib.request.urlopen(link + path, timeout=allow(20)) as answer:
        return answer.read()


def stop(end):
    end.signal(signal.SIGINT)
    return end.end()


def frames_in(path):
    words = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames"]
    said = subprocess.run(
        [*words, "-of", "csv=p=0", str(path)], capture_output=True, text=True, check=True
    )
    assert not said.stderr
    return int(said.stdout)


def test_nothing_is_sent_while_nobody_looks(watch, send):
    viewer = watch("--web", 0)
    viewer.wait_said(r"the page is at http://127\.0\.0\.1:\d+/$")
    viewer.wait_said(r"recordings that are asked for there go to /.*/sightline-recordings$")
    sender = send(SOURCE, viewer.port(), "live")
    viewer.event("stats", lambda event: [c["state"] for c in event["cameras"]] == ["unwatched"])
    assert sender.next_stats()["encoded"] == 0
    (camera,) = json.loads(ask(viewer, "api/cameras"))
    assert camera["state"] == "unwatched"
    picture = ask(viewer, f"api/cameras/{camera['id']}/snapshot.jpg")
    assert picture.startswith(b"\xff\xd8")
    viewer.next_stats(lambda event: event["cameras"][0]["state"] == "unwatched")
    sender.next_stats(lambda event: event["live"]["watched"] is False)
    stop(sender)
    viewer.next_stats(lambda event: event["cameras"][0]["state"] == "gone")
    assert json.loads(ask(viewer, "api/cameras"))[0]["state"] == "gone"  # it stays for others
    stop(viewer)


def test_others_than_live_senders_are_kept_waiting_by_nobody(watch, send):
    viewer = watch("--web", 0, "--pattern", "pair")
    sender = send(SOURCE, viewer.port(), "pair", "--frames", 60)
    assert sender.end()["frames"] == 60
    stop(viewer)


def test_recordings_have_every_frame(watch, send, folder):
    words = ["--pattern", "pair", "--record-segment", "1s"]
    viewer = watch("--record", folder / "kept", *words)
    send(SOURCE, viewer.port(), "pair", "--frames", 75).end()
    viewer.next_stats(lambda event: event["cameras"][0]["state"] == "gone")  # it waits for others
    stop(viewer)
    segments = sorted((folder / "kept").glob("*/*.mkv"))
    assert len(segments) > 1
    assert sum(frames_in(segment) for segment in segments) == 75
    assert {segment.parent.name for segment in segments} == {"camera"}


def test_recordings_beside_a_sink(watch, send, folder):
    film = folder / "shown.mkv"
    viewer = watch("--record", folder / "kept", "--sink", f"file:{film}", "--frames", 20)
    send(SOURCE, viewer.port(), "live")
    viewer.end()
    segments = list((folder / "kept").glob("*/*.mkv"))
    assert segments and all(frames_in(segment) > 0 for segment in [film, *segments])


def test_page_where_another_is(watch):
    first = watch("--web", 0)
    port = first.ready()["web"].split(":")[2].strip("/")
    watch("--web", port).expect(1).sentence(port)
    stop(first)
