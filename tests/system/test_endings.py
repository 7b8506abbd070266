"""How streams end, what the events say, and what goes to which output."""

import os
import pty
import signal
import subprocess

import pytest
from harness.netgear import PATTERNS
from harness.ports import Listener, free_port
from harness.processes import parse_event

SOURCE = "pattern:320x240@60"
END = {
    "event", "role", "pattern", "frames", "dropped", "drops", "bytes", "seconds", "fps",
    "rate_kbit", "latency_ms", "reconnects", "tunnel", "reason",
}  # fmt: skip
STATS = {
    "event", "role", "pattern", "frames", "dropped", "drops", "bytes", "fps", "rate_kbit",
    "latency_ms", "reconnects", "state", "tunnel",
}  # fmt: skip


def test_frames_at_the_viewer(view, send):
    viewer = view("pair", "--frames", 7)
    sender = send(SOURCE, viewer.port(), "pair")
    end = viewer.end()
    assert (end["frames"], end["reason"]) == (7, "frames")
    sender.kill()


def test_duration_at_the_sender(view, send):
    viewer = view("pair")
    sender = send(SOURCE, viewer.port(), "pair", "--duration", "1.5")
    end = sender.end()
    assert end["reason"] == "duration"
    assert 1 < end["seconds"] < 4
    viewer.end()


def test_time_after_the_last_frame_is_no_streams(view, send):
    viewer = view("live", "--frames", 20)
    sender = send(SOURCE, viewer.port(), "live")
    viewer.end()
    waits = sender.next_stats(lambda event: event["drops"].get("away", 0) > 60, 30)
    sender.signal(signal.SIGINT)
    end = sender.end()
    assert end["frames"] >= 20 and end["seconds"] < waits["seconds"] + 0.5
    assert end["fps"] == pytest.approx((end["frames"] - 1) / end["seconds"], rel=0.01)
    sender.wait_said(r"dropped, \d+ captured while no viewer was there")


def test_duration_at_the_viewer(view, send):
    viewer = view("pair", "--duration", 2)
    sender = send(SOURCE, viewer.port(), "pair")
    assert viewer.end()["reason"] == "duration"
    sender.kill()


def test_timeout_of_a_viewer_nobody_sends_to(view):
    viewer = view("pair", "--timeout", 1)
    end = viewer.end(9)
    assert end["frames"] == 0
    viewer.sentence()


def test_timeout_of_a_viewer_whose_sender_went_silent(view, send):
    viewer = view("pubsub", "--timeout", 2)
    sender = send(SOURCE, viewer.port(), "pubsub")
    viewer.after(10)
    sender.kill()
    viewer.end(9)


@pytest.mark.sanitized
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_signal_to_the_sender(pattern, number, view, send):
    viewer = view(pattern)
    sender = send(SOURCE, viewer.port(), pattern)
    viewer.after(1)
    sender.signal(number)
    assert sender.end(seconds=10)["reason"] == "interrupted"
    assert viewer.end(seconds=10)["reason"] == "peer ended"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_signal_to_the_viewer(pattern, number, view, send):
    viewer = view(pattern)
    sender = send(SOURCE, viewer.port(), pattern)
    viewer.after(1)
    viewer.signal(number)
    assert viewer.end(seconds=10)["reason"] == "interrupted"
    sender.kill()


def test_signal_while_waiting_for_the_other_end(view, send):
    viewer = view("reqrep")
    viewer.ready()
    port = free_port()
    sender = send(SOURCE, port, "reqrep")
    sender.wait_said(str(port))
    for waiting in (viewer, sender):
        waiting.signal(signal.SIGINT)
    for waiting in (viewer, sender):
        end = waiting.end(seconds=8)
        assert (end["frames"], end["reason"]) == (0, "interrupted")
        assert end["latency_ms"]["p50"] is None


@pytest.mark.parametrize("source", ["-", "http://127.0.0.1:{}/", "rtsp://127.0.0.1:{}/"])
def test_signal_while_the_source_says_nothing(source, started, sightline):
    silent = Listener()
    started.callback(silent.close)
    quiet, talker = os.pipe()
    for end in (quiet, talker):
        started.callback(os.close, end)
    place = ["--address", "127.0.0.1", "--port", free_port()]
    sender = sightline("send", source.format(silent.port), *place, stdin=quiet)
    if source != "-":
        silent.serve_one()
    sender.wait_catching(signal.SIGINT)
    sender.said.wait_end(1)  # the time to find out that nothing comes: it must not end by itself
    sender.signal(signal.SIGINT)
    assert sender.end(seconds=8)["reason"] == "interrupted"


def test_signal_while_the_server_says_nothing(started, sshd, send):
    silent = Listener()
    started.callback(silent.close)
    key = sshd(start=False).key
    words = ["--ssh", f"someone@127.0.0.1:{silent.port}", "--ssh-key", key]
    sender = send(SOURCE, free_port(), "pair", *words)
    silent.serve_one()
    sender.signal(signal.SIGINT)
    assert sender.end(seconds=4)["reason"] == "interrupted"


def test_signal_while_nobody_reads_the_pictures(view, send):
    viewer = view("pair", sink="-", stdout=subprocess.PIPE)
    sender = send("pattern:1280x720@30", viewer.port(), "pair")
    viewer.stdout.readline()
    viewer.next_stats()
    viewer.signal(signal.SIGINT)
    assert viewer.end(seconds=8)["reason"] == "interrupted"
    sender.kill()


def test_second_signal_quits_at_once(sshd, view, send):
    viewer = view("pair", sink="-", stdout=subprocess.PIPE)
    sender = send("pattern:1280x720@30", viewer.port(), "pair", *sshd().options())
    viewer.stdout.readline()  # and then nobody reads on: the viewer is stuck in a write
    viewer.event("ready")
    for _ in range(2):
        viewer.signal(signal.SIGINT)
    viewer.wait(5)
    sender.signal(signal.SIGINT)
    sender.signal(signal.SIGINT)
    sender.wait(5)


def test_events_are_what_the_design_says(view, send):
    viewer = view("reqrep", "--timecode")
    sender = send(SOURCE, viewer.port(), "reqrep", "--duration", 3)
    sender.end()
    viewer.end()
    for process, role in ((viewer, "receiver"), (sender, "sender")):
        events = process.events.so_far()
        assert [event["event"] for event in events if event["event"] != "stats"] == ["ready", "end"]
        assert events[0]["event"] == "ready" and events[-1]["event"] == "end"
        assert 1 <= len(events) - 2 <= 6, "one stats event a second"
        assert all(event["role"] == role and event["pattern"] == "reqrep" for event in events)
        for event in events[1:-1]:
            assert STATS <= set(event), STATS - set(event)
        end = events[-1]
        assert END <= set(end), END - set(end)
        assert set(end["latency_ms"]) == {"p50", "p95", "p99", "max"}
        assert end["frames"] > 60 and end["bytes"] > 10000 and end["reconnects"] == 0
        assert 20 < end["fps"] < 90 and 1.5 < end["seconds"] < 6
    assert viewer.event("end")["latency_ms"]["p50"] is not None
    assert viewer.event("end")["frames"] == sender.event("end")["frames"]


def test_latency_is_null_where_nobody_measures_it(view, send):
    viewer = view("pair")
    send(SOURCE, viewer.port(), "pair", "--frames", 10).end()
    assert set(viewer.end()["latency_ms"].values()) == {None}


def test_failure_has_an_end_event_too(send):
    sender = send("/nowhere/film.mp4", 9, "pair")
    assert sender.end(3)["frames"] == 0


def test_events_into_a_file(folder, sightline, view, send):
    path = folder / "events"
    viewer = view("pair")
    words = ["send", SOURCE, "--address", "127.0.0.1", "--port", viewer.port(), "--pattern", "pair"]
    sender = sightline(*words, "--frames", 10, "--stats", path, events=False)
    sender.expect(0)
    viewer.end()
    events = [parse_event(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert events[0]["event"] == "ready" and events[-1]["event"] == "end"
    assert events[-1]["frames"] == 10


def test_nothing_but_events_on_standard_output(view, send):
    viewer = view("pair")
    sender = send(SOURCE, viewer.port(), "pair", "--frames", 90, "--log", "debug")
    sender.end()
    viewer.end()
    kinds = {event["event"] for event in viewer.events.so_far() + sender.events.so_far()}
    assert kinds <= {"ready", "stats", "end"}


def test_silence_on_standard_output_without_stats(sightline, view, send):
    viewer = sightline(
        "view", "--address", "127.0.0.1", "--port", free_port(), "--pattern", "pair", "--sink",
        "null", "--timeout", 1, events=False,
    )  # fmt: skip
    viewer.expect(9)
    assert viewer.stdout is not None and not viewer.events.so_far()


def test_progress_is_one_line_on_a_terminal(environment, folder, started, view):
    viewer = view("pair")
    ours, theirs = pty.openpty()
    started.callback(os.close, ours)
    words = [viewer.arguments[0], "send", SOURCE, "--address", "127.0.0.1"]
    words += ["--port", str(viewer.port()), "--pattern", "pair", "--duration", "3"]
    with subprocess.Popen(
        words, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=theirs,
    ) as sender:  # fmt: skip
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:
                break  # the terminal's other side is closed
            if not piece:
                break
            shown += piece
        assert sender.wait(20) == 0
    assert shown.count(b"\r") >= 2, shown
    assert b"frames" in shown
    viewer.end()


def test_descriptors_do_not_pile_up(view, send):
    viewer = view("pair")
    sender = send("pattern:320x240@60", viewer.port(), "pair")
    viewer.after(30)

    def descriptors(process):
        return len(os.listdir(f"/proc/{process.pid}/fd"))

    before = [descriptors(process) for process in (viewer, sender)]
    viewer.next_stats()
    viewer.next_stats()
    assert [descriptors(process) for process in (viewer, sender)] == before
    sender.signal(signal.SIGINT)
    sender.end()
    viewer.end()
