"""Secrets are asked for on the terminal, without showing them, and only where there is one."""

import json
import os
import pty
import select
import signal
import time

import pytest
from harness.processes import command_path
from harness.waiting import allow

SOURCE = "pattern:320x240@60"


class Terminal:
    """The command on a terminal of its own, where somebody could type."""

    def __init__(self, words, environment, folder):
        self.shown = b""
        self.pid, self.side = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(words[0], words, environment)

    def read(self, seconds):
        """What came within this time; False at the end."""
        if not select.select([self.side], [], [], seconds)[0]:
            return True
        try:
            piece = os.read(self.side, 4096)
        except OSError:
            return False
        self.shown += piece
        return bool(piece)

    def wait_shown(self, text, seconds=20):
        deadline = time.monotonic() + allow(seconds)
        while text not in self.shown.lower() and time.monotonic() < deadline:
            if not self.read(0.2):
                break
        assert text in self.shown.lower(), self.shown

    def type(self, text):
        os.write(self.side, text)

    def wait(self):
        """The exit code."""
        while self.read(5):
            pass
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.pid = None
        return status

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.side)


@pytest.fixture
def on_terminal(environment, folder, started):
    def start(*words):
        arguments = [command_path(), *(str(word) for word in words)]
        terminal = Terminal(arguments, environment, folder)
        started.callback(terminal.close)
        return terminal

    return start


def sending(viewer, server, *more):
    place = ["--address", "127.0.0.1", "--port", viewer.port(), "--pattern", "pair"]
    return ["send", SOURCE, *place, *server.options(), "--ssh-password-file", "-", *more]


def test_password_is_asked_for_without_showing_it(folder, password_server, view, on_terminal):
    server = password_server("right")
    viewer = view("pair")
    stats = folder / "stats"
    words = sending(viewer, server, "--frames", 10, "--stats", stats)
    terminal = on_terminal(*words)
    terminal.wait_shown(b"password")
    terminal.type(b"right\n")
    assert terminal.wait() == 0, terminal.shown
    assert b"right" not in terminal.shown
    assert json.loads(stats.read_text(encoding="utf-8").splitlines()[-1])["frames"] == 10
    viewer.end()


def test_wrong_password_on_the_terminal(password_server, view, on_terminal):
    server = password_server("right")
    viewer = view("pair")
    terminal = on_terminal(*sending(viewer, server))
    terminal.wait_shown(b"password")
    terminal.type(b"wrong\n")
    assert terminal.wait() == 5, terminal.shown


def test_interrupt_at_the_prompt(password_server, view, on_terminal):
    server = password_server("right")
    viewer = view("pair")
    terminal = on_terminal(*sending(viewer, server))
    terminal.wait_shown(b"password")
    terminal.type(b"\x03")
    assert terminal.wait() == 0, terminal.shown


def test_nobody_to_ask(password_server, view, sightline):
    server = password_server("right")
    viewer = view("pair")
    sender = sightline(*sending(viewer, server), preexec_fn=os.setsid)
    assert sender.wait() in (2, 5), sender.account()
    sender.sentence("terminal", "password")
