"""Ends of the library's and of the Python module's, in programs that do what a test tells them:
end.c and end.py."""

import json
import os
import pathlib
import select
import shlex
import struct
import subprocess

import numpy

from harness.processes import ROOT, Process, command_path

SOURCE = ROOT / "tests" / "system" / "end.c"
PYTHON = SOURCE.with_suffix(".py")


def build(folder, source=SOURCE):
    """Compiles the program against the library under test; returns its path."""
    program = pathlib.Path(folder) / source.stem
    library = pathlib.Path(command_path()).resolve().parent
    sanitizers = ["-fsanitize=address,undefined"] if "ASAN_OPTIONS" in os.environ else []
    words = ["cc", "-std=c17", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", *sanitizers]
    words += [f"-I{ROOT / 'include'}", "-o", str(program), str(source)]
    subprocess.run([*words, f"-L{library}", "-lsightline", f"-Wl,-rpath,{library}"], check=True)
    return program


def environment(home):
    """Of the programs: the module's finds the library under test."""
    library = pathlib.Path(command_path()).resolve().parent / "libsightline.so"
    return {**os.environ, "HOME": str(home), "SIGHTLINE_LIBRARY": str(library)}


class Refusal(Exception):
    """What the library said to a call: the code's name, and the sentence."""

    def __init__(self, code, sentence):
        super().__init__(f"{code}: {sentence}")
        self.code, self.sentence = code, sentence


class Program(Process):
    """The program; it holds many ends, and does one thing at a time."""

    def __init__(self, words, environment):
        channels = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        super().__init__(words, environment, **channels)

    def tell(self, *parts):
        """Asks for something; the answer comes in its time."""
        self.stdin.write(packed(parts))
        self.stdin.flush()

    def answered(self):
        """Whether the answer to what was asked last has begun to come."""
        return bool(select.select([self.stdout], [], [], 0)[0])

    def hear(self):
        """The answer, without `ok`; a Refusal is raised. One that never comes is the test's end."""
        answer = read_parts(self.stdout)
        assert answer, f"it ended\n{self.account()}"
        verb, *parts = answer
        if verb == b"error":
            raise Refusal(*(part.decode() for part in parts))
        return parts if verb == b"ok" else answer

    def ask(self, *parts):
        self.tell(*parts)
        return self.hear()


def packed(parts):
    """As bytes on their way: how many, then the size and the bytes of each."""
    raw = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    framed = [struct.pack("=I", len(part)) + part for part in raw]
    return struct.pack("=I", len(raw)) + b"".join(framed)


def read_parts(stream):
    """The other way round; None at the end."""

    def read_number():
        return struct.unpack("=I", stream.read(4))[0]

    try:
        return [stream.read(read_number()) for _ in range(read_number())]
    except struct.error:
        return None


def words_of(options):
    """NAME=VALUE of each that has a value."""
    return [f"{name}={value}" for name, value in options.items() if value is not None]


def parts_of(frame, *values):
    """An array and JSON values as the program takes and tells them; None is empty."""
    texts = ["" if value is None else json.dumps(value) for value in values]
    if frame is None:
        return "", "", b"", *texts
    shape = ",".join(str(side) for side in frame.shape)
    return str(frame.dtype), shape, numpy.ascontiguousarray(frame).tobytes(), *texts


def told_by(parts):
    """The array and the values of such parts."""
    dtype, shape, data, *texts = parts
    values = (json.loads(text) if text else None for text in texts)
    if not dtype:
        return None, *values
    sides = [int(side) for side in shape.split(b",")]
    return numpy.frombuffer(data, dtype.decode()).reshape(sides), *values


def told_apart(data):
    """An array or any other value, as (array, value)."""
    return (data, None) if isinstance(data, numpy.ndarray) else (None, data)


class End:
    """What both have: a program, in which they have a number."""

    def __init__(self, role, program, options):
        self._program = program
        (self._number,) = program.ask(role, *words_of(options))

    def _tell(self, verb, *parts):
        self._program.tell(verb, self._number, *parts)

    def _ask(self, verb, *parts):
        return self._program.ask(verb, self._number, *parts)


class Sender(End):
    """The camera end. `options` are the library's own."""

    def __init__(self, program, options):
        super().__init__("sender", program, options)

    def begin(self, frame, message=None):
        self._tell("send", *parts_of(frame, message))

    def done(self):
        """Whether finish() would not wait."""
        return self._program.answered()

    def finish(self):
        """Waits until the frame was acknowledged; tells (port, data) of what came back."""
        parts = self._program.hear()
        if not parts:
            return None, None
        array, value, port = told_by(parts)
        return port, value if array is None else array

    def begin_end(self):
        """Before close(), which waits for it."""
        self._tell("close")

    def close(self):
        self._program.hear()


class Receiver(End):
    """The viewer end."""

    def __init__(self, program, options):
        super().__init__("receiver", program, options)
        self._came = None

    def give(self, data):
        """What goes back from now on."""
        self._ask("give", *parts_of(*told_apart(data)))

    def ready(self, seconds):
        """Whether there is something to take."""
        if self._came is None:
            try:
                self._came = self._ask("recv", seconds)
            except Refusal as refusal:
                if refusal.code != "SL_EAGAIN":
                    raise
        return self._came is not None

    def take(self):
        """(frame, message, port), or None at the end."""
        assert self.ready(30), f"nothing came\n{self._program.account()}"
        verb, *parts = self._came
        self._came = None
        return None if verb == b"end" else told_by(parts)

    def close(self):
        self._ask("close")
