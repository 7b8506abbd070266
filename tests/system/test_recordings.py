"""Recordings: playable after a clean end, Ctrl-C and a kill; and a disk that runs full."""

import os
import shutil
import signal
import subprocess

import pytest
from harness import footage, pictures
from harness.processes import Process, command_path

FORMS = ["mkv", "mp4"]
SOURCE = "pattern:320x240@60"


def playable(path):
    """Decodes the whole film; returns what it is."""
    footage.run("ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-")
    return footage.probe(path)


@pytest.mark.sanitized
@pytest.mark.parametrize("form", FORMS)
def test_whole_recording(form, folder, view, send):
    path = folder / f"out.{form}"
    viewer = view("pair", sink=f"file:{path}")
    send(SOURCE, viewer.port(), "pair", "--frames", 60).end()
    assert viewer.end()["frames"] == 60
    film = playable(path)
    assert film["frames"] == 60
    assert (film["width"], film["height"]) == (320, 240)


def test_jpeg_is_copied_into_matroska(folder, view, send):
    path = folder / "out.mkv"
    film, _ = pictures.film(folder)
    viewer = view("pair", sink=f"file:{path}")
    end = send(film, viewer.port(), "pair", "--fps", "max").end()
    viewer.end()
    assert playable(path)["codec_name"] == "mjpeg"
    packets = footage.run(
        "ffprobe", "-v", "error", "-show_entries", "packet=size", "-of", "csv=p=0", path
    )
    sizes = [int(line.strip(b",")) for line in packets.split()]
    assert sum(sizes) <= end["bytes"] <= sum(sizes) + 400 * len(sizes), "not coded again"


def test_raw_frames_are_recorded(folder, view, send):
    path = folder / "out.mkv"
    viewer = view("pair", sink=f"file:{path}")
    send(SOURCE, viewer.port(), "pair", "--raw", "--frames", 30).end()
    viewer.end()
    assert playable(path)["frames"] == 30


def test_recording_keeps_time(folder, view, send):
    path = folder / "out.mkv"
    viewer = view("pair", sink=f"file:{path}")
    send("pattern:320x240@20", viewer.port(), "pair", "--frames", 41).end()
    viewer.end()
    text = footage.run("ffprobe", "-v", "error", "-show_entries", "packet=pts_time",
                       "-of", "csv=p=0", path)  # fmt: skip
    times = [float(line.strip(b",")) for line in text.split()]
    assert times == sorted(times)
    assert 1.5 < times[-1] - times[0] < 4


@pytest.mark.parametrize("form", FORMS)
def test_interrupted_recording(form, folder, view, send):
    path = folder / f"out.{form}"
    viewer = view("pair", sink=f"file:{path}")
    sender = send(SOURCE, viewer.port(), "pair")
    viewer.after(60)
    viewer.signal(signal.SIGINT)
    end = viewer.end()
    assert end["reason"] == "interrupted"
    assert playable(path)["frames"] == end["frames"]
    sender.kill()


@pytest.mark.parametrize("form", FORMS)
def test_killed_recording(form, folder, view, send):
    path = folder / f"out.{form}"
    viewer = view("pair", sink=f"file:{path}")
    sender = send(SOURCE, viewer.port(), "pair")
    seen = viewer.after(180)["frames"]
    viewer.kill()
    sender.kill()
    assert footage.probe(path)["frames"] >= seen - 90, "all but the last second or so"


def test_size_that_changes_in_mid_recording(folder, view, send):
    path = folder / "out.mkv"
    viewer = view("pair", "--frames", 150, sink=f"file:{path}")
    first = send("pattern:320x240@60", viewer.port(), "pair")
    viewer.after(10)
    first.kill()
    second = send("pattern:640x480@60", viewer.port(), "pair", "--frames", 200)
    assert viewer.wait() in (0, 3), viewer.account()
    second.kill()
    assert footage.probe(path)["frames"] >= 10


@pytest.mark.parametrize("path,code", [("/nowhere/out.mkv", 3), ("out.unknown", (2, 3))])
def test_place_that_cannot_be_recorded_to(path, code, view):
    viewer = view("pair", sink=f"file:{path}")
    assert viewer.wait() in (code if isinstance(code, tuple) else (code,)), viewer.account()
    viewer.sentence(path)
    assert len(viewer.sentences()) == 1, viewer.account()


def small_disk(folder):
    """Words that run a command with a disk of two megabytes at `folder`, gone when it ends."""
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    words = ["unshare", *user, "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=2m none {folder} && "
    trial = subprocess.run([*words, mount + "true"], capture_output=True, check=False)
    if trial.returncode != 0 or shutil.which("unshare") is None:
        pytest.skip("this user cannot mount a small disk in a namespace of its own")
    return [*words, mount + 'exec "$@"', "sh"]


@pytest.mark.parametrize("form", FORMS)
def test_full_disk(form, folder, environment, programs, sightline):
    disk = folder / "disk"
    disk.mkdir()
    path = disk / f"out.{form}"
    place = folder / "link"
    words = [*small_disk(disk), command_path(), "view", "--protocol", "ipc", "--address", place]
    viewer = Process([*words, "--pattern", "pair", "--sink", f"file:{path}"], environment)
    programs.append(viewer)
    words = ["--protocol", "ipc", "--address", place, "--pattern", "pair", "--fps", "max"]
    sender = sightline("send", "pattern:1280x720@30", *words)
    assert viewer.wait(40) == 3, viewer.account()
    viewer.sentence(str(path), "space")
    sender.kill()
