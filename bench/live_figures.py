"""What a row's numbers are made of: the frames that a viewer saw, and the link that they crossed.

Times are microseconds of CLOCK_MONOTONIC, as the link and bench-ages tell them; ages, and whatever
else is shown, milliseconds.
"""

import dataclasses
import math
import pathlib

import numpy

PACKET_BYTES = 1500
STALL_MS = 500
DOWN_BPS = 100e3  # a second in which a link passes less counts as one without it
LONE_MS = 250  # nothing passes for so long: an outage
BREATH_MS = 1000
BROKEN_US = 50e3  # a frame that was captured so long before the one that came before it is none
FRESH_MS = 250  # so old, beyond the path, is a frame that is no backlog


@dataclasses.dataclass
class Way:
    """A link in one direction over a measurement: what it passed, and what it could have."""

    delay_ms: float
    start_us: int
    seconds: float
    capacity: numpy.ndarray  # bytes since the start, millisecond by millisecond
    delivered: numpy.ndarray  # (time in µs, bytes) of each packet
    late_ms: dict  # the emulator's own fault

    @property
    def used(self):
        """The share of what could have passed that was used."""
        return float(self.delivered[:, 1].sum() / max(1, self.capacity[-1]))

    def rates(self, step_s):
        """(edges in s, bits a second that could pass, bits a second that did) of steps."""
        edges = numpy.arange(0, self.seconds + 1e-9, step_s)
        at_s = (self.delivered[:, 0] - self.start_us) / 1e6
        passed, _ = numpy.histogram(at_s, edges, weights=self.delivered[:, 1])
        could = numpy.diff(self.capacity[(edges * 1000).astype(int)])
        return edges, could * 8 / step_s, passed * 8 / step_s

    def waits_ms(self):
        """For each millisecond, how long the smallest frame, of one packet, that is captured then
        has to wait until it has crossed the narrow place: less is impossible, even for somebody
        who knew all of it beforehand. Infinite where it never does."""
        whole = numpy.arange(len(self.capacity))
        crossed = numpy.searchsorted(self.capacity, self.capacity + PACKET_BYTES)
        return numpy.where(crossed < len(whole), crossed - whole, numpy.inf)

    def outages(self):
        """(begin, end) in ms of the times in which it passed nothing at all for long. Between two
        that follow each other at once there is no time to get well in: they are one."""
        opened = numpy.flatnonzero(numpy.diff(self.capacity) > 0) + 1
        found = []
        for i in numpy.flatnonzero(numpy.diff(opened) >= LONE_MS):
            begin, end = int(opened[i]), int(opened[i + 1])
            if found and begin - found[-1][1] < BREATH_MS:
                begin = found.pop()[0]
            found.append((begin, end))
        return found


def read_log(path, start_us, end_us):
    """(time in µs, bytes) of the packets that were delivered forward in a time."""
    whole = pathlib.Path(path).read_text(encoding="ascii").splitlines(keepends=True)
    lines = (line.split(",") for line in whole if line.endswith("\n"))  # it is still written to
    rows = [
        (int(delivered_us), int(size))
        for direction, fate, size, _, _, delivered_us in lines
        if direction == "forward" and fate == "delivered"
    ]
    every = numpy.array(rows, dtype=float).reshape(-1, 2)
    return every[(every[:, 0] >= start_us) & (every[:, 0] < end_us)]


class Seen:
    """The frames that one viewer saw while its link was measured."""

    def __init__(self, lines, way):
        """`lines`: (time in µs, age in ms or None) of each frame, from bench-ages."""
        end_us = way.start_us + way.seconds * 1e6

        def inside(frames):
            return [(at, age) for at, age in frames if way.start_us <= at < end_us]

        good = inside(readable(lines))
        self.way = way
        self.unreadable = len(inside(lines)) - len(good)
        self.at_s = numpy.array([(at - way.start_us) / 1e6 for at, _ in good])
        self.beyond_ms = numpy.array([age - way.delay_ms for _, age in good])
        self.captured_s = self.at_s - (self.beyond_ms + way.delay_ms) / 1e3

    @property
    def fps(self):
        return len(self.at_s) / self.way.seconds

    def age(self, percent, since_s=-numpy.inf, until_s=numpy.inf):
        """A percentile of the ages of frames, or of those that were captured in a time."""
        chosen = (self.captured_s >= since_s) & (self.captured_s < until_s)
        return percentile(self.beyond_ms[chosen], percent)

    def frames(self, since_s, until_s):
        """Frames a second in a time."""
        count = numpy.count_nonzero((self.at_s >= since_s) & (self.at_s < until_s))
        return count / (until_s - since_s)

    def excess_ms(self):
        """Of each frame captured since the start: how much older it is than it had to be."""
        waits = self.way.waits_ms()
        at_ms = (self.captured_s * 1000).astype(int)
        chosen = (at_ms >= 0) & (at_ms < len(waits))
        return self.beyond_ms[chosen] - waits[at_ms[chosen]]

    def gaps_ms(self):
        """Between one frame and the next, and at both ends."""
        return numpy.diff(numpy.concatenate(([0.0], self.at_s, [self.way.seconds]))) * 1000

    def screen_ms(self):
        """Every 10 ms, how old what is to be seen is, beyond the path."""
        ticks = numpy.arange(0, self.way.seconds, 0.01)
        last = numpy.searchsorted(self.at_s, ticks, side="right") - 1
        if len(self.captured_s) == 0:
            return numpy.array([])
        return (ticks - self.captured_s[last])[last >= 0] * 1000 - self.way.delay_ms

    def fps_while_up(self):
        """Frames a second over those seconds in which the link passes anything worth naming."""
        whole = int(self.way.seconds)
        could = numpy.diff(self.way.capacity[:: 1000][: whole + 1]) * 8
        came, _ = numpy.histogram(self.at_s, numpy.arange(whole + 1))
        up = could >= DOWN_BPS
        return float(came[: len(up)][up].mean()) if up.any() else 0.0

    def recoveries_ms(self):
        """For each outage, how long after its end a fresh frame came; infinite where none did. Those
        that end with the measurement are left out."""
        found = []
        fresh_s = self.at_s[self.beyond_ms <= FRESH_MS]
        for _, end_ms in self.way.outages():
            since_s = (end_ms + self.way.delay_ms) / 1000
            after = fresh_s[fresh_s >= since_s]
            if len(after):
                found.append((after[0] - since_s) * 1000)
            elif self.way.seconds - since_s >= STALL_MS / 1000:
                found.append(math.inf)
        return found

    def figures(self):
        """All of it as numbers, for the table and the file."""
        gaps = self.gaps_ms()
        return {
            "frames": len(self.at_s),
            "fps": self.fps,
            "fps_while_up": self.fps_while_up(),
            "age_ms": {
                "p50": self.age(50), "p95": self.age(95), "max": self.age(100),
            },
            "excess_p95_ms": percentile(self.excess_ms(), 95),
            "screen_p95_ms": percentile(self.screen_ms(), 95),
            "used": self.way.used,
            "stalls": int(numpy.count_nonzero(gaps > STALL_MS)),
            "longest_gap_ms": float(gaps.max()),
            "unreadable": self.unreadable,
            "late_p95_ms": self.way.late_ms["p95"],
        }  # fmt: skip


def readable(lines):
    """Without the frames whose age makes no sense: they come in the order in which they were
    captured, so that one from before the last is a broken picture, which reads as any number.
    """
    last_us = -numpy.inf
    for at, age in lines:
        if age is not None and at - age * 1000 >= last_us - BROKEN_US:
            last_us = at - age * 1000
            yield at, age


def percentile(values, percent):
    """Not a number where there is none."""
    return float(numpy.percentile(values, percent)) if len(values) else float("nan")


def best_possible(way, fps):
    """The same figures of a sender that knows all of the link beforehand: each frame of a source
    leaves so that it crosses as soon as the link allows, with nothing in its way. Its frames are
    of one packet; the rest of what passes could make them better, and none of them older."""
    ticks = (numpy.arange(0, way.seconds, 1 / fps) * 1000).astype(int)
    waits = way.waits_ms()[ticks]
    known = waits[numpy.isfinite(waits)]
    return {
        "fps": len(known) / way.seconds,
        "age_ms": {
            "p50": percentile(known, 50), "p95": percentile(known, 95), "max": percentile(known, 100)
        },
        "used": 1.0,
    }  # fmt: skip
