"""Figures of a NetGear."""

from __future__ import annotations

import dataclasses
from typing import Any

from sightline.library import lib, text


def _known(milliseconds: float) -> float | None:
    return milliseconds if milliseconds >= 0 else None


@dataclasses.dataclass(frozen=True)
class Stats:
    """What one end has done so far. See sightline/stats.h."""

    frames: int  # sent (and acknowledged, where the pattern does that), or received
    dropped: int  # let go here: replaced by a newer one, or not acknowledged
    rejected: int  # messages that could not be read or decoded
    bytes: int  # of frames, on the link
    reconnects: int  # times that the connection came back
    seconds: float  # since the first frame
    connected: bool  # somebody is at the other end
    port: int  # that a receiver is bound to, or that a sender asks for
    tunnel: str  # "none", "connecting", …, "up", "waiting"
    tunnel_reason: str  # why it isn't up; "" when all is well
    tunnel_reconnects: int
    latency_ms: float | None  # median from capture to decoded; receivers with timecode=True
    bit_rate: int  # bits a second of frames on the link, over the last second
    drops: dict[str, int]  # `dropped` by reason, such as "newer"; those that there were


def read_stats(stats: Any) -> Stats:
    """From an `sl_stats`."""
    return Stats(
        frames=stats.frames,
        dropped=stats.dropped,
        rejected=stats.rejected,
        bytes=stats.bytes,
        reconnects=stats.reconnects,
        seconds=stats.seconds,
        connected=stats.connected,
        port=stats.port,
        tunnel=text(lib.sl_tunnel_state_name(stats.tunnel)) or "",
        tunnel_reason=text(stats.tunnel_reason) or "",
        tunnel_reconnects=stats.tunnel_reconnects,
        latency_ms=_known(stats.latency.p50),
        bit_rate=stats.bit_rate,
        drops={
            text(lib.sl_drop_name(reason)) or "": count
            for reason, count in enumerate(stats.drops)
            if count
        },
    )
