"""One sender, several viewers: each by a way of its own, and none waits for another."""

import signal
import subprocess

import pytest
from harness.netgear import PATTERNS
from harness.openssh import make_key
from harness.ports import free_port

SOURCE = "pattern:320x240@60"


def through(server, port, key=None):
    """A destination behind an SSH server, with a key of its own."""
    words = [f"127.0.0.1:{port}", f"ssh={server.destination()}", f"key={key or server.key}"]
    return ",".join([*words, f"ssh_known_hosts={server.known_hosts}"])


@pytest.fixture
def send_to(sightline):
    """Starts a sender to these destinations."""

    def start(pattern, destinations, *words, source=SOURCE, command="send", **channels):
        places = [word for place in destinations for word in ("--to", place)]
        return sightline(command, source, *places, "--pattern", pattern, *words, **channels)

    return start


def each_sent(frames):
    """Whether a stats event tells of so many frames at every destination."""
    return lambda event: all(place["frames"] >= frames for place in event["destinations"])


def more_at(sender, index, frames):
    """Waits until one destination got so many more frames; returns all of them then."""
    now = sender.next_stats()["destinations"][index]["frames"]
    wanted = sender.next_stats(lambda event: event["destinations"][index]["frames"] >= now + frames)
    return wanted["destinations"]


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


@pytest.mark.parametrize("pattern", PATTERNS)
def test_stopped_viewer_holds_nobody_up(pattern, view, send_to):
    good, stopped = view(pattern), view(pattern)
    sender = send_to(pattern, [f"127.0.0.1:{viewer.port()}" for viewer in (good, stopped)], "--raw")
    sender.event("stats", each_sent(30))
    stopped.signal(signal.SIGSTOP)
    before = more_at(sender, 0, 1)
    after = more_at(sender, 0, 120)
    # A stopped publisher's viewer swallows what fits into the sockets on the way to it.
    assert after[1]["dropped"] > before[1]["dropped"], sender.account()
    assert after[1]["frames"] - before[1]["frames"] < after[0]["frames"] - before[0]["frames"]
    stopped.signal(signal.SIGCONT)
    more_at(sender, 1, 30)
    stop(sender, (good, stopped))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_tunnels_fall_and_return_by_themselves(pattern, sshd, view, send_to):
    servers, viewers = [sshd(), sshd()], [view(pattern), view(pattern)]
    places = [through(server, viewer.port()) for server, viewer in zip(servers, viewers)]
    sender = send_to(pattern, places, "--log", "info")
    sender.event("stats", each_sent(30))
    known = sender.events.count()
    servers[1].stop()
    down = sender.event("tunnel", start=known)
    assert down["destination"].endswith(servers[1].destination()), down
    assert down["tunnel"]["state"] != "up" and down["tunnel"]["reason"]
    more_at(sender, 0, 60)
    servers[1].start()
    after = more_at(sender, 1, 30)
    assert [place["tunnel"]["reconnects"] for place in after] == [0, 1]
    assert [place["reconnects"] for place in after] == [0, 1]
    assert sender.said.wait_for(lambda line: f"{servers[1].destination()}: up again" in line, 5)
    stop(sender, viewers)


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
