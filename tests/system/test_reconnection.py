"""The SSH connection drops in mid-stream and comes back: the stream goes on by itself."""

import signal

import pytest
from harness.netgear import PATTERNS
from harness.openssh import fingerprint
from harness.relay import Relay

SOURCE = "pattern:640x360@30"


def check_goes_on(viewer, sender):
    """Frames arrive that were not there before; then both end as if nothing had been."""
    before = viewer.events.so_far()[-1]["frames"]
    viewer.event("stats", lambda event: event["frames"] >= before + 45, 40)
    sender.signal(signal.SIGINT)
    assert sender.end()["reconnects"] >= 1, sender.account()
    assert viewer.end()["reason"] == "peer ended", viewer.account()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_killed_session(pattern, sshd, view, send):
    server = sshd()
    viewer = view(pattern)
    sender = send(SOURCE, viewer.port(), pattern, *server.options())
    viewer.after(15)
    server.kill_sessions()
    check_goes_on(viewer, sender)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_restarted_server(pattern, sshd, view, send):
    server = sshd()
    viewer = view(pattern)
    sender = send(SOURCE, viewer.port(), pattern, *server.options())
    viewer.after(15)
    server.stop()
    # A second without any server: long enough for a failed attempt to come back.
    sender.next_stats()
    sender.next_stats()
    server.start()
    check_goes_on(viewer, sender)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_connection_lost_at_the_sender_alone(pattern, started, sshd, view, send):
    """As when a router forgets: the server, and the viewer behind it, still hold the old one."""
    server = sshd()
    relay = Relay(server.port)
    started.callback(relay.close)
    viewer = view(pattern)
    login = ["--ssh", f"{server.user}@127.0.0.1:{relay.port}", "--ssh-key", server.key]
    pin = ["--ssh-host-key", fingerprint(server.host_key())]
    sender = send(SOURCE, viewer.port(), pattern, *login, *pin)
    viewer.after(15)
    relay.forget_clients()
    check_goes_on(viewer, sender)


def test_host_key_changed_meanwhile(sshd, view, send):
    server = sshd()
    viewer = view("pair")
    sender = send(SOURCE, viewer.port(), "pair", *server.options())
    viewer.after(15)
    server.stop()
    server.new_host_keys()
    server.start()
    sender.expect(6).sentence("changed")


def test_interrupt_while_the_server_is_away(sshd, view, send):
    server = sshd()
    viewer = view("pair")
    sender = send(SOURCE, viewer.port(), "pair", *server.options())
    viewer.after(15)
    server.stop()
    sender.next_stats()
    sender.signal(signal.SIGINT)
    assert sender.end(seconds=8)["reason"] == "interrupted"


@pytest.mark.parametrize("pattern", PATTERNS)
def test_viewer_that_comes_back(pattern, sshd, view, send):
    server = sshd()
    first = view(pattern)
    port = first.port()
    sender = send(SOURCE, port, pattern, *server.options())
    first.after(15)
    first.kill()
    second = view(pattern, "--address", "127.0.0.1", "--port", port, "--frames", 20)
    assert second.end(seconds=40)["frames"] == 20
    sender.signal(signal.SIGINT)
    sender.expect(0)
