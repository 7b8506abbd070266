"""What a person at a terminal sees of the two ends, and who sees less."""

import re
import signal

import pexpect
import pytest
from harness.processes import command_path
from harness.waiting import allow

SOURCE = "pattern:320x240@30"
GREEN, YELLOW, RED = "\033[32m", "\033[33m", "\033[31m"
FIGURES = r" · [0-9.]+ frames/s · [0-9]+ ms old · [0-9.]+ [kM]bit/s( · \d+ dropped)? · \d+ frames"


@pytest.fixture
def on_terminal(environment, folder, started):
    """The command on a terminal of its own, wide enough for the whole line."""

    def start(*words, **more):
        child = pexpect.spawn(
            command_path(), [str(word) for word in words],
            env={**environment, "TERM": "xterm", **more}, cwd=folder, encoding="utf-8",
            dimensions=(24, 200), timeout=allow(30),
        )  # fmt: skip
        started.callback(child.close, force=True)
        return child

    return start


def viewing(*more):
    return ["view", "--address", "127.0.0.1", "--sink", "null", *more]


def send_to(viewer):
    return ["send", SOURCE, "--address", "127.0.0.1", "--port", viewer.port()]


def test_both_ends_show_a_line_in_colour(on_terminal, view, send):
    viewer = view("live")
    sender = on_terminal(*send_to(viewer))
    sender.expect(re.escape(f"\r\033[K{GREEN}connected\033[m") + FIGURES)
    watcher = on_terminal(*viewing("--port", 0, "--stats", "events"))
    watcher.expect(r"at tcp://127.0.0.1:(\d+)")
    second = send(SOURCE, int(watcher.match[1]), "live")
    watcher.expect(re.escape(f"\r\033[K{GREEN}live\033[m") + FIGURES)
    second.kill()
    watcher.expect(r"the camera [^/]* is gone; waiting for it")
    watcher.expect(re.escape(f"\r\033[K{YELLOW}waiting\033[m"))
    viewer.kill()
    sender.expect(re.escape(f"\r\033[K{YELLOW}waiting\033[m"))


def test_a_viewer_that_stands_still_has_nothing_new(on_terminal, view):
    viewer = view("live")
    sender = on_terminal(*send_to(viewer))
    sender.expect(re.escape(f"{GREEN}connected\033[m") + FIGURES)
    viewer.signal(signal.SIGSTOP)
    sender.expect(r" · 0\.0 frames/s · [0-9.]+ [kM]bit/s")


def test_no_colour_where_none_is_wanted(on_terminal, view):
    sender = on_terminal(*send_to(view("live")), NO_COLOR="1")
    sender.expect(re.escape("\r\033[Kconnected") + FIGURES)
    assert "\033[3" not in sender.before


def test_no_line_is_rewritten_on_a_dumb_terminal(on_terminal, view):
    viewer = view("live")
    sender = on_terminal(*send_to(viewer), "--frames", 45, TERM="dumb")
    sender.expect(pexpect.EOF)
    assert "\033" not in sender.before
    assert "frames sent" in sender.before


def test_several_cameras_are_counted(on_terminal, send):
    watcher = on_terminal(*viewing("--port", 0))
    watcher.expect(r"at tcp://127.0.0.1:(\d+)")
    port = int(watcher.match[1])
    senders = [send(SOURCE, port, "live") for _ in range(2)]
    watcher.expect(re.escape(f"{GREEN}2 cameras\033[m"))
    senders[0].kill()
    watcher.expect(r"the camera [^/]* is gone; waiting for it")
    watcher.expect(re.escape(f"{RED}2 cameras, 1 gone\033[m"))


def test_quiet_is_quiet(sightline, view, send):
    quiet = view("live", "--quiet")
    send(SOURCE, quiet.port(), "live", "--frames", 20, "--quiet").end()
    quiet.end()
    assert not quiet.sentences()


def test_quiet_shows_no_line(on_terminal, view):
    sender = on_terminal(*send_to(view("live")), "--frames", 45, "--quiet")
    sender.expect(pexpect.EOF)
    assert sender.before == ""


def test_errors_are_shown_all_the_same(sightline):
    sightline("send", "/nowhere/film.mp4", "--quiet").expect(3).sentence("/nowhere/film.mp4")


def test_quiet_contradicts_a_level(sightline):
    words = ["send", SOURCE, "--quiet", "--log", "info"]
    sightline(*words, events=False).expect(2).sentence("--quiet", "--log")
