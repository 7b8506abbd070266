"""Frames from a test pattern to a viewer: through a tunnel and without, in each pattern."""

import pytest
from harness.netgear import PATTERNS
from harness.ports import free_port, ipv6_works

SMALL = "pattern:320x240@60"


def check_nothing_lost(viewer, sender, frames):
    sent, seen = sender.end(), viewer.end()
    assert sent["frames"] == frames, sender.account()
    assert seen["frames"] == frames and seen["dropped"] == 0, viewer.account()
    assert (sent["reason"], seen["reason"]) == ("frames", "peer ended")


def check_stream(pattern, viewer, sender, frames):
    if pattern != "pubsub":
        check_nothing_lost(viewer, sender, frames)
        return
    sent, seen = sender.end(), viewer.end()
    assert sent["frames"] == frames, sender.account()
    # The newest wins, so a busy machine may skip some; most must come, and none twice.
    assert frames / 2 <= seen["frames"] <= frames, viewer.account()


def test_test_pattern_through_a_tunnel(sshd, view, send):
    server = sshd()
    streams = []
    for pattern in PATTERNS:
        viewer = view(pattern, "--timecode")
        sender = send(
            "pattern:1280x720@30", viewer.port(), pattern, *server.options(), "--frames", 300
        )
        streams.append((pattern, viewer, sender))
    for pattern, viewer, sender in streams:
        check_stream(pattern, viewer, sender, 300)
        latency = viewer.event("end")["latency_ms"]
        assert 0 <= latency["p50"] <= latency["p95"] <= latency["p99"] <= latency["max"]
        assert latency["p50"] < 1000, viewer.account()
    assert server.logged(r"direct-tcpip"), "the server's log does not show the tunnel"


@pytest.mark.sanitized
@pytest.mark.parametrize("pattern", PATTERNS)
def test_short_stream_through_a_tunnel(pattern, sshd, view, send):
    server = sshd()
    viewer = view(pattern, "--timecode")
    sender = send(SMALL, viewer.port(), pattern, *server.options(), "--frames", 60)
    check_stream(pattern, viewer, sender, 60)


def test_raw_frames_through_a_tunnel(sshd, view, send):
    server = sshd()
    viewer = view("reqrep", "--timecode")
    sender = send(SMALL, viewer.port(), "reqrep", "--raw", *server.options(), "--frames", 60)
    check_nothing_lost(viewer, sender, 60)
    assert viewer.event("end")["bytes"] >= 60 * 320 * 240


@pytest.mark.parametrize("order", ["viewer first", "sender first"])
@pytest.mark.parametrize("protocol", ["tcp", "ipc"])
def test_direct_stream(protocol, order, folder, sightline):
    streams = []
    for pattern in PATTERNS:
        if protocol == "tcp":
            place = ["--address", "127.0.0.1", "--port", free_port()]
        else:
            place = ["--protocol", "ipc", "--address", folder / pattern]
        words = [*place, "--pattern", pattern]
        sending = ["send", SMALL, *words, "--frames", 60]
        viewing = ["view", *words, "--sink", "null"]
        if order == "viewer first":
            viewer = sightline(*viewing)
            viewer.ready()
            sender = sightline(*sending)
        else:
            sender = sightline(*sending)
            viewer = sightline(*viewing)
        streams.append((pattern, viewer, sender))
    for pattern, viewer, sender in streams:
        check_stream(pattern, viewer, sender, 60)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_sender_waits_for_a_viewer_behind_the_tunnel(pattern, sshd, view, send):
    server = sshd()
    port = free_port()
    sender = send(SMALL, port, pattern, *server.options(), "--frames", 60)
    sender.wait_said(rf"{port}")
    viewer = view(pattern, "--address", "127.0.0.1", "--port", port)
    check_stream(pattern, viewer, sender, 60)


@pytest.mark.skipif(not ipv6_works(), reason="no IPv6 loopback on this machine")
def test_direct_stream_over_ipv6(sightline):
    place = ["--address", "::1", "--pattern", "pair"]
    viewer = sightline("view", *place, "--port", 0, "--sink", "null")
    sender = sightline("send", SMALL, *place, "--port", viewer.port(), "--frames", 30)
    check_nothing_lost(viewer, sender, 30)


def test_defaults_find_each_other_by_name(sightline):
    """Both take the pattern live."""
    port = free_port()
    viewer = sightline("view", "--port", port, "--sink", "null")
    viewer.wait_said("with the pattern live")
    sender = sightline("send", SMALL, "--port", port, "--max-age", 200, "--frames", 30)
    sent, seen = sender.end(), viewer.end()
    assert sent["frames"] >= 30 and 0 < seen["frames"] <= sent["frames"], viewer.account()
    assert sent["pattern"] == seen["pattern"] == "live"
    assert (sent["reason"], seen["reason"]) == ("frames", "peer ended")
    assert seen["latency_ms"]["p50"] >= 0, "how old frames are is told without a timecode"


@pytest.mark.parametrize("number,name", [(0, "pair"), (1, "reqrep"), (2, "pubsub")])
def test_patterns_by_number(number, name, view, send):
    viewer = view(number, "--frames", 5)
    sender = send(SMALL, viewer.port(), name, "--duration", 20)
    assert viewer.end()["pattern"] == name
    sender.kill()


def test_viewer_stays_for_the_next_sender(view, send):
    viewer = view("pair", "--frames", 150)
    first = send(SMALL, viewer.port(), "pair")
    viewer.after(1)
    first.kill()
    second = send(SMALL, viewer.port(), "pair")
    assert viewer.end()["frames"] == 150
    second.kill()
