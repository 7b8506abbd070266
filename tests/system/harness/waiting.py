"""Waiting for something said, with a deadline."""

import os
import threading
import time

# Programs built with sanitizers take their time.
SLOWNESS = 3 if "ASAN_OPTIONS" in os.environ else 1


def allow(seconds):
    """A deadline in seconds, stretched where the programs under test run slower than usual."""
    return seconds * SLOWNESS


def wait_until(what, seconds=40):
    """Asks again and again until `what()` is true, where nothing tells; what it was then."""
    deadline = time.monotonic() + allow(seconds)
    while not (result := what()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return result


class Lines:
    """The lines a stream has delivered so far, read by a thread of their own."""

    def __init__(self, stream, convert=None):
        self._convert = convert or (lambda line: line)
        self._changed = threading.Condition()
        self._items, self._times = [], []
        self._ended = False
        self._stream = stream
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        try:
            for raw in self._stream:
                item = self._convert(raw.decode("utf-8", "replace").rstrip("\n"))
                with self._changed:
                    self._items.append(item)
                    self._times.append(time.monotonic())
                    self._changed.notify_all()
        except (OSError, ValueError):
            pass  # the stream was closed under the reader: that is an end too
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def count(self):
        with self._changed:
            return len(self._items)

    def so_far(self):
        with self._changed:
            return list(self._items)

    def wait_for(self, matches, seconds, start=0):
        """The first item from number `start` on that matches; None at the end or deadline."""
        return self.first(matches, seconds, start)[0]

    def first(self, matches, seconds, start=0):
        """That item, and when it came; (None, None) at the end or deadline."""
        deadline = time.monotonic() + allow(seconds)
        position = start
        with self._changed:
            while True:
                while position < len(self._items):
                    if matches(self._items[position]):
                        return self._items[position], self._times[position]
                    position += 1
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    return None, None
                self._changed.wait(left)

    def wait_end(self, seconds):
        deadline = time.monotonic() + allow(seconds)
        with self._changed:
            while not self._ended:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def close(self):
        self._thread.join(5)
        self._stream.close()
