"""Ends of the library's, each a program of its own that does what a test tells it: end.c."""

import json
import os
import pathlib
import select
import shlex
import struct
import subprocess

import numpy

from harness.processes import ROOT, Process, command_path
from harness.waiting import allow

SOURCE = ROOT / "tests" / "system" / "end.c"


def build(folder):
    """Compiles the program against the library under test; returns its path."""
    program = pathlib.Path(folder) / "end"
    library = pathlib.Path(command_path()).resolve().parent
    sanitizers = ["-fsanitize=address,undefined"] if "ASAN_OPTIONS" in os.environ else []
    words = ["cc", "-std=c17", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", *sanitizers]
    words += [f"-I{ROOT / 'include'}", "-o", str(program), str(SOURCE)]
    subprocess.run([*words, f"-L{library}", "-lsightline", f"-Wl,-rpath,{library}"], check=True)
    return program


class Refusal(Exception):
    """What the library said to a call: the code's name, and the sentence."""

    def __init__(self, code, sentence):
        super().__init__(f"{code}: {sentence}")
        self.code, self.sentence = code, sentence


class Program(Process):
    """The program; it holds one end at a time, so that the next test can have it."""

    def __init__(self, words, environment):
        channels = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        super().__init__(words, environment, **channels)

    def tell(self, *parts):
        """Asks for something; the answer comes in its time."""
        raw = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
        framed = b"".join(struct.pack("=I", len(part)) + part for part in raw)
        self.stdin.write(struct.pack("=I", len(raw)) + framed)
        self.stdin.flush()

    def answered(self, seconds):
        return bool(select.select([self.stdout], [], [], allow(seconds))[0])

    def hear(self, seconds=60):
        """The answer, without `ok`; a Refusal is raised."""
        assert self.answered(seconds), f"no answer\n{self.account()}"
        verb, *parts = (self._read(self._number()) for _ in range(self._number()))
        if verb == b"error":
            raise Refusal(*(part.decode() for part in parts))
        return parts if verb == b"ok" else [verb, *parts]

    def ask(self, *parts):
        self.tell(*parts)
        return self.hear()

    def _number(self):
        return struct.unpack("=I", self._read(4))[0]

    def _read(self, size):
        data = self.stdout.read(size)
        assert len(data) == size, f"it ended\n{self.account()}"
        return data


def words_of(options):
    """NAME=VALUE of each that has a value."""
    return [f"{name}={value}" for name, value in options.items() if value is not None]


def parts_of(array, value):
    """An array and a JSON value as the program takes them; None is none."""
    text = "" if value is None else json.dumps(value)
    if array is None:
        return "", "", b"", text
    shape = ",".join(str(side) for side in array.shape)
    return str(array.dtype), shape, numpy.ascontiguousarray(array).tobytes(), text


def told_by(parts):
    """(port, value, array) as the program tells them."""
    dtype, shape, data, *texts = parts
    value, port = (json.loads(text) if text else None for text in texts)
    if not dtype:
        return port, value, None
    sides = [int(side) for side in shape.split(b",")]
    return port, value, numpy.frombuffer(data, dtype.decode()).reshape(sides)


class End:
    """What both have: a program, which is put with the `idle` ones when the end is closed."""

    def __init__(self, role, program, idle, options):
        self._program, self._idle = program, idle
        program.ask(role, *words_of(options))

    def close(self):
        self._program.hear()
        self._idle.append(self._program)


class Sender(End):
    """The camera end. `options` are the library's own."""

    def __init__(self, program, idle, options):
        super().__init__("sender", program, idle, options)

    def begin(self, frame, message=None):
        self._program.tell("send", *parts_of(frame, message))

    def done(self):
        """Whether finish() would not wait."""
        return self._program.answered(0)

    def finish(self):
        """Waits until the frame was acknowledged; tells (port, data) of what came back."""
        parts = self._program.hear()
        if not parts:
            return None, None
        port, value, array = told_by(parts)
        return port, value if array is None else array

    def begin_end(self):
        """Before close(), which waits for it."""
        self._program.tell("close")


class Receiver(End):
    """The viewer end."""

    def __init__(self, program, idle, options):
        super().__init__("receiver", program, idle, options)
        self._asked = False

    def give(self, data):
        """What goes back from now on."""
        array = data if isinstance(data, numpy.ndarray) else None
        value = None if isinstance(data, numpy.ndarray) else data
        self._program.ask("give", *parts_of(array, value))

    def ready(self, seconds):
        """Whether there is something to take."""
        if not self._asked:
            self._program.tell("recv", 60)
            self._asked = True
        return self._program.answered(seconds)

    def take(self):
        """(port, message, frame), or None at the end."""
        assert self.ready(60), f"nothing came\n{self._program.account()}"
        self._asked = False
        verb, *parts = self._program.hear()
        return None if verb == b"end" else told_by(parts)

    def close(self):
        self._program.tell("close")
        super().close()
