"""A recorder of the library's: segments that are whole and join, events, a disk that runs full."""

import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest
from harness import ends, footage
from harness.ports import free_port
from harness.processes import ROOT, Process
from harness.waiting import Lines, allow

SOURCE = "pattern:320x240@30"
NAME = re.compile(r"(?P<id>[\w.-]+)_(?P<time>\d{8}T\d{6}\.\d{3})Z\.mkv")


class Recorder(Process):
    """The example `recorder` under way, and what it prints: a state, a path and a reason."""

    def __init__(self, words, environment, folder):
        channels = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        super().__init__(words, environment, folder, **channels)
        self.printed = Lines(self.stdout)

    def wait_state(self, state, seconds=30, start=0):
        line = self.printed.wait_for(lambda line: line.startswith(state), seconds, start)
        assert line is not None, f"it was never {state}\n{self.account()}"
        return line

    def count(self):
        return len(self.printed.so_far())

    def event(self):
        self.stdin.write(b"\n")
        self.stdin.flush()


@pytest.fixture
def record(folder, environment, programs):
    """Builds the example once and starts it: record(port, NAME=VALUE, prefix=[...])."""
    program = ends.build(folder, ROOT / "examples" / "recorder.c")

    def start(port, prefix=(), **settings):
        options = [f"{name}={value}" for name, value in settings.items()]
        words = [*prefix, program, port, f"record={folder / 'disk'}", *options]
        programs.append(Recorder(words, environment, folder))
        return programs[-1]

    return start


@pytest.fixture
def camera(sightline):
    def start(port, *words, source=SOURCE):
        return sightline("send", source, "--address", "127.0.0.1", "--port", port, *words)

    return start


def wait_until(what, seconds=40):
    deadline = time.monotonic() + allow(seconds)
    while not (result := what()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return result


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
    "words", [[], ["--jpeg"], ["--pattern", "pair"]], ids=["h264", "jpeg", "pair"]
)
def test_segments_join(words, folder, record, camera):
    port = free_port()
    pattern = {"pattern": "pair"} if "pair" in words else {}
    recorder = record(port, record_segment="1s", **pattern)
    sender = camera(port, *words, "--duration", 5)
    recorder.wait_state("on")
    sent = sender.end()
    assert recorder.wait() == 0, recorder.account()
    found, times = check_joined(segments(folder))
    assert len(found) >= 3, "a segment each second"
    assert {each.codec for each in found} == {"mjpeg" if words else "h264"}
    # Not one is missing: what came last may still have been on its way.
    assert sent["frames"] - 2 <= len(times) <= sent["frames"]
    assert abs(times[-1] - time.time()) < allow(30)


def test_segments_are_whole_after_a_kill(folder, record, camera):
    port = free_port()
    recorder = record(port, record_segment="2s")
    sender = camera(port)
    wait_until(lambda: len(segments(folder)) >= 3)
    killed = time.time()
    recorder.kill()
    sender.kill()
    found, times = check_joined(segments(folder))
    assert len(found) >= 3
    assert killed - times[-1] < allow(3), "all but the last second or so"


def test_event_has_what_led_to_it(folder, record, camera):
    port = free_port()
    recorder = record(port, record_before=4)
    camera(port).stopped_by_test = True
    recorder.wait_state("off")
    time.sleep(allow(7))  # what is kept of before has to pass
    assert not segments(folder)
    happened = time.time()
    recorder.event()
    recorder.wait_state("on")
    time.sleep(1)
    recorder.kill()
    (path,) = segments(folder)
    times = Segment(path).check().times
    # From the last keyframe before those four seconds; they are asked for every four.
    assert happened - 4 - allow(5) < times[0] <= happened - 4 + 0.5
    assert times[-1] > happened
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


def run_on_small_disk(size, folder, record, camera, **settings):
    """A recorder and its camera; and the disk, as the recorder sees it."""
    disk = folder / "disk"
    disk.mkdir()
    port = free_port()
    settings = {"record_segment": "1MB", "pattern": "pair", **settings}
    recorder = record(port, small_disk(disk, size), **settings)
    sender = camera(port, "--pattern", "pair", "--raw", source="pattern:640x480@30")
    recorder.wait_state("on")
    return recorder, sender, pathlib.Path(f"/proc/{recorder.pid}/root{disk}/camera")


def check_all_but_the_last(disk):
    paths = sorted(disk.glob("camera*.mkv"))[:-1]
    for path in paths:
        footage.run("ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-")
    return len(paths)


def test_full_disk_stops_the_recording_alone(folder, record, camera):
    recorder, sender, disk = run_on_small_disk("4m", folder, record, camera)
    assert "disk is full" in recorder.wait_state("full")
    assert check_all_but_the_last(disk) >= 2
    sent = sender.next_stats()["frames"]
    sender.event("stats", lambda event: event["frames"] > sent)
    start = recorder.count()
    for path in sorted(disk.glob("*.mkv"))[1:]:
        path.unlink()
    recorder.wait_state("on", start=start)
    recorder.wait_state("full", start=start)
    assert check_all_but_the_last(disk) >= 2
    sender.kill()
    recorder.kill()


def test_the_oldest_make_room(folder, record, camera):
    recorder, sender, disk = run_on_small_disk("10m", folder, record, camera, record_keep="3MB")
    own = disk.parent / "mine.mkv"
    own.write_bytes(b"0" * 1000)
    first = wait_until(lambda: sorted(disk.glob("*.mkv")))[0]
    wait_until(lambda: not first.exists())
    second = sorted(disk.glob("*.mkv"))[0]
    wait_until(lambda: not second.exists())
    assert not [line for line in recorder.printed.so_far() if line.startswith("full")]
    assert own.exists()
    check_all_but_the_last(disk)
    sender.kill()
    recorder.kill()
