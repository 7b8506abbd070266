"""Several senders to one viewer, and one sender to several viewers, each told apart by its port."""

import collections
import os
import signal
import threading

import numpy
import pytest
import zmq
from harness import certificates, netgear
from harness.ports import free_ports

SERVERS = ("-o", "multiserver_mode=true")
CLIENTS = ("-o", "multiclient_mode=true")
SERVER, CLIENT = netgear.Mode(multiserver=True), netgear.Mode(multiclient=True)
PATTERNS = ("reqrep", "pubsub")
SOURCE = "pattern:64x48@60"
PICTURE = numpy.zeros((48, 64, 3), numpy.uint8)


def listed(ports):
    return ",".join(str(port) for port in ports)


def endpoint(port):
    return f"tcp://127.0.0.1:{port}"


@pytest.fixture
def clients(peer):
    """Makes three NetGear receivers of one sender, each with a name."""

    def make(pattern):
        return [
            peer(netgear.Receiver(pattern, mode=CLIENT, port=f"viewer {number}"))
            for number in range(3)
        ]

    return make


@pytest.fixture
def view_several(sightline):
    """Starts a viewer that listens on several ports."""

    def start(pattern, ports, *words, **channels):
        place = ["--address", "127.0.0.1", "--port", listed(ports), "--pattern", pattern]
        return sightline("view", *place, *SERVERS, "--sink", "null", *words, **channels)

    return start


@pytest.fixture
def send_several(sightline):
    """Starts a sender to several ports."""

    def start(pattern, ports, *words):
        place = ["--address", "127.0.0.1", "--port", listed(ports), "--pattern", pattern]
        return sightline("send", SOURCE, *place, *CLIENTS, *words)

    return start


def sent_to_each(event):
    return [place["frames"] for place in event["destinations"]]


def wait_for_more(sender, indices, frames, start=0):
    """Until these destinations got so many more frames than they had; the event that tells it."""
    before = sent_to_each(sender.next_stats())
    return sender.event(
        "stats",
        lambda event: all(sent_to_each(event)[i] >= before[i] + frames for i in indices),
        start=max(start, sender.events.count()),
    )


def end_all(viewers):
    assert [viewer.end()["reason"] for viewer in viewers] == ["peer ended"] * len(viewers)


def end_together(senders):
    """Ends senders once all have sent: the viewer ends with the last that it has heard."""
    for sender in senders:
        sender.after(5)
    for sender in senders:
        sender.signal(signal.SIGINT)
        sender.end()


@pytest.mark.sanitized
@pytest.mark.parametrize("pattern", PATTERNS)
def test_viewer_hears_netgears_senders(pattern, view_several, peer):
    ports = free_ports()
    viewer = view_several(pattern, [f"0{ports[0]}", *ports[1:]])
    assert viewer.ready()["ports"] == ports and viewer.ready()["port"] == ports[0]
    names = [ports[0], str(ports[1]), "garden"]
    senders = [
        peer(netgear.Sender(endpoint(port), pattern, publisher=zmq.XPUB, mode=SERVER, port=name))
        for port, name in zip(ports, names)
    ]
    for sender in senders:
        if pattern == "pubsub":
            sender.wait_subscriber()
    for sender in senders:
        sender.send(PICTURE, "BGR")
    viewer.after(3)
    senders[0].terminate()
    senders[2].terminate()
    senders[1].send(PICTURE)  # the others' end is not its end
    viewer.after(4)
    senders[2].send(PICTURE)  # and one that ended may begin again
    viewer.after(5)
    senders[2].terminate()
    assert viewer.running()
    senders[1].terminate()
    end = viewer.end()
    assert end["reason"] == "peer ended" and end["frames"] == 5 and end["rejected"] == 0
    if pattern == "reqrep":
        assert all(text.startswith("Data received") for text in senders[1].replies[:2])


def test_messages_of_several_are_told_when_they_change(view_several, peer):
    ports = free_ports()
    viewer = view_several("reqrep", ports)
    viewer.ready()
    senders = [
        peer(netgear.Sender(endpoint(port), "reqrep", mode=SERVER, port=port)) for port in ports
    ]
    for word in ("day", "day", "night"):
        for sender in senders:
            sender.send(PICTURE, "BGR", message=word)
    for sender in senders:
        sender.terminate()
    viewer.end()
    told = [event for event in viewer.events.so_far() if event["event"] == "message"]
    assert [(event["port"], event["data"]) for event in told] == [
        (port, word) for word in ("day", "night") for port in ports
    ]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_senders_say_who_they_are(pattern, sightline, peer):
    ports = free_ports()
    receiver = peer(netgear.Receiver(pattern, [endpoint(port) for port in ports], mode=SERVER))
    texts = [(), ("-o", 'port_text="second"'), ()]
    place = ["--address", "127.0.0.1", "--pattern", pattern, "--frames", 5, *SERVERS]
    senders = [
        sightline("send", SOURCE, *place, "--port", port, *text)
        for port, text in zip(ports, texts)
    ]
    names = [ports[0], "second", ports[2]]
    ended = set()
    while ended != set(names):  # one may have ended before the next begins
        receiver.ended = False
        receiver.recv()
        ended = {head["port"] for head in receiver.headers if head["terminate_flag"]}
    heads = [head for head in receiver.headers if not head["terminate_flag"]]
    counted = collections.Counter(head["port"] for head in heads)
    assert set(counted) == set(names)
    if pattern == "reqrep":
        assert set(counted.values()) == {5}
    assert list(heads[0])[0] == "port"
    for sender in senders:
        sender.end()


def test_requests_go_round(send_several, clients):
    receivers = clients("reqrep")
    sender = send_several("reqrep", [receiver.port for receiver in receivers], "--fps", 20)
    counts = [0, 0, 0]

    def answer(index):
        for _ in receivers[index].frames():
            counts[index] += 1

    threads = [threading.Thread(target=answer, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    wait_for_more(sender, (0, 1, 2), 10)
    sender.signal(signal.SIGINT)
    end = sender.end()
    for thread in threads:
        thread.join()
    assert counts == sent_to_each(end)
    assert end["frames"] == sum(counts)
    assert all(receiver.ended for receiver in receivers)
    assert "port" not in receivers[0].headers[0]


def test_published_frames_go_to_all(send_several, clients):
    receivers = clients("pubsub")
    sender = send_several("pubsub", [receiver.port for receiver in receivers])
    for receiver in receivers:
        assert sum(1 for _ in receiver.frames(10)) == 10
    sender.signal(signal.SIGINT)
    sender.end()
    for receiver in receivers:
        for _ in receiver.frames():
            pass
        assert receiver.ended


def test_viewer_says_who_it_is(view, peer):
    numbered, named = view("reqrep", *CLIENTS), view("reqrep", *CLIENTS, "-o", 'port_text="x"')
    for viewer, name in ((numbered, numbered.port()), (named, "x")):
        sender = peer(netgear.Sender([endpoint(viewer.port())], "reqrep", mode=CLIENT))
        assert sender.send(PICTURE) == (name, None)
        assert sender.replies[0].startswith('{"port": ')
        sender.terminate()
        viewer.end()


def test_stuck_and_gone_viewers_miss_their_turns(view, send_several):
    viewers = [view("reqrep", *CLIENTS) for _ in range(3)]
    sender = send_several("reqrep", [viewer.port() for viewer in viewers], "--fps", 60)
    wait_for_more(sender, (0, 1, 2), 3)
    viewers[0].signal(signal.SIGSTOP)
    viewers[1].kill()
    told = wait_for_more(sender, (2,), 40)
    assert told["destinations"][1]["state"] != "connected"
    viewers[0].signal(signal.SIGCONT)
    wait_for_more(sender, (0, 2), 5)
    sender.signal(signal.SIGINT)
    end = sender.end()
    assert sent_to_each(end)[2] == viewers[2].end()["frames"]
    assert end["destinations"][0]["dropped"] <= 1 and end["destinations"][2]["dropped"] == 0
    viewers[0].end()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_secure(pattern, home, view_several, sightline):
    ports = free_ports()
    camera, place = certificates.Location(home / "camera"), certificates.Location(home / "viewer")
    camera.make("client", "server")
    place.make("server")
    camera.knows(place, "server")
    place.knows(camera, "client")
    viewer = view_several(pattern, ports, *place.words(2))
    viewer.ready()
    words = ["--address", "127.0.0.1", "--pattern", pattern, *SERVERS, *camera.words(2)]
    end_together([sightline("send", SOURCE, *words, "--port", port) for port in ports])
    end_all([viewer])


def each_through(servers, ports):
    places = []
    for server, port in zip(servers, ports):
        words = [f"127.0.0.1:{port}", f"ssh={server.destination()}", f"key={server.key}"]
        places += ["--to", ",".join([*words, f"ssh_known_hosts={server.known_hosts}"])]
    return places


def test_client_tunnel_falls_and_returns(sshd, view, sightline):
    """Three viewers behind an SSH server each, with each pattern."""
    servers, streams = [sshd() for _ in range(3)], []
    for pattern in PATTERNS:
        viewers = [view(pattern, *CLIENTS) for _ in range(3)]
        places = each_through(servers, [viewer.port() for viewer in viewers])
        streams.append((sightline("send", SOURCE, *places, "--pattern", pattern, *CLIENTS), viewers))
    for sender, _ in streams:
        sender.event("stats", lambda event: min(sent_to_each(event)) >= 5)
    known = [sender.events.count() for sender, _ in streams]
    servers[1].stop()
    for (sender, _), start in zip(streams, known):
        down = sender.event("tunnel", start=start)
        assert down["destination"].endswith(servers[1].destination())
    for sender, _ in streams:
        wait_for_more(sender, (0, 2), 15)
    servers[1].start()
    for sender, viewers in streams:
        after = wait_for_more(sender, (0, 1, 2), 5)["destinations"]
        assert [place["tunnel"]["reconnects"] for place in after] == [0, 1, 0]
        assert [place["reconnects"] for place in after] == [0, 1, 0]
        sender.signal(signal.SIGINT)
        sender.end()
        end_all(viewers)


def kill_one(server):
    """Ends one of a server's sessions."""
    os.kill(min(server.pids()[1:]), signal.SIGKILL)


def test_client_sessions_at_one_server(sshd, view, send_several):
    """Three ports as seen from one SSH server, with a session each; one is killed."""
    streams = []
    for pattern in PATTERNS:
        server, viewers = sshd(), [view(pattern, *CLIENTS) for _ in range(3)]
        ports = [viewer.port() for viewer in viewers]
        streams.append((send_several(pattern, ports, *server.options()), server, viewers))
    for sender, server, _ in streams:
        sender.event("stats", lambda event: min(sent_to_each(event)) >= 5)
        kill_one(server)
    for sender, _, viewers in streams:
        after = sender.event(
            "stats",
            lambda event: sorted(one["reconnects"] for one in event["destinations"]) == [0, 0, 1],
        )
        assert sum(place["tunnel"]["reconnects"] for place in after["destinations"]) == 1
        wait_for_more(sender, (0, 1, 2), 5)
        sender.signal(signal.SIGINT)
        sender.end()
        end_all(viewers)


def test_server_tunnel_falls_and_returns(sshd, view_several, sightline):
    """Three senders, each behind an SSH server of its own, with each pattern."""
    servers, streams = [sshd() for _ in range(3)], []
    for pattern in PATTERNS:
        ports = free_ports()
        viewer = view_several(pattern, ports)
        viewer.ready()
        place = ["--address", "127.0.0.1", "--pattern", pattern, *SERVERS]
        senders = [
            sightline("send", SOURCE, *place, "--port", port, *server.options())
            for server, port in zip(servers, ports)
        ]
        streams.append((viewer, senders))
    for _, senders in streams:
        for sender in senders:
            sender.after(10)
    servers[1].stop()
    for _, (first, cut, last) in streams:
        cut.event("tunnel", lambda event: event["tunnel"]["state"] != "up")
        for sender in (first, last):
            sender.after(sender.next_stats()["frames"] + 20)
    servers[1].start()
    for viewer, senders in streams:
        before = senders[1].next_stats(lambda event: event["reconnects"] == 1)["frames"]
        senders[1].after(before + 5)
        for sender in senders:
            sender.signal(signal.SIGINT)
        assert [sender.end()["reconnects"] for sender in senders] == [0, 1, 0]
        end_all([viewer])


def test_viewer_dials_for_all_ports(sshd, view_several, sightline):
    """The SSH server listens on three ports for the viewer, which has a session for each."""
    streams = []
    for pattern in PATTERNS:
        server, ports = sshd(), free_ports()
        viewer = view_several(pattern, ports, *server.options())
        assert viewer.ready()["ports"] == ports
        place = ["--address", "127.0.0.1", "--pattern", pattern, *SERVERS]
        senders = [sightline("send", SOURCE, *place, "--port", port) for port in ports]
        streams.append((server, viewer, senders))
    for server, _, senders in streams:
        for sender in senders:
            sender.after(10)
        kill_one(server)
    for _, viewer, senders in streams:
        back = viewer.event("stats", lambda event: event["tunnel"]["reconnects"] == 1)
        assert back["tunnel"]["state"] == "up"
        for sender in senders:
            sender.after(sender.next_stats()["frames"] + 10)
            sender.signal(signal.SIGINT)
        assert sorted(sender.end()["reconnects"] for sender in senders) == [0, 0, 1]
        end_all([viewer])


def test_gate_for_all_ports(gate, camera):
    ports = free_ports()
    door = gate("reqrep", "--address", "127.0.0.1", "--port", listed(ports), *SERVERS)
    end_together([camera(door, "reqrep", "--port", port, *SERVERS) for port in ports])
    end_all([door.viewer])


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["send", "pattern:64x48", *CLIENTS], "multiclient_mode"),
        (["view", "--sink", "null", "--port", "5566,5567", *CLIENTS, "--pattern", "1"], "port"),
        (["send", "pattern:64x48", "--to", "a", "--port", "1,2", *CLIENTS, "--pattern", "1"], "port"),
    ],
)
def test_what_does_not_go_together(words, named, sightline):
    refused = sightline(*words)
    assert refused.end(2)["reason"] == "SL_EINVAL"
    refused.sentence(named)
