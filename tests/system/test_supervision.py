"""A tunnel that dies is noticed, says why, and comes back; for ever, if told to persist."""

import os
import pathlib
import re
import signal
import subprocess
import threading

import numpy
import pytest
from harness import y4m
from harness.network import SERVER, Network
from harness.waiting import allow

SOURCE = "pattern:320x240@30"
GROWTH_MOST = 1024 * 1024  # bytes: what an allocator, and frames on their way, may take more


class Stream:
    """A camera end and a viewer behind sshd, each in its own host, with frames under way."""

    def __init__(self, network, server, viewer, sender):
        self.network, self.server = network, server
        self.viewer, self.sender = viewer, sender
        viewer.after(15)
        self._known = sender.events.count()

    def noticed(self, *words, seconds=12):
        """The event that says that the tunnel is not up, with a reason that holds these words."""

        def tells(event):
            tunnel = event["tunnel"]
            reason = (tunnel["reason"] or "").lower()
            return tunnel["state"] != "up" and all(word in reason for word in words)

        return self.sender.event("tunnel", tells, seconds, start=self._known)

    def goes_on(self, seconds=30):
        """Frames arrive that were not there before, and both ends finish as they should."""
        before = self.viewer.events.so_far()[-1]["frames"]
        self.viewer.event("stats", lambda event: event["frames"] >= before + 30, seconds)
        self.sender.signal(signal.SIGINT)
        end = self.sender.end()
        assert end["tunnel"]["reconnects"] >= 1, self.sender.account()
        self.viewer.end()


@pytest.fixture
def stream(network, sshd, view, send):
    def start(*words, pattern="pair", host=SERVER, server_addresses=(SERVER,), net=None):
        net = net or network()
        there, here = net.prefix(net.middle), net.prefix(net.camera)
        server = sshd(prefix=there, addresses=list(server_addresses))
        viewer = view(pattern, prefix=there)
        login = ["--ssh", server.destination(host), "--ssh-key", server.key]
        trust = server.trust() if host == SERVER else ["-o", "ssh_host_key_policy=accept-new"]
        words = [*login, *trust, "--log", "info", *words]
        sender = send(SOURCE, viewer.port(), pattern, *words, prefix=here)
        return Stream(net, server, viewer, sender)

    return start


def test_time_out_is_an_option(stream):
    running = stream("-o", "ssh_alive_timeout=1")
    running.server.pause()
    try:
        running.noticed("silent", seconds=4)
    finally:
        running.server.resume()
    running.goes_on()


def test_slow_path_is_not_a_dead_one(stream):
    """The question waits behind frames, and the server has little to say meanwhile."""
    running = stream("--raw", "--size", "640x360", pattern="pubsub")
    running.network.slow_down("600kbit")
    for _second in range(12):
        stats = running.sender.next_stats()
    assert stats["tunnel"] == {"state": "up", "reason": None, "reconnects": 0}, running.sender.account()
    running.sender.kill()


@pytest.mark.parametrize("tell", [Network.name_server, Network.slow_name_server])
def test_name_is_asked_for_again(tell, network, stream):
    """The server moves to another address, and its name with it."""
    net = network()
    tell(net, "gadget", SERVER)
    net.add_address(net.middle, "10.77.1.3", "to-camera")
    soon = ["-o", "ssh_alive_timeout=2"]
    running = stream(*soon, host="gadget", server_addresses=(SERVER, "10.77.1.3"), net=net)
    tell(net, "gadget", "10.77.1.3")
    net.remove_address(net.middle, SERVER, "to-camera")
    net.add_address(net.middle, "10.77.1.3", "to-camera")
    running.sender.wait_said("gadget.*silent")
    running.goes_on()


@pytest.mark.parametrize("kind", ["OpenSSH", "libssh"])
def test_silence_is_no_loss_while_the_server_answers(kind, folder, sshd, password_server, view, send):
    """No frame for several times the time-out: only questions and answers."""
    secret = folder / "secret"
    secret.write_text("open sesame\n", encoding="ascii")
    secret.chmod(0o600)
    server = sshd() if kind == "OpenSSH" else password_server("open sesame")
    login = [] if kind == "OpenSSH" else ["--ssh-password-file", secret]
    viewer = view("pair")
    words = [*server.options(), *login, "-o", "ssh_alive_timeout=1"]
    sender = send("-", viewer.port(), "pair", *words, stdin=subprocess.PIPE)
    y4m.write(sender.stdin, [numbered(number) for number in range(60)])
    frames = sender.after(1)["frames"]
    for _second in range(4):
        stats = sender.next_stats()
    assert stats["frames"] >= frames
    assert stats["tunnel"] == {"state": "up", "reason": None, "reconnects": 0}
    sender.stdin.close()
    sender.end()


def tunnel_of(sender, *words):
    """The tunnel in the event that tells why it is not up."""

    def tells(event):
        reason = event["tunnel"]["reason"] or ""
        return event["tunnel"]["state"] == "waiting" and all(word in reason for word in words)

    return sender.event("tunnel", tells, 20)["tunnel"]


def test_persists_where_nobody_answers_at_first(sshd, view, send):
    server = sshd(start=False)
    viewer = view("pair")
    sender = send(SOURCE, viewer.port(), "pair", *server.options(), "--persist")
    assert tunnel_of(sender, "closed")["reconnects"] == 0
    server.start()
    viewer.after(10)
    stats = sender.next_stats()
    assert stats["tunnel"] == {"state": "up", "reason": None, "reconnects": 0}
    sender.signal(signal.SIGINT)
    sender.end()


def refuse_login(server):
    server.authorized.write_text("", encoding="ascii")
    return "user"


def change_host_key(server):
    server.stop()
    server.new_host_keys()
    server.start()
    return "changed"


@pytest.mark.parametrize("refuse", [refuse_login, change_host_key])
def test_persists_through_a_refusal(refuse, sshd, view, send):
    """It waits, says why, and still ends at once when told to."""
    server = sshd()
    word = refuse(server)
    viewer = view("pair")
    sender = send(SOURCE, viewer.port(), "pair", *server.options(), "--persist")
    sender.wait_said(f"{word}.*trying again in 60")
    tunnel_of(sender)
    sender.signal(signal.SIGINT)
    end = sender.end(seconds=8)
    assert end["reason"] == "interrupted"
    assert end["tunnel"]["state"] == "waiting" and end["tunnel"]["reason"], end


def test_no_tunnel_has_no_state(view, send):
    viewer = view("pair")
    sender = send(SOURCE, viewer.port(), "pair", "--frames", 5)
    assert sender.end()["tunnel"] is None
    assert viewer.end()["tunnel"] is None


BITS, SQUARE = 16, 16


def numbered(number):
    """A frame that holds a number, in squares that survive JPEG."""
    bits = [(number >> bit) & 1 for bit in range(BITS)]
    return numpy.kron(numpy.array([bits] * 2), numpy.full((SQUARE, SQUARE), 255)).astype("uint8")


def number_of(luma):
    row = luma[SQUARE, SQUARE // 2 :: SQUARE]
    return sum(1 << bit for bit in range(BITS) if row[bit] > 127)


class NumberedFilm:
    """Writes numbered frames to one stream until told to stop, and reads them from another."""

    def __init__(self, out, back):
        self.written = 0
        self._stop = False
        self._arrived, self._changed = [], threading.Condition()
        self._threads = [
            threading.Thread(target=self._write, args=(out,), daemon=True),
            threading.Thread(target=self._read, args=(back,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _frames(self):
        while not self._stop:
            yield numbered(self.written)
            self.written += 1

    def _write(self, out):
        y4m.write(out, self._frames())
        out.close()

    def _read(self, back):
        reader = y4m.Reader(back)
        while (luma := reader.luma()) is not None:
            with self._changed:
                self._arrived.append(number_of(luma))
                self._changed.notify_all()

    def wait_for_more(self, frames):
        with self._changed:
            target = len(self._arrived) + frames
            assert self._changed.wait_for(lambda: len(self._arrived) >= target, allow(20))

    def stop(self):
        self._stop = True

    def arrived(self):
        for thread in self._threads:
            thread.join(allow(20))
        return self._arrived


class Cut:
    """A stream of numbered frames through a tunnel that is cut now and then."""

    def __init__(self, pattern, server, view, send):
        self.viewer = view(pattern, sink="-", stdout=subprocess.PIPE)
        words = [*server.options(), "--log", "info"]
        self.sender = send("-", self.viewer.port(), pattern, *words, stdin=subprocess.PIPE)
        self.film = NumberedFilm(self.sender.stdin, self.viewer.stdout)

    def check(self, cuts):
        """Complete and in order, apart from what the sender reported."""
        self.film.stop()
        end = self.sender.end()
        self.viewer.end()
        arrived, account = self.film.arrived(), self.sender.account()
        reported = len([line for line in self.sender.sentences() if "was not acknowledged" in line])
        missing = set(range(self.film.written)) - set(arrived)
        assert arrived == sorted(set(arrived)), "not in order, or twice"
        assert end["frames"] + end["dropped"] == self.film.written, (end, self.film.written)
        assert reported == end["dropped"], account
        assert len(missing) <= reported, (missing, reported)
        assert end["tunnel"]["reconnects"] == cuts, account


def test_nothing_acknowledged_is_lost(sshd, view, send):
    """Over twenty cuts, side by side in both patterns that acknowledge."""
    server = sshd()
    streams = [Cut(pattern, server, view, send) for pattern in ("pair", "reqrep")]
    for _cut in range(20):
        for stream in streams:
            stream.film.wait_for_more(5)
        said = [stream.sender.said.count() for stream in streams]
        server.kill_sessions()
        for stream, start in zip(streams, said):
            stream.sender.wait_said("up again", start=start)
    for stream in streams:
        stream.film.wait_for_more(5)
    for stream in streams:
        stream.check(20)


def held(process):
    """How many descriptors and threads a process has."""
    return [len(os.listdir(f"/proc/{process.pid}/{kind}")) for kind in ("fd", "task")]


def memory_of(process):
    """Bytes that are its own: not of files, not shared."""
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text("ascii")
    return 1024 * int(re.search(r"RssAnon:\s+(\d+)", text)[1])


@pytest.mark.limit(300)
def test_two_hundred_reconnects_leave_nothing_behind(sshd, view, send):
    """At either end, and meanwhile somebody who was refused waits its minute."""
    server, refusing = sshd(), sshd()
    key = refusing.authorized.read_text(encoding="ascii")
    refuse_login(refusing)
    waited_for = view("pair")
    refused = send(SOURCE, waited_for.port(), "pair", *refusing.options(), "--persist")
    refused.wait_said("trying again in 60")
    refusing.authorized.write_text(key, encoding="ascii")

    words = [*server.options(), "--log", "info"]
    viewer = view("pair", *words)
    ends = [viewer, send(SOURCE, viewer.port(), "pair", *words)]
    viewer.after(10)

    def cut(times):
        for _ in range(times):
            said = [end.said.count() for end in ends]
            server.kill_sessions()
            for end, start in zip(ends, said):
                end.wait_said("up again", start=start)

    def settled():
        # Frames flow again: the link has its connection back, and no other.
        frames = viewer.next_stats()["frames"]
        viewer.next_stats(lambda event: event["frames"] > frames + 30)
        return [held(end) for end in ends], [memory_of(end) for end in ends]

    cut(20)
    before, memory = settled()
    cut(180)
    after, memory_then = settled()
    assert after == before
    for known, then in zip(memory, memory_then):
        assert then - known < GROWTH_MOST, (memory, memory_then)
    ends[1].signal(signal.SIGINT)
    for end in ends:
        assert end.end()["tunnel"]["reconnects"] == 200
    waited_for.after(10, 60)


def test_server_that_hangs_up_again_and_again(folder, password_server, view, send):
    """It is no new trouble each time, and asked less and less often."""
    server, viewer = password_server("secret", "curt"), view("pair")
    (folder / "password").write_text("secret\n", encoding="ascii")
    (folder / "password").chmod(0o600)
    words = ["--ssh-password-file", folder / "password", "--log", "info"]
    sender = send(SOURCE, viewer.port(), "pair", *server.options(), *words)
    sender.event("tunnel", lambda event: event["tunnel"]["reconnects"] >= 2, 30)
    assert sender.stderr.count("warning: tunnel") == 1, sender.account()
