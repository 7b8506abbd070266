"""One sender, several viewers: each by a way of its own, and none waits for another."""

import signal
import subprocess

import pytest
from harness.netgear import PATTERNS
from harness.openssh import make_key
from harness.ports import Listener, free_port

SOURCE = "pattern:320x240@60"


def through(server, port, key=None):
    """A destination behind an SSH server, with a key of its own."""
    words = [f"127.0.0.1:{port}", f"ssh={server.destination()}", f"key={key or server.key}"]
    return ",".join([*words, f"ssh_known_hosts={server.known_hosts}"])


@pytest.fixture
def send_to(sightline):
    """Starts a sender to these destinations."""

    def start(pattern, destinations, *words):
        places = [word for place in destinations for word in ("--to", place)]
        return sightline("send", SOURCE, *places, "--pattern", pattern, *words)

    return start


def each_sent(frames):
    """Whether a stats event tells of so many frames at every destination."""
    return lambda event: all(place["frames"] >= frames for place in event["destinations"])


def latest(sender):
    """All destinations, as they were last told of."""
    told = [event for event in sender.events.so_far() if event["event"] == "stats"]
    return told[-1]["destinations"]


def wait_for_more(sender, index, frames):
    """Waits until one destination got so many more frames than last told; all of them then."""
    wanted = latest(sender)[index]["frames"] + frames
    return sender.event(
        "stats",
        lambda event: event["destinations"][index]["frames"] >= wanted,
        start=sender.events.count(),
    )["destinations"]


def stop(sender, viewers):
    sender.signal(signal.SIGINT)
    end = sender.end()
    for viewer in viewers:
        assert viewer.end()["reason"] == "peer ended", viewer.account()
    return end


@pytest.mark.sanitized
@pytest.mark.parametrize("pattern", PATTERNS)
def test_direct_and_through_sshd(pattern, sshd, view, send_to):
    server = sshd()
    viewers = [view(pattern, "--timecode") for _ in range(3)]
    ports = [viewer.port() for viewer in viewers]
    places = [f"127.0.0.1:{ports[0]}", f"localhost:{ports[1]}", through(server, ports[2])]
    sender = send_to(pattern, places)
    sender.event("stats", each_sent(30))
    end = stop(sender, viewers)
    sent = [place["frames"] for place in end["destinations"]]
    for viewer, frames in zip(viewers, sent):
        assert viewer.event("end")["frames"] >= (frames if pattern != "pubsub" else 1)
    # Coded once: what all of them got is more than was ever coded.
    assert end["encoded"] <= end["frames"] + end["dropped"] + 16
    assert sum(sent) > 2 * end["encoded"] - 60, end
    names = [place["name"] for place in end["destinations"]]
    assert names[2] == f"127.0.0.1:{ports[2]} through {server.destination()}"
    assert [place["tunnel"] is None for place in end["destinations"]] == [True, True, False]


def test_stopped_viewer_holds_nobody_up(view, send_to):
    streams = []
    for pattern in PATTERNS:
        viewers = [view(pattern), view(pattern)]
        places = [f"127.0.0.1:{viewer.port()}" for viewer in viewers]
        streams.append((send_to(pattern, places, "--raw"), viewers))
    before = []
    for sender, viewers in streams:
        sender.event("stats", each_sent(20))
        viewers[1].signal(signal.SIGSTOP)
        before.append(latest(sender))
    for (sender, viewers), (good, stopped) in zip(streams, before):
        wanted = good["frames"] + 150
        told = sender.event("stats", lambda event: event["destinations"][0]["frames"] >= wanted)
        after = told["destinations"]
        # A stopped subscriber swallows what fits into the sockets on the way to it.
        assert after[1]["dropped"] > stopped["dropped"], sender.account()
        assert after[1]["frames"] - stopped["frames"] < after[0]["frames"] - good["frames"]
    ending, (good, stopped) = streams.pop(0)
    stop(ending, [good])  # nor does it hold up the end
    stopped.kill()
    for _, viewers in streams:
        viewers[1].signal(signal.SIGCONT)
    for sender, viewers in streams:
        wait_for_more(sender, 1, 20)
        stop(sender, viewers)


def test_tunnels_fall_and_return_by_themselves(sshd, view, send_to):
    servers, streams = [sshd(), sshd()], []
    for pattern in PATTERNS:
        viewers = [view(pattern), view(pattern)]
        places = [through(server, viewer.port()) for server, viewer in zip(servers, viewers)]
        streams.append((send_to(pattern, places, "--log", "info"), viewers))
    for sender, _ in streams:
        sender.event("stats", each_sent(20))
    known = [sender.events.count() for sender, _ in streams]
    servers[1].stop()
    for (sender, _), start in zip(streams, known):
        down = sender.event("tunnel", start=start)
        assert down["destination"].endswith(servers[1].destination()), down
        assert down["tunnel"]["state"] != "up" and down["tunnel"]["reason"]
    for sender, _ in streams:
        wait_for_more(sender, 0, 30)
    servers[1].start()
    for sender, viewers in streams:
        sender.wait_said(rf"{servers[1].destination()}: up again")
        after = wait_for_more(sender, 1, 20)
        assert [place["tunnel"]["reconnects"] for place in after] == [0, 1]
        assert [place["reconnects"] for place in after] == [0, 1]
        stop(sender, viewers)


def test_tunnel_on_its_way_up_is_told_of(started, sshd, view, send_to):
    silent, viewer = Listener(), view("pair")
    started.callback(silent.close)
    way = f"127.0.0.1:5555,ssh=someone@127.0.0.1:{silent.port},key={sshd(start=False).key}"
    sender = send_to("pair", [f"127.0.0.1:{viewer.port()}", way])
    told = sender.event("tunnel")
    assert told["destination"].endswith(f"through someone@127.0.0.1:{silent.port}")
    assert told["tunnel"]["state"] not in ("none", "up"), told
    places = sender.event("stats", each_sent(0))["destinations"]
    assert places[0]["tunnel"] is None and places[1]["tunnel"]["state"] != "up", places
    stop(sender, [viewer])


def test_refused_destination_is_left(folder, sshd, view, send_to):
    server, viewer = sshd(), view("pair")
    stranger = make_key(folder / "stranger")
    refused = through(server, free_port(), stranger)
    sender = send_to("pair", [refused, f"127.0.0.1:{viewer.port()}"], "--frames", 120)
    sender.wait_said(rf"{server.destination()}: nothing is sent there any more: .* refused")
    end = sender.end()
    viewer.end()
    assert [place["state"] for place in end["destinations"]][0] == "failed"
    assert [place["reason"] for place in end["destinations"]] == ["SL_EAUTH", None]
    assert "refused" in end["destinations"][0]["error"]
    assert end["frames"] == 120 and end["destinations"][0]["frames"] == 0


def test_last_failure_ends_the_sender(folder, sshd, send_to):
    server = sshd()
    stranger = make_key(folder / "stranger")
    places = [through(server, port, stranger) for port in (5555, 5556)]
    sender = send_to("pair", places)
    assert sender.end(5)["reason"] == "SL_EAUTH"
    sender.sentence("through", server.destination(), "refused the log-in")


def test_destinations_of_the_configuration_file(folder, view, sightline):
    viewers = [view("reqrep"), view("reqrep")]
    ports = [viewer.port() for viewer in viewers]
    path = folder / "camera.conf"
    text = f"pattern = reqrep\ndestinations = 127.0.0.1:{ports[0]}; 127.0.0.1:{ports[1]}\n"
    path.write_text(text, encoding="ascii")
    sender = sightline("send", SOURCE, "--config", path)
    sender.event("stats", each_sent(5))
    stop(sender, viewers)
    alone = view("reqrep")
    sender = sightline("send", SOURCE, "--config", path, "--to", f"127.0.0.1:{alone.port()}",
                       "--frames", 20)  # fmt: skip
    assert len(sender.end()["destinations"]) == 1, "the command line beats the file"
    assert alone.end()["frames"] == 20


def test_doctor_visits_each(view, plain):
    viewer, nobody = view("pair"), free_port()
    places = ["--to", f"127.0.0.1:{viewer.port()}", "--to", f"127.0.0.1:{nobody}"]
    examined = plain("doctor", *places, "--pattern", "pair", stdout=subprocess.PIPE)
    examined.expect(4).sentence(f"127.0.0.1:{nobody}", "nothing listens")
    told = examined.stdout.read().decode().splitlines()
    assert f"127.0.0.1:{viewer.port()}" in told and f"127.0.0.1:{nobody}" in told
    assert len([line for line in told if line.startswith("✗")]) == 1
