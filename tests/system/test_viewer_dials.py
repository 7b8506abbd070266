"""The viewer dials: an SSH server listens in its place, and both ends can meet there."""

import contextlib
import os
import signal
import socket
import threading

import pytest
from harness import floods
from harness.netgear import PATTERNS
from harness.openssh import fingerprint, make_key, public_key
from harness.ports import Listener, free_port, ipv6_works
from harness.relay import Relay
from harness.waiting import allow

SOURCE = "pattern:320x240@30"
SWITCHED_OFF = ["AllowTcpForwarding no", "AllowTcpForwarding local"]


@pytest.fixture
def dial(request, view):
    """Starts a viewer that dials through a back-end; which one is the test's parameter."""

    def start(pattern, *words, **channels):
        return view(pattern, *words, "--ssh-backend", request.param, **channels)

    return start


def ways(values, openssh):
    """The in-process back-end with every value of a parameter, the user's ssh with some."""
    return [("libssh", value) for value in values] + [("openssh", value) for value in openssh]


def each_backend(name, values, openssh):
    return pytest.mark.parametrize(f"dial, {name}", ways(values, openssh), indirect=["dial"])


both_backends = pytest.mark.parametrize("dial", ["libssh", "openssh"], indirect=True)


def check_goes_on(*streams):
    """In each, frames arrive that were not there before; then both ends end as if nothing had been."""
    before = [viewer.events.so_far()[-1]["frames"] for viewer, _sender in streams]
    for (viewer, _sender), frames in zip(streams, before):
        viewer.event("stats", lambda event, least=frames + 15: event["frames"] >= least, 40)
    for _viewer, sender in streams:
        sender.signal(signal.SIGINT)
    for viewer, sender in streams:
        sender.end()
        assert viewer.end()["reason"] == "peer ended", viewer.account()


@pytest.mark.sanitized
@each_backend("pattern", [*PATTERNS, "live"], [*PATTERNS, "live"])
def test_viewer_alone_dials(pattern, sshd, dial, send):
    server = sshd()
    viewer = dial(pattern, *server.options(), "--frames", 10)
    ready = viewer.ready()
    assert ready["tunnel"] == server.destination()
    assert 0 < ready["port"] < 65536, "the server picked none"
    sender = send(SOURCE, ready["port"], pattern)
    assert viewer.end()["frames"] == 10
    sender.kill()


@pytest.mark.sanitized
@each_backend("pattern", PATTERNS, ["pair"])
def test_both_dial_and_meet(pattern, sshd, dial, send):
    server = sshd()
    viewer = dial(pattern, *server.options())
    sender = send(SOURCE, viewer.port(), pattern, *server.options(), "--frames", 10)
    assert sender.end()["frames"] == 10
    assert viewer.end()["reason"] == "peer ended"


def test_sender_first(sshd, view, send):
    server = sshd()
    port = free_port()
    sender = send(SOURCE, port, "pair", *server.options(), "--frames", 10)
    sender.wait_said("waiting for a viewer")
    view("pair", "--address", "127.0.0.1", "--port", port, *server.options()).ready()
    sender.end()


@both_backends
def test_port_that_was_asked_for(sshd, dial, send):
    server = sshd()
    port = free_port()
    place = ["--address", "127.0.0.1", "--port", port]
    viewer = dial("pair", *place, *server.options(), "--frames", 10)
    assert viewer.port() == port
    send(SOURCE, port, "pair")
    viewer.end()


@pytest.mark.skipif(not ipv6_works(), reason="this machine has no IPv6")
def test_server_over_ipv6(sshd, view, send):
    server = sshd()
    viewer = view("pair", *server.options("::1"), "--frames", 10)
    send(SOURCE, viewer.port(), "pair")
    viewer.end()


def under_way(viewers, start):
    """Each viewer with a sender that `start` starts, and frames under way."""
    streams = [(viewer, start(viewer)) for viewer in viewers]
    for viewer, _sender in streams:
        viewer.after(5)
    return streams


def test_killed_sessions(sshd, view, send):
    """All at once; the senders know the ports that they had only."""
    server = sshd()
    viewers = [view(pattern, *server.options(), "--ssh-backend", backend)
               for backend, pattern in ways(PATTERNS, ["reqrep"])]  # fmt: skip

    def start(viewer):
        return send(SOURCE, viewer.port(), viewer.ready()["pattern"])

    streams = under_way(viewers, start)
    server.kill_sessions()
    check_goes_on(*streams)


def test_killed_sessions_of_both(sshd, view, send):
    server = sshd()
    viewers = [view(pattern, *server.options()) for pattern in PATTERNS]

    def start(viewer):
        return send(SOURCE, viewer.port(), viewer.ready()["pattern"], *server.options())

    streams = under_way(viewers, start)
    server.kill_sessions()
    check_goes_on(*streams)


def test_restarted_server(sshd, view, send):
    server = sshd()
    viewer = view("pair", *server.options())
    sender = send(SOURCE, viewer.port(), "pair", *server.options())
    viewer.after(5)
    server.stop()
    viewer.next_stats()
    viewer.next_stats()
    server.start()
    check_goes_on((viewer, sender))


@both_backends
def test_port_held_by_a_dead_session_is_waited_for(started, sshd, dial, send):
    """As when a router forgets: the server holds the old session, and the port with it, until it
    notices."""
    server = sshd("ClientAliveInterval 2", "ClientAliveCountMax 1")
    relay = Relay(server.port)
    started.callback(relay.close)
    login = ["--ssh", f"{server.user}@127.0.0.1:{relay.port}", "--ssh-key", server.key]
    pin = ["--ssh-host-key", fingerprint(server.host_key())]
    viewer = dial("pair", *login, *pin, "--log", "info")
    sender = send(SOURCE, viewer.port(), "pair")
    viewer.after(5)
    relay.forget_clients()
    viewer.wait_said("still held, by a session that is dead")
    check_goes_on((viewer, sender))


@both_backends
def test_port_held_by_another_program(started, sshd, dial):
    server = sshd()
    taken = Listener(b"")
    started.callback(taken.close)
    place = ["--address", "127.0.0.1", "--port", taken.port]
    viewer = dial("pair", *place, *server.options(), "-o", "ssh_connect_timeout=1")
    viewer.expect(7).sentence(taken.port, "in use", "--port")


def test_port_half_held_by_another_program(started, sshd, view):
    """The server gets the port for IPv6 alone, and is content with it."""
    server = sshd()
    taken = Listener(b"")
    started.callback(taken.close)
    threading.Thread(target=lambda: taken.serve_one().close(), daemon=True).start()
    place = ["--address", "localhost", "--port", taken.port]
    viewer = view("pair", *place, *server.options())
    viewer.expect(7).sentence(taken.port, "in use", "127.0.0.1", "--port")


def test_server_that_lets_nobody_look(sshd, view, send):
    server = sshd("AllowTcpForwarding remote")
    viewer = view("pair", "--address", "localhost", *server.options(), "--frames", 5)
    send(SOURCE, viewer.port(), "pair")
    viewer.expect(0)


def test_port_that_the_server_picks_late(sshd, view, send):
    server = sshd(start=False)
    viewer = view("pair", *server.options(), "--persist", "--frames", 10)
    viewer.event("tunnel", lambda event: event["tunnel"]["state"] == "waiting")
    assert not [event for event in viewer.events.so_far() if event["event"] == "ready"]
    server.start()
    port = viewer.port()
    assert port > 0 and viewer.ready()["endpoint"].endswith(f":{port}")
    send(SOURCE, port, "pair")
    viewer.end()


@both_backends
def test_port_that_becomes_free(started, sshd, dial, send):
    server = sshd()
    taken = Listener(b"")
    started.callback(taken.close)
    place = ["--address", "127.0.0.1", "--port", taken.port]
    viewer = dial("pair", *place, *server.options(), "--frames", 10)
    viewer.wait_said(f"port {taken.port} at .* waiting for it")
    taken.close()
    send(SOURCE, viewer.port(), "pair")
    viewer.end()


def test_viewers_that_come_back(sshd, view, send):
    server = sshd()
    viewers = [view(pattern, *server.options()) for pattern in PATTERNS]

    def start(viewer):
        return send(SOURCE, viewer.port(), viewer.ready()["pattern"], *server.options())

    streams = under_way(viewers, start)
    again = []
    for first, _sender in streams:
        first.kill()
        place = ["--address", "127.0.0.1", "--port", first.port()]
        words = [*place, *server.options(), "--frames", 20]
        again.append(view(first.ready()["pattern"], *words))
    for second, (_first, sender) in zip(again, streams):
        assert second.end(seconds=40)["frames"] == 20
        sender.signal(signal.SIGINT)
        sender.expect(0)


@each_backend("rule", SWITCHED_OFF, SWITCHED_OFF)
def test_listening_switched_off(rule, sshd, dial):
    server = sshd(rule)
    place = ["--address", "127.0.0.1", "--port", free_port()]
    viewer = dial("pair", *place, *server.options())
    viewer.expect(7).sentence("AllowTcpForwarding", "remote", "PermitListen")


def test_forwarding_switched_off_meanwhile_is_waited_out(sshd, view):
    """Only the first refusal ends it: later ones look like a port that is still held."""
    server = sshd()
    viewer = view("pair", *server.options(), "--log", "info")
    viewer.ready()
    server.stop()
    server.configure("AllowTcpForwarding local")
    server.start()
    viewer.wait_said("does not allow to listen")
    viewer.next_stats(lambda event: event["state"] not in ("connected", "none"))
    viewer.signal(signal.SIGINT)
    assert viewer.end()["reason"] == "interrupted"


@both_backends
def test_key_that_may_listen_on_this_port_only(sshd, dial, send):
    server = sshd()
    port = free_port()
    rights = f'restrict,port-forwarding,permitlisten="{port}"'
    server.authorized.write_text(f"{rights} {public_key(server.key)}\n", encoding="ascii")
    viewer = dial("pair", "--address", "*", "--port", port, *server.options(), "--frames", 10)
    viewer.ready()
    send(SOURCE, port, "pair")
    viewer.end()
    other = dial("pair", "--address", "*", "--port", free_port(), *server.options())
    other.expect(7).sentence("permitlisten")


@both_backends
def test_message_that_never_ends(sshd, dial, send):
    viewer = dial("pubsub", *sshd().options(), "-o", "max_message_size=1M")
    streaming = send(SOURCE, viewer.port(), "pubsub")
    viewer.after(10)
    before = viewer.peak_memory()
    assert floods.flood_port(viewer.port(), b"PUB"), "it was not cut off"
    viewer.wait_said("did not end its message")
    assert viewer.peak_memory() < before + floods.MOST / 4
    viewer.after(viewer.events.so_far()[-1]["frames"] + 30)
    assert streaming.next_stats()["reconnects"] == 0, "another camera's stream was ended"


def test_silent_peers_lock_no_camera_out(sshd, view, send):
    server = sshd()
    words = [*server.options(), "--log", "info", "--ssh-backend"]
    viewers = [view("pubsub", *words, backend) for backend in ("libssh", "openssh")]
    with contextlib.ExitStack() as silent:
        for viewer in viewers:
            for _ in range(16):
                place = ("127.0.0.1", viewer.port())
                peer = silent.enter_context(socket.create_connection(place, timeout=allow(20)))
                floods.shake_hands(peer, b"PUB")
        for viewer in viewers:
            send(SOURCE, viewer.port(), "pubsub")
        for viewer in viewers:
            viewer.wait_said("is turned away|has to make way for another")  # by how long this took
            viewer.after(30)


def test_wrong_key(folder, sshd, view):
    server = sshd()
    other = make_key(folder / "other")
    viewer = view("pair", "--ssh", server.destination(), "--ssh-key", other, *server.trust())
    viewer.expect(5).sentence(server.user, "127.0.0.1")


def test_host_key_changed_meanwhile(sshd, view, send):
    server = sshd()
    viewer = view("pair", *server.options())
    send(SOURCE, viewer.port(), "pair")
    viewer.after(5)
    server.stop()
    server.new_host_keys()
    server.start()
    viewer.expect(6).sentence("changed")


@each_backend("gateway", ["no", "clientspecified"], ["no"])
def test_server_that_listens_for_itself_only(gateway, sshd, dial, send):
    server = sshd(f"GatewayPorts {gateway}", start=False)
    server.addresses = ["127.0.0.2"]  # an address that a loopback listener doesn't answer at
    server.start()
    pin = ["--ssh-host-key", fingerprint(server.host_key())]
    login = ["--ssh", server.destination("127.0.0.2"), "--ssh-key", server.key, *pin]
    viewer = dial("pair", "--address", "*", "--port", 0, *login)
    port = viewer.port()
    if gateway == "no":
        viewer.wait_said("GatewayPorts clientspecified")
    sender = send(SOURCE, port, "pair", *login, "--address", "localhost")
    viewer.after(5)
    told = [line for line in viewer.sentences() if "GatewayPorts clientspecified" in line]
    assert len(told) == (1 if gateway == "no" else 0), viewer.account()
    sender.signal(signal.SIGINT)
    viewer.end()


@both_backends
def test_nothing_is_left_behind(home, sshd, dial, send):
    server = sshd()
    viewer = dial("pair", *server.options())
    send(SOURCE, viewer.port(), "pair")
    viewer.after(5)
    viewer.signal(signal.SIGINT)
    viewer.end()
    assert not list((home / "tmp").iterdir()) and not list((home / "run").iterdir())


@both_backends
def test_the_link_listens_nowhere_else(sshd, dial):
    server = sshd()
    viewer = dial("pair", *server.options())
    viewer.ready()
    with open(f"/proc/{viewer.pid}/net/tcp", encoding="ascii") as table:
        listening = {line.split()[9] for line in table if line.split()[3] == "0A"}
    own = set()
    for name in os.listdir(f"/proc/{viewer.pid}/fd"):
        target = os.readlink(f"/proc/{viewer.pid}/fd/{name}")
        if target.startswith("socket:["):
            own.add(target[len("socket:[") : -1])
    assert not own & listening


def test_ipc_and_ssh_contradict_each_other(folder, sshd, view):
    server = sshd()
    place = ["--address", folder / "link", "--protocol", "ipc"]
    view("pair", *place, *server.options()).expect(2).sentence("protocol", "tcp")
