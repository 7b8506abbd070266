"""Runs the `sightline` command and other programs, and reads what they say."""

import ctypes
import json
import os
import pathlib
import re
import signal
import subprocess
import time

from harness.waiting import Lines, allow

REPORTS = re.compile(
    r"(ERROR|WARNING): (Address|Thread|Leak|Memory|UndefinedBehavior)Sanitizer|runtime error:"
)
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
ROOT = pathlib.Path(__file__).resolve().parents[3]


def command_path():
    return os.environ.get("SIGHTLINE") or str(ROOT / "build" / "sightline")


def parse_event(line):
    """An event as the command wrote it, or the line itself where it is no JSON object."""
    try:
        event = json.loads(line)
    except ValueError:
        return {"event": "not JSON", "line": line}
    return event if isinstance(event, dict) else {"event": "not an object", "line": line}


def end_with_the_tests():
    """Runs in the child: the kernel kills it if the tests are killed before they could."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A program under way; its standard error is kept for the failure message.

    `prefix` is a program, with arguments, that becomes this one: `ip netns exec NAME`.
    """

    def __init__(self, arguments, environment=None, folder=None, **channels):
        words = [*channels.get("prefix", ()), *arguments]
        self.arguments = [str(argument) for argument in words]
        self._process = subprocess.Popen(
            self.arguments,
            env=environment,
            cwd=folder,
            stdin=channels.get("stdin", subprocess.DEVNULL),
            stdout=channels.get("stdout", subprocess.DEVNULL),
            stderr=subprocess.PIPE,
            pass_fds=channels.get("pass_fds", ()),
            preexec_fn=end_with_the_tests,
        )
        self.said = Lines(self._process.stderr)
        self.stopped_by_test = False

    @property
    def pid(self):
        return self._process.pid

    @property
    def stdin(self):
        return self._process.stdin

    @property
    def stdout(self):
        return self._process.stdout

    @property
    def stderr(self):
        return "\n".join(self.said.so_far())

    def sentences(self):
        """The lines of standard error that hold anything, without what a terminal would rewrite."""
        lines = [line.rstrip("\r").split("\r")[-1].strip() for line in self.said.so_far()]
        return [line for line in lines if line]

    def sentence(self, *words):
        """The one sentence a failed program ends with; it must hold all these words."""
        lines = self.sentences()
        assert lines, f"it failed in silence\n{self.account()}"
        assert len(lines[-1].split()) >= 4, f"no sentence\n{self.account()}"
        for word in words:
            assert str(word).lower() in lines[-1].lower(), f"no {word!r}\n{self.account()}"
        return lines[-1]

    def running(self):
        return self._process.poll() is None

    def wait_said(self, pattern, seconds=20, start=0):
        """The first line of standard error that holds `pattern`."""
        expression = re.compile(pattern, re.IGNORECASE)
        line = self.said.wait_for(lambda text: expression.search(text), seconds, start)
        assert line is not None, f"nobody said {pattern!r}\n{self.account()}"
        return line

    def peak_memory(self):
        """The most bytes that it has held at a time."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status)[1])

    def wait_catching(self, number, seconds=20):
        """Until it has a handler for a signal, of which nobody tells."""
        deadline = time.monotonic() + allow(seconds)
        caught = 0
        while not caught >> (number - 1) & 1:
            assert time.monotonic() < deadline and self.running(), self.account()
            status = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
            caught = int(re.search(r"SigCgt:\s+(\w+)", status)[1], 16)
            time.sleep(0.01)

    def signal(self, number):
        self._process.send_signal(number)

    def wait(self, seconds=30):
        """The exit code; a program that does not end in time fails the test."""
        try:
            code = self._process.wait(allow(seconds))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"did not end within {seconds} s\n{self.account()}") from None
        self.said.wait_end(5)
        return code

    def expect(self, code, seconds=30):
        actual = self.wait(seconds)
        assert actual == code, f"exit code {actual}, not {code}\n{self.account()}"
        return self

    def kill(self):
        self.stopped_by_test = True
        if self.running():
            self._process.kill()
        self._process.wait(10)

    def account(self):
        """What this program was and said, for the failure message."""
        text = [" ".join(self.arguments), f"exit code: {self._process.returncode}"]
        return "\n".join(text + ["standard error:", self.stderr[-4000:]])

    def finish(self):
        """Ends the program if the test did not; afterwards nothing of it is left."""
        if self.running():
            self.kill()
        self.said.close()
        for channel in (self._process.stdin, self._process.stdout):
            if channel is not None and not channel.closed:
                try:
                    channel.close()
                except BrokenPipeError:
                    pass

    def complaint(self):
        """Why this program must fail a test even if all asked-for results came, or None."""
        code = self._process.returncode
        if REPORTS.search(self.stderr):
            return f"a sanitizer reported\n{self.account()}"
        crashes = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
        if not self.stopped_by_test and code is not None and -code in crashes:
            return f"ended by signal {-code}\n{self.account()}"
        return None


class Sightline(Process):
    """The command under way, with the events it writes to --stats.

    With `data=True` its standard output is left to the test (`--sink -`), and the events come
    through a pipe of their own.
    """

    def __init__(self, arguments, environment, folder, data=False, events=True, **channels):
        words = [command_path(), *arguments]
        read_end = None
        if events and data:
            read_end, write_end = os.pipe()
            words += ["--stats", f"/dev/fd/{write_end}"]
            channels["pass_fds"] = (write_end,)
        elif events:
            words += ["--stats", "-"]
        channels.setdefault("stdout", subprocess.PIPE)
        super().__init__(words, environment, folder, **channels)
        if read_end is not None:
            os.close(write_end)
            self.events = Lines(os.fdopen(read_end, "rb"), parse_event)
        elif events or not data:
            self.events = Lines(self.stdout, parse_event)
        else:
            self.events = None

    def event(self, kind, where=None, seconds=30, start=0):
        """The first event of a kind, from event number `start` on, that satisfies `where`."""
        found = self.events.wait_for(
            lambda event: event.get("event") == kind and (where is None or where(event)),
            seconds,
            start,
        )
        assert found is not None, f"no such {kind} event\n{self.account()}"
        return found

    def ready(self, seconds=20):
        return self.event("ready", seconds=seconds)

    def port(self):
        """The port a viewer was bound to."""
        return self.ready()["port"]

    def after(self, frames, seconds=30):
        """A stats event that tells of at least so many frames."""
        return self.event("stats", lambda event: event["frames"] >= frames, seconds)

    def next_stats(self, where=None, seconds=30):
        """A stats event not written yet when this is called."""
        return self.event("stats", where, seconds, start=self.events.count())

    def end(self, code=0, seconds=30):
        """Waits for the exit with this code; returns the end event."""
        self.expect(code, seconds)
        self.events.wait_end(5)
        return self.event("end", seconds=5)

    def account(self):
        text = super().account()
        if self.events is None:
            return text
        events = "\n".join(json.dumps(event) for event in self.events.so_far()[-4:])
        return f"{text}\nevents:\n{events}"

    def finish(self):
        super().finish()
        if self.events is not None:
            self.events.close()
