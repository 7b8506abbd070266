"""Cameras recorded for ever: segments that are whole and join, events, a disk that runs full."""

import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import urllib.request

import pytest
from harness import footage
from harness.waiting import allow, wait_until

SOURCE = "pattern:320x240@30"
NAME = re.compile(r"(?P<id>[\w.-]+)_(?P<time>\d{8}T\d{6}\.\d{3})Z\.mkv")


@pytest.fixture
def record(folder, view):
    """A viewer that records into the folder's `disk`: record(pattern, *words)."""

    def start(pattern, *words, **channels):
        return view(pattern, "--record", folder / "disk", *words, **channels)

    return start


def segments(folder):
    """All there are, in order of their names."""
    return sorted(path for path in (folder / "disk").rglob("*.mkv") if path.name[0] != ".")


class Segment:
    """What ffprobe finds in one: each frame's UTC in seconds, by the container's own time."""

    def __init__(self, path):
        self.path = path
        shown = footage.run("ffprobe", "-v", "error", "-show_entries",
                            "format_tags=creation_time:stream=codec_name:packet=pts_time,flags",
                            "-of", "json", path)  # fmt: skip
        found = json.loads(shown)
        created = found["format"]["tags"]["creation_time"].replace("Z", "+00:00")
        self.created = datetime.datetime.fromisoformat(created)
        self.codec = found["streams"][0]["codec_name"]
        self.key = "K" in found["packets"][0]["flags"]
        self.times = [self.created.timestamp() + float(each["pts_time"]) for each in found["packets"]]

    def check(self):
        """Begins with a keyframe, is named by its time, and every frame of it decodes."""
        named = NAME.fullmatch(self.path.name)
        assert named and named["id"] == self.path.parent.name, self.path
        stamp = self.created.strftime("%Y%m%dT%H%M%S.") + f"{self.created.microsecond // 1000:03}"
        assert named["time"] == stamp
        assert self.key
        words = ["ffmpeg", "-v", "error", "-xerror", "-i", self.path, "-fps_mode", "passthrough"]
        counted = footage.run(*words, "-f", "framecrc", "-")
        pictures = [line for line in counted.splitlines() if not line.startswith(b"#")]
        assert len(pictures) == len(self.times), self.path
        return self


def check_joined(paths):
    """Every segment is whole, and each goes on where the one before ends."""
    found = [Segment(path).check() for path in paths]
    times = [each for segment in found for each in segment.times]
    assert times == sorted(times)
    return found, times


@pytest.mark.sanitized
@pytest.mark.parametrize(
    "pattern, words", [("live", []), ("live", ["--jpeg"]), ("pair", [])], ids=["h264", "jpeg", "pair"]
)
def test_segments_join(pattern, words, folder, record, send):
    viewer = record(pattern, "--record-segment", "1s")
    sent = send(SOURCE, viewer.port(), pattern, *words, "--duration", 5).end()
    viewer.next_stats(lambda event: event["cameras"][0]["state"] == "gone")  # it waits for others
    viewer.signal(signal.SIGINT)
    viewer.end()
    found, times = check_joined(segments(folder))
    assert len(found) >= 3, "a segment each second"
    assert {each.codec for each in found} == {"h264" if (pattern, words) == ("live", []) else "mjpeg"}
    # Not one is missing: what came last may still have been on its way.
    assert sent["frames"] - 2 <= len(times) <= sent["frames"]
    assert abs(times[-1] - time.time()) < allow(30)


def test_segments_are_whole_after_a_kill(folder, record, send):
    viewer = record("live", "--record-segment", "2s")
    sender = send(SOURCE, viewer.port(), "live")
    wait_until(lambda: len(segments(folder)) >= 3)
    killed = time.time()
    viewer.kill()
    sender.kill()
    found, times = check_joined(segments(folder))
    assert len(found) >= 3
    assert killed - times[-1] < allow(3), "all but the last second or so"


def post_event(viewer, seconds):
    page = viewer.ready()["web"]
    with urllib.request.urlopen(page + "api/cameras", timeout=allow(20)) as answer:
        (camera,) = json.loads(answer.read())
    wish = f"{page}api/cameras/{camera['id']}/record?action=event&seconds={seconds}"
    request = urllib.request.Request(wish, b"", {"X-Sightline": "1"})
    with urllib.request.urlopen(request, timeout=allow(20)) as answer:
        return json.loads(answer.read())


def test_event_has_what_led_to_it(folder, record, send):
    viewer = record("live", "--record-before", 4, "--web", 0)
    sender = send(SOURCE, viewer.port(), "live")
    viewer.after(1)
    time.sleep(allow(6))  # what is kept of before has to pass
    assert not segments(folder)
    happened = time.time()
    assert post_event(viewer, 1)["state"] in ("waiting", "on")
    (path,) = wait_until(lambda: segments(folder))
    sender.next_stats()
    sender.signal(signal.SIGINT)
    sender.end()
    viewer.signal(signal.SIGINT)
    viewer.end()
    times = Segment(path).check().times
    # From the last keyframe before those four seconds; they are asked for every four.
    assert happened - 4 - allow(5) < times[0] <= happened - 4 + 0.5
    assert happened < times[-1] < happened + allow(4)
    steps = [after - before for before, after in zip(times, times[1:], strict=False)]
    assert max(steps) < allow(1), "nothing is missing between before and after"


def small_disk(place, size):
    """Words that run a command with a disk of that size at `place`, gone when it ends."""
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    words = ["unshare", *user, "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size={size} none {place} && "
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare here")
    if subprocess.run([*words, mount + "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this user cannot mount a small disk in a namespace of its own")
    return [*words, mount + 'exec "$@"', "sh"]


def run_on_small_disk(size, folder, record, send, *words):
    """A viewer that records on one, and its camera; and the disk, as the viewer sees it."""
    disk = folder / "disk"
    disk.mkdir()
    words = ["--record-segment", "1MB", *words]
    viewer = record("pair", *words, prefix=small_disk(disk, size))
    sender = send("pattern:640x480@30", viewer.port(), "pair", "--raw")
    return viewer, sender, pathlib.Path(f"/proc/{viewer.pid}/root{disk}")


def check_all_but_the_last(disk):
    paths = sorted(disk.glob("*/*.mkv"))[:-1]
    for path in paths:
        footage.run("ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-")
    return len(paths)


def test_full_disk_stops_the_recording_alone(folder, record, send):
    viewer, sender, disk = run_on_small_disk("4m", folder, record, send)
    viewer.wait_said("recording has stopped: the disk is full")
    assert check_all_but_the_last(disk) >= 2
    seen = viewer.next_stats()["frames"]
    viewer.event("stats", lambda event: event["frames"] > seen + 30)
    for path in sorted(disk.glob("*/*.mkv"))[1:]:
        path.unlink()
    viewer.wait_said("recording goes on")
    wait_until(lambda: len(list(disk.glob("*/*.mkv"))) > 2)
    check_all_but_the_last(disk)
    sender.kill()
    viewer.kill()


def test_the_oldest_make_room(folder, record, send):
    viewer, sender, disk = run_on_small_disk("10m", folder, record, send, "--keep", "3MB")
    first = wait_until(lambda: sorted(disk.glob("*/*.mkv")))[0]
    own = first.parent / "mine.mkv"
    own.write_bytes(b"0" * 1000)
    wait_until(lambda: not first.exists())
    second = sorted(path for path in disk.glob("*/*.mkv") if path != own)[0]
    wait_until(lambda: not second.exists())
    assert not [line for line in viewer.sentences() if "recording has stopped" in line]
    assert own.exists()
    sender.kill()
    viewer.kill()
