"""One sender over one row's links: what was measured."""

import dataclasses
import math
import pathlib
import tempfile
import time

import numpy
from laboratory import Lab, Link

import live_ends as ends
from live_films import Film
from live_figures import Seen, Way, read_log

SIGHTLINE = "Sightline"
PEERS = {  # by what --peers calls them
    "pair": "NetGear pair",
    "pubsub": "NetGear pubsub",
    "reqrep": "NetGear reqrep",
    "tcp": "GStreamer TCP",
    "udp": "GStreamer UDP",
}
CONGESTION = "/proc/sys/net/ipv4/tcp_congestion_control"
SETTLE_S = 3  # from the first frame on: a camera that was just started is no measurement


@dataclasses.dataclass
class Run:
    """What one viewer of a sender saw."""

    name: str  # whose
    film: Film
    host: str
    seen: Seen
    told: list  # (seconds since the start, what the live sender told of itself), each second
    broken: float  # pictures and messages that made no sense; not a number where nobody counts
    dropped: float  # frames that were let go at either end
    beside_slow: bool = False  # a third viewer was there, on a slow link
    codec_ms: float = math.nan  # that a frame takes to be coded and decoded, where that is asked

    @property
    def live(self):
        return self.name == SIGHTLINE

    @property
    def who(self):
        extra = "" if self.host == "viewer" else f", {self.host}"
        return f"{self.name}, {self.film.name}{extra}{' beside slow' if self.beside_slow else ''}"

    def as_json(self):
        return {
            "who": self.who, "name": self.name, "film": self.film.name, "host": self.host,
            "beside_slow": self.beside_slow, "broken": self.broken, "dropped": self.dropped,
            "codec_ms": self.codec_ms, **self.seen.figures(), "told": self.told,
            "frames_seen": list(zip(self.seen.at_s.tolist(), self.seen.beyond_ms.tolist())),
        }  # fmt: skip


def start_sender(lab, row, hosts, of, name):
    protocols = {"GStreamer TCP": "tcp", "GStreamer UDP": "udp"}
    if name in protocols:
        return ends.Pipeline(lab, hosts[0], of, protocols[name], row.peer_kbit)
    pattern = "live" if name == SIGHTLINE else name.split()[-1]
    return ends.Command(lab, hosts, of, pattern)


def control_congestion(lab, name):
    """Has TCP in all hosts do as told, in place of what this machine does, where that is allowed."""
    for host in lab.hosts:
        done = lab.run(host, ["sh", "-c", f"echo {name} >{CONGESTION}"], check=False)
        if done.returncode != 0:
            raise RuntimeError(f"the congestion control {name} is not allowed to everybody here")


def measure(row, of, name, slow, congestion):
    """Runs it; one Run for each viewer but the slow one."""
    hosts = ["viewer"] if not row.slow else ["one", "two", *(["slow"] if slow else [])]
    with tempfile.TemporaryDirectory(prefix="sl-live-") as folder:
        logs = {host: pathlib.Path(folder, f"{host}.csv") for host in hosts}
        links = {
            host: Link("camera", host, row.slow if host == "slow" else row.forward, row.backward,
                       log=logs[host])
            for host in hosts
        }  # fmt: skip
        with Lab(*links.values()) as lab:
            if congestion:
                control_congestion(lab, congestion)
            if "@" in row.forward:  # no step before the measurement
                links["viewer"].set("forward", row.forward.split("@")[0])
            sender = start_sender(lab, row, hosts, of, name)
            try:
                ways = watch(row, sender, links, logs)
                lines = {host: viewer.frames() for host, viewer in sender.viewers.items()}
                told, said = sender.told(), sender.end()
            finally:
                sender.close()
    return [
        make_run(row, of, name, host, Seen(lines[host], ways[host]), told, said, slow)
        for host in hosts if host != "slow"
    ]  # fmt: skip


def watch(row, sender, links, logs):
    """Lets it run for the row's time; what its links passed meanwhile, by host."""
    sender.wait_frames()
    time.sleep(SETTLE_S)
    for link in links.values():
        link.start()
    time.sleep(row.seconds + row.delay_ms / 1000)
    counters = {host: link.counters()["forward"] for host, link in links.items()}
    ways = {}
    for host, link in links.items():
        start_us = counters[host]["start_us"]
        capacity = numpy.array(link.capacity("forward", row.seconds), dtype=float)
        delivered = read_log(logs[host], start_us, start_us + row.seconds * 1e6)
        ways[host] = Way(row.delay_ms, start_us, row.seconds, capacity, delivered,
                         counters[host]["late_ms"])  # fmt: skip
    return ways


def make_run(row, of, name, host, seen, events, said, slow):
    start_us = seen.way.start_us
    inside = [(at, event) for at, event in events if 0 <= (at - start_us) / 1e6 <= row.seconds]
    viewer = said.get("viewers", {}).get(host, {})
    lost = [event["dropped"] for _, event in inside]
    return Run(
        name=name,
        film=of,
        host=host,
        seen=seen,
        told=[((at - start_us) / 1e6, event["live"]) for at, event in inside if "live" in event],
        broken=viewer.get("rejected", math.nan) + seen.unreadable,
        dropped=lost[-1] - lost[0] + viewer.get("dropped", math.nan) if lost else math.nan,
        beside_slow=slow,
    )
