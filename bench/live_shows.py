"""What each row is to show: what was measured, beside what was to be reached."""

import dataclasses
import math

import numpy

BEST_QUANTISER = 18  # of H.264: Sightline's encoder makes no frame better than that
BEST_SHARE = 0.5  # of the time at it, and the encoder counts as being at its best
NEAR_QUANTISER = 2  # frames differ by so much anyway
AFTER_STEP_S = 1
NO_BACKLOG_MS = 500  # after an outage: a longer wait for a fresh frame is a stall
AS_WITHOUT_MS, AS_WITHOUT_FPS = 20, 1  # two runs of the same differ by so much


@dataclasses.dataclass
class Line:
    what: str
    figure: float
    sign: str  # ≤ or ≥
    reach: float
    unit: str
    instead: str = ""  # what makes up for it where it was not reached; "" where nothing did

    @property
    def ok(self):
        if math.isnan(self.figure) or math.isnan(self.reach):
            return False
        good = self.figure <= self.reach if self.sign == "≤" else self.figure >= self.reach
        return bool(good or self.instead)


def at_most(what, figure, reach, unit="ms"):
    return Line(what, figure, "≤", reach, unit)


def at_least(what, figure, reach, unit="frames/s"):
    return Line(what, figure, "≥", reach, unit)


def quantiser(live):
    """As the sender told; infinite where nothing was known."""
    return math.inf if live["quantiser"] is None else live["quantiser"]


def is_best(live, run):
    return quantiser(live) <= BEST_QUANTISER and live["width"] == run.film.width


def at_best(run):
    """The share of the seconds in which the encoder was at its best quality."""
    known = [live for _, live in run.told]
    return sum(is_best(live, run) for live in known) / len(known) if known else 0.0


def used(run, reach):
    line = at_least(f"of the link used ({run.who})", 100 * run.seen.way.used, reach, "%")
    if not line.ok and (best := at_best(run)) >= BEST_SHARE:
        line.instead = f"the encoder is at its best, {100 * best:.0f} % of the time"
    return line


def ours(runs):
    return [run for run in runs if run.live]


def fixed(_row, runs):
    lines = []
    for run in ours(runs):
        lines += [
            at_least(f"{run.who}", run.seen.fps, 29),
            at_most(f"age beyond the path, 95th ({run.who})", run.seen.age(95), 60),
            used(run, 70),
        ]
    return lines


def recovery_s(run, down_s, up_s):
    """How long after a step up the picture is again as good as it was before the step down, for
    two seconds in a row."""
    first = [live for at, live in run.told if down_s / 2 <= at < down_s]
    if not first:
        return math.nan
    usual = numpy.median([quantiser(live) for live in first]) + NEAR_QUANTISER
    width = min(live["width"] for live in first)
    rate = min(live["fps"] or 0 for live in first)
    before = False
    for at, live in run.told:
        good = live["width"] >= width and quantiser(live) <= usual and (live["fps"] or 0) >= rate
        if at >= up_s and good and before:
            return at - up_s
        before = good and at >= up_s
    return math.inf


def steps(row, runs):
    down_s, up_s = row.seconds / 3, 2 * row.seconds / 3
    lines = []
    for run in ours(runs):
        age = run.seen.age(95, down_s + AFTER_STEP_S, up_s)
        lines += [
            at_most(f"age, 95th, from 1 s after the step down ({run.who})", age, 150),
            at_most(f"full quality after the step up ({run.who})", recovery_s(run, down_s, up_s), 10,
                    "s"),
            at_most(f"broken pictures ({run.who})", run.broken, 0, ""),
        ]  # fmt: skip
    return lines


def outages(run):
    times = run.seen.recoveries_ms()
    count = len(run.seen.way.outages())
    what = f"a fresh frame after each of {count} outages, the slowest ({run.who})"
    return [at_most(what, max(times), NO_BACKLOG_MS)] if times else []


def fast_trace(_row, runs):
    lines = []
    for run in ours(runs):
        lines.append(at_most(f"age beyond the path, 95th ({run.who})", run.seen.age(95), 200))
        lines += [used(run, 50), *outages(run)]
    return lines


def slow_trace(_row, runs):
    lines = []
    for run in ours(runs):
        figures = run.seen.figures()
        lines += [
            at_most(f"excess over the best possible, 95th ({run.who})", figures["excess_p95_ms"], 250),
            at_least(f"while the link is up ({run.who})", figures["fps_while_up"], 20),
            *outages(run),
        ]  # fmt: skip
    return lines


def thin(_row, runs):
    lines = []
    for run in ours(runs):
        lines += [
            at_least(f"{run.who}", run.seen.fps, 10),
            at_most(f"age beyond the path, 95th ({run.who})", run.seen.age(95), 250),
        ]
    return lines


def broad(_row, runs):
    lines = []
    for run in ours(runs):
        age = run.seen.age(50)
        what = f"age beyond the path, median; the codec takes {run.codec_ms:.1f} ms ({run.who})"
        lines += [
            at_most(f"frames dropped ({run.who})", run.dropped, 0, ""),
            at_most(what, age, run.codec_ms + 10),
        ]
    return lines


def lossy(_row, runs):
    return [
        at_most(f"longest time without a frame ({run.who})", max(run.seen.gaps_ms()), 500)
        for run in ours(runs)
    ]


def several(_row, runs):
    """Each of the two with what it had without the third."""
    lines = []
    alone = {(run.film.name, run.host): run for run in runs if not run.beside_slow}
    for run in runs:
        without = alone.get((run.film.name, run.host))
        if not run.beside_slow or not without:
            continue
        age, fps = without.seen.age(95), without.seen.fps
        lines += [
            at_most(f"age beyond the path, 95th ({run.who})", run.seen.age(95), age + AS_WITHOUT_MS),
            at_least(f"{run.who}", run.seen.fps, fps - AS_WITHOUT_FPS),
        ]  # fmt: skip
    return lines


def beside_others(row, runs):
    """Against whoever ran on the same link with the same film."""
    peers = [run for run in runs if not run.live]
    lines = []
    for run in ours(runs):
        same = [peer for peer in peers if peer.film == run.film]
        ages = {peer.name: peer.seen.age(95) for peer in same if len(peer.seen.at_s)}
        if ages:
            nearest = min(ages, key=ages.get)
            lines.append(at_most(f"age, 95th, beside {nearest} ({run.who})", run.seen.age(95),
                                 ages[nearest]))  # fmt: skip
        medians = [peer.seen.age(50) for peer in same if peer.name == "GStreamer UDP"]
        if medians and row.fixed:
            lines.append(at_most(f"age, median, beside GStreamer UDP ({run.who})", run.seen.age(50),
                                 medians[0] + 30))  # fmt: skip
    return lines
