"""The figures of bench/live follow from frames and links as they should; no stream is run."""

import math
import pathlib
import sys

import numpy
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

from live_figures import PACKET_BYTES, Seen, Way, best_possible  # noqa: E402

START_US = 5_000_000
PACKET_EACH_MS = 10


def way(seconds=4, outage_ms=(), delay_ms=20):
    """A link that passes a packet every 10 ms, but none in the outage."""
    passed = numpy.zeros(seconds * 1000 + 1)
    for at_ms in range(PACKET_EACH_MS, len(passed), PACKET_EACH_MS):
        if not outage_ms or not outage_ms[0] < at_ms < outage_ms[1]:
            passed[at_ms] = PACKET_BYTES
    capacity = numpy.cumsum(passed)
    delivered = numpy.array([[START_US + 1e6, capacity[-1] / 4], [START_US + 2e6, capacity[-1] / 4]])
    return Way(delay_ms, START_US, seconds, capacity, delivered, {"p95": 0.1})


def frames(captured_ms, age_ms):
    return [(START_US + 1000 * (at + age_ms), age_ms) for at in captured_ms]


def test_ages_are_beyond_the_path():
    seen = Seen(frames(range(0, 3900, 100), 50), way())
    assert seen.age(50) == pytest.approx(30)
    assert seen.frames(1, 2) == 10
    assert seen.age(95, since_s=1, until_s=2) == pytest.approx(30)
    assert seen.figures()["used"] == pytest.approx(0.5)
    assert seen.figures()["stalls"] == 0


def test_only_frames_of_the_measurement_count():
    seen = Seen(frames([-500, -60, 3000, 3999], 50), way())
    assert len(seen.at_s) == 1
    assert seen.figures()["stalls"] == 2
    assert seen.figures()["longest_gap_ms"] == pytest.approx(3050)


def test_broken_pictures_have_no_age():
    lines = frames(range(0, 1000, 100), 50)
    lines[3] = (lines[3][0], None)
    lines[5] = (lines[5][0], 40_000.0)
    seen = Seen(lines, way())
    assert seen.unreadable == 2
    assert seen.age(100) == pytest.approx(30)


def test_the_best_possible():
    """At an outage its frames are as old as the rest of it, and that is no excess of anybody."""
    link = way(outage_ms=(1000, 2000))
    waits = link.waits_ms()
    assert waits[5] == 5 and waits[1100] == 900
    assert math.isinf(waits[-1])
    assert link.outages() == [(1000, 2000)]
    link.capacity[1500:] += PACKET_BYTES
    assert link.outages() == [(1000, 2000)]
    best = best_possible(way(outage_ms=(1000, 2000)), 30)
    assert best["age_ms"]["max"] >= 970
    seen = Seen(frames([1100], 20 + 900 + 40), way(outage_ms=(1000, 2000)))
    assert seen.excess_ms() == pytest.approx([40])


def test_after_an_outage():
    """What matters is the first fresh frame, however many old ones come before it."""
    old = [(START_US + 1000 * (2020 + late), 900 + late) for late in range(0, 300, 10)]
    fresh = frames(range(2300, 3900, 100), 50)
    assert Seen(old, way(outage_ms=(1000, 2000))).recoveries_ms() == [math.inf]
    seen = Seen(old + fresh, way(outage_ms=(1000, 2000)))
    assert seen.recoveries_ms() == pytest.approx([330])
    assert seen.fps_while_up() == pytest.approx((0 + 37 + 9) / 3)


def test_nothing_came():
    figures = Seen([], way()).figures()
    assert figures["fps"] == 0 and math.isnan(figures["age_ms"]["p95"])
    assert figures["stalls"] == 1
