"""The links that are measured, and what else belongs to a row of the table."""

import dataclasses
import pathlib
from typing import Callable

import live_shows as shows
import traces

HD, FULL_HD = (1280, 720, 30), (1920, 1080, 60)

# 200 full packets: what a cheap router or a modem holds. They count packets and know no rate, so
# that the same queue is 0.6 s at 4 Mbit/s and 5 s at 500 kbit/s: room to spoil oneself.
QUEUE = "300k"

# GStreamer's fixed bitrate: three quarters of what the link passes, but no more than a picture of
# 1080p60 can use.
PEER_SHARE, PEER_MOST_KBIT = 0.75, 12000

# Of mahimahi's traces; and what is made instead, as fast in the mean, where they are not there.
TRACES = {
    "3a": ("Verizon-LTE-short.up", 5.96e6, 1),
    "3b": ("ATT-LTE-driving.up", 0.84e6, 2),
}


@dataclasses.dataclass
class Row:
    number: str
    title: str
    forward: str  # the link's settings, as the laboratory takes them
    backward: str
    delay_ms: float  # each way
    seconds: float
    peer_kbit: int
    judge: Callable  # what its Shows are: (row, runs) → lines
    size: tuple = HD  # of pictures: width, height, frames a second
    fixed: bool = False  # it is the same all the time
    films: tuple = ()  # those only; else those that were asked for
    slow: str = ""  # a third viewer's link, beside two on the row's own


def fixed(number, title, rate_kbit, delay_ms, seconds, judge, **more):
    common = f"delay={delay_ms}ms {more.pop('loss', '')}"
    return Row(
        number, title, f"rate={rate_kbit}k queue={QUEUE} {common}", common, delay_ms, seconds,
        int(min(rate_kbit * PEER_SHARE, PEER_MOST_KBIT)), judge, fixed=True, **more,
    )  # fmt: skip


def stepped(seconds):
    third = seconds / 3
    forward = f"rate=4M delay=25ms queue={QUEUE} @{third}s rate=1M @{2 * third}s rate=4M"
    return Row(
        "2", "4, 1 and 4 Mbit/s, 25 ms each way", forward, "delay=25ms", 25, seconds,
        int(4000 * PEER_SHARE), shows.steps,
    )  # fmt: skip


def mean_bps(path):
    stamps = pathlib.Path(path).read_text(encoding="ascii").split()
    return len(stamps) * traces.PACKET_BITS * 1000 / int(stamps[-1])


def traced(number, seconds, folder, recorded):
    """`recorded`: where mahimahi's traces are, or None to make some that are like them in
    `folder`."""
    name, rate_bps, seed = TRACES[number]
    if recorded:
        path, title = pathlib.Path(recorded) / name, f"{name}, 20 ms each way"
    else:
        path = pathlib.Path(folder) / f"made-{number}.trace"
        traces.write(path, rate_bps, 140, seed)
        title = f"a trace made with {rate_bps / 1e6:g} Mbit/s in the mean, 20 ms each way"
    forward = f"trace={path} delay=20ms queue={QUEUE}"
    judge = shows.fast_trace if number == "3a" else shows.slow_trace
    return Row(
        number, title, forward, "delay=20ms", 20, seconds,
        int(mean_bps(path) * PEER_SHARE / 1000), judge,
    )  # fmt: skip


def rows(folder, recorded=None, seconds=None):
    """All of them; `seconds` in place of each one's own."""

    def last(own):
        return seconds or own

    return [
        fixed("1", "4 Mbit/s, 25 ms each way", 4000, 25, last(40), shows.fixed),
        stepped(last(60)),
        traced("3a", last(120), folder, recorded),
        traced("3b", last(120), folder, recorded),
        fixed("4a", "500 kbit/s, 100 ms each way", 500, 100, last(40), shows.thin),
        fixed("4b", "100 Mbit/s, 5 ms each way, 1080p60", 100000, 5, last(30), shows.broad,
              size=FULL_HD, films=("pattern",)),
        fixed("5", "4 Mbit/s, 20 ms each way, 1 % lost", 4000, 20, last(60), shows.lossy,
              loss="loss=1%"),
        fixed("7", "three viewers, two on 4 Mbit/s and one on 500 kbit/s", 4000, 25, last(40),
              shows.several, slow=f"rate=500k delay=25ms queue={QUEUE}"),
    ]  # fmt: skip
