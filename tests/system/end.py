"""Ends of the Python module's for tests: what end.c is for the library, told in the same way.

As a NetGear an end shows messages and ports only in the modes that have them, and what it gives
back it keeps until there is something else.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness.ends import packed, parts_of, read_parts, told_apart, told_by  # noqa: E402
from harness.gears import NetGear  # noqa: E402
from harness.netgear import PATTERNS  # noqa: E402


def option(text):
    """The name and the value of NAME=VALUE."""
    name, value = text.split("=", 1)
    if name == "pattern":
        return name, PATTERNS[value]
    if name == "port" and "," in value:
        return name, [int(port) for port in value.split(",")]
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


class End:
    def __init__(self, role, words):
        self._options = dict(option(word.decode()) for word in words)
        self._gear = NetGear(receive_mode=role == b"receiver", **self._options)

    def send(self, *parts):
        frame, message = told_by(parts)
        data, port = self._gear.send(frame, message), None
        if self._options.get("multiclient_mode") and data is not None:
            port, data = data
        return [b"ok", *parts_of(*told_apart(data), port)]

    def give(self, *parts):
        array, value = told_by(parts)
        try:
            self._gear.recv(value if array is None else array, timeout=0)
        except TimeoutError:
            return [b"ok"]
        return [b"error", b"unasked", b"a frame came before it was sent"]

    def recv(self, seconds):
        try:
            came = self._gear.recv(timeout=float(seconds))
        except TimeoutError as error:
            return [b"error", b"SL_EAGAIN", str(error)]
        if came is None:
            return [b"end"]
        came = came if isinstance(came, tuple) else (came,)
        port = came[0] if self._options.get("multiserver_mode") else None
        message = came[-2] if len(came) > 1 + (port is not None) else None
        return [b"frame", *parts_of(came[-1], message, port)]

    def close(self):
        self._gear.close()
        return [b"ok"]


def open_end(ends, role, words):
    """It stands with `ends`, under its number."""
    try:
        end = End(role, words)
    except ValueError as error:
        return [b"error", b"ValueError", str(error)]
    ends.append(end)
    return [b"ok", len(ends) - 1]


def main():
    ends = []
    while (parts := read_parts(sys.stdin.buffer)) is not None:
        verb, *rest = parts
        if verb in (b"sender", b"receiver"):
            answer = open_end(ends, verb, rest)
        else:
            answer = getattr(ends[int(rest[0])], verb.decode())(*rest[1:])
        sys.stdout.buffer.write(packed(answer))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
