"""Through jump hosts to the SSH server, in the same process or by the user's own ssh."""

import json
import signal
import subprocess

import pytest
from harness.network import SERVER
from harness.openssh import fingerprint, make_key, public_key
from harness.ports import free_port

SOURCE = "pattern:320x240@30"


class Way:
    """Two jump hosts and a destination. The key of the destination opens them all."""

    def __init__(self, folder, *servers, host="127.0.0.1"):
        self._host = host
        self.first, self.second, self.last = self.servers = servers
        self.known_hosts = folder / "known_hosts"
        self.trust(*servers)
        for jump in servers[:2]:
            jump.authorized.write_text(public_key(self.last.key) + "\n", encoding="ascii")

    def trust(self, *servers):
        lines = [server.known_hosts.read_text(encoding="ascii") for server in servers]
        self.known_hosts.write_text("".join(lines), encoding="ascii")

    def jumps(self):
        return [server.destination(self._host) for server in self.servers[:2]]

    def words(self):
        login = ["--ssh", self.last.destination(self._host), "--ssh-key", self.last.key]
        known = ["-o", f"ssh_known_hosts={self.known_hosts}"]
        return [*login, *known, "--ssh-jump", ",".join(self.jumps())]

    def words_for_ssh(self, folder):
        """The same for the user's own ssh, whose configuration knows keys and host keys."""
        lines = [
            "Host *", f"UserKnownHostsFile {self.known_hosts}", f"IdentityFile {self.last.key}",
        ]  # fmt: skip
        path = folder / "ssh_config"
        path.write_text("\n".join(lines) + "\n", encoding="ascii")
        words = ["--ssh-backend", "openssh", "-o", f"ssh_config={path}"]
        return [*words, "--ssh", self.last.destination(), "--ssh-jump", ",".join(self.jumps())]

    def was_taken(self):
        """Each jump host has led to the next server."""
        return all(
            jump.logged(f"target 127.0.0.1 port {server.port}")
            for jump, server in zip(self.servers, self.servers[1:])
        )


@pytest.fixture
def way(folder, sshd):
    """Options are those of one jump host's sshd: `way(first=["…"])`."""

    def make(first=(), second=()):
        return Way(folder, sshd(*first), sshd(*second), sshd())

    return make


@pytest.fixture
def attempt(send):
    """Starts a sender towards a port where nobody needs to be."""

    def start(*words):
        return send(SOURCE, free_port(), "pair", *words)

    return start


@pytest.mark.sanitized
@pytest.mark.parametrize("pattern", ["pair", "live"])
def test_both_ends_meet_behind_two_jump_hosts(pattern, way, view, send):
    """In the live pattern the newest wins, so a busy machine may skip some at the viewer."""
    taken = way()
    viewer = view(pattern, *taken.words())
    sender = send(SOURCE, viewer.port(), pattern, *taken.words(), "--frames", 20)
    assert sender.end()["frames"] == 20
    seen = viewer.end()["frames"]
    assert seen == 20 or (pattern == "live" and 0 < seen < 20)
    assert taken.was_taken()


def test_the_users_ssh_goes_through_them_too(folder, way, view, send):
    taken = way()
    viewer = view("pair")
    words = taken.words_for_ssh(folder)
    send(SOURCE, viewer.port(), "pair", *words, "--frames", 20).end()
    assert viewer.end()["frames"] == 20
    assert taken.was_taken()


def test_unknown_host_key_of_a_jump_host(way, attempt):
    taken = way()
    for stranger in (taken.first, taken.second):
        taken.trust(*(server for server in taken.servers if server is not stranger))
        name = f"[127.0.0.1]:{stranger.port}"
        said = attempt(*taken.words()).expect(6).sentence(name, "not known", "jump host")
        assert fingerprint(stranger.host_key()) in said and "--ssh-host-key" not in said


def test_pinned_host_key_is_the_destinations(way, view, send):
    taken = way()
    taken.trust(taken.first, taken.second)
    viewer = view("pair")
    words = [*taken.words(), "--ssh-host-key", fingerprint(taken.last.host_key())]
    send(SOURCE, viewer.port(), "pair", *words, "--frames", 5).end()
    assert viewer.end()["frames"] == 5


def test_jump_host_that_lets_nobody_in(way, attempt):
    taken = way()
    for server in (taken.second, taken.first):
        server.authorized.write_text("", encoding="ascii")
        sentence = attempt(*taken.words()).expect(5).sentence
        sentence(f"port {server.port} refused", "ssh_jump_keys")


def test_jump_host_that_does_not_forward(way, attempt):
    taken = way(second=["AllowTcpForwarding no"])
    sentence = attempt(*taken.words()).expect(7).sentence
    sentence(f"port {taken.second.port} does not allow", f"to 127.0.0.1 port {taken.last.port}")


def test_servers_that_are_not_there(way, attempt):
    taken = way()
    taken.last.stop()
    said = attempt(*taken.words()).expect(4).sentence("nothing listens", taken.last.port)
    assert "waiting" not in said
    taken.first.stop()
    attempt(*taken.words()).expect(4).sentence(f"port {taken.first.port}", "closed")


def test_jump_host_with_its_own_key(folder, home, way, view, send):
    """The first has one of its own, the second one of the usual ones."""
    taken = way()
    own, usual = make_key(folder / "own"), make_key(home / ".ssh" / "id_ed25519")
    for server, key in ((taken.first, own), (taken.second, usual)):
        server.authorized.write_text(public_key(key) + "\n", encoding="ascii")
    viewer = view("pair")
    words = [*taken.words(), "-o", f"ssh_jump_keys={own},"]
    send(SOURCE, viewer.port(), "pair", *words, "--frames", 5).end()
    assert viewer.end()["frames"] == 5


@pytest.mark.parametrize(("end", "dropping"), [("sender", 0), ("viewer", 1), ("sender", 2)])
def test_goes_on_when_a_connection_drops(end, dropping, way, view, send):
    """Whichever of the three it is: it is made anew, and those that go through it."""
    taken = way()
    there = taken.words() if end == "viewer" else []
    here = taken.words() if end == "sender" else []
    viewer = view("pair", *there, "--log", "info")
    where = [] if end == "sender" else ["--address", "127.0.0.1"]
    sender = send(SOURCE, viewer.port(), "pair", *here, *where, "--log", "info")
    dialling = sender if end == "sender" else viewer
    viewer.after(10)
    said = dialling.said.count()
    taken.servers[dropping].kill_sessions()
    dialling.wait_said(f"up again.* port {taken.last.port}", start=said)
    before = viewer.next_stats()["frames"]
    viewer.event("stats", lambda event: event["frames"] >= before + 15)
    sender.signal(signal.SIGINT)
    sender.end()
    ended = viewer.end() if end == "viewer" else sender.end()
    assert ended["tunnel"]["reconnects"] == 1


def test_stopped_jump_host_is_noticed_and_named(way, view, send):
    """Its kernel goes on acknowledging; so only its own silence, behind the first, can tell."""
    taken = way()
    viewer = view("pair")
    words = [*taken.words(), "-o", "ssh_alive_timeout=2"]
    sender = send(SOURCE, viewer.port(), "pair", *words)
    viewer.after(10)
    taken.second.pause()
    try:
        sender.event(
            "tunnel",
            lambda event: event["tunnel"]["state"] != "up"
            and f"port {taken.second.port}" in (event["tunnel"]["reason"] or ""),
            6,
        )
    finally:
        taken.second.resume()
    before = viewer.next_stats()["frames"]
    viewer.event("stats", lambda event: event["frames"] >= before + 15)
    sender.signal(signal.SIGINT)
    sender.end()


@pytest.fixture
def stream(folder, network, sshd, view, send):
    """Starts a camera end in its own host, the servers and the viewer in another."""
    net = network()

    def start(pattern, *words):
        there, here = net.prefix(net.middle), net.prefix(net.camera)
        servers = [sshd(prefix=there, addresses=[SERVER]) for _server in range(3)]
        taken = Way(folder, *servers, host=SERVER)
        viewer = view(pattern, prefix=there)
        words = [*taken.words(), *words]
        sender = send(SOURCE, viewer.port(), pattern, *words, prefix=here)
        viewer.after(10)
        return net, viewer, sender

    return start


def test_packets_dropped_in_silence(stream):
    net, viewer, sender = stream("pair", "-o", "ssh_alive_timeout=2")
    net.drop_silently()
    sender.event("tunnel", lambda event: "silent" in (event["tunnel"]["reason"] or ""), 6)
    net.let_through()
    before = viewer.events.so_far()[-1]["frames"]
    viewer.event("stats", lambda event: event["frames"] >= before + 15)
    sender.signal(signal.SIGINT)
    sender.end()


def test_last_server_stopped_with_much_on_its_way(way, view, send):
    """The first jump host goes on, which is no life of the last server."""
    taken = way()
    viewer = view("pubsub")
    sender = send(SOURCE, viewer.port(), "pubsub", *taken.words(), "--raw", "--size", "1920x1080")
    viewer.after(10)
    taken.last.pause()
    sender.event("tunnel", lambda event: "silent" in (event["tunnel"]["reason"] or ""))
    taken.last.resume()
    viewer.after(10)


def test_slow_path_is_not_a_dead_one(stream):
    """A question of the last server's waits behind frames in each tunnel, and then in TCP. It gets
    slower by and by: what a sudden end of room loses all at once, TCP may need longer for."""
    net, _viewer, sender = stream("pubsub", "--raw", "--size", "640x360")
    for rate in ("20mbit", "4mbit", "1mbit", "200kbit"):
        net.slow_down(rate)
        sender.next_stats()
    for _second in range(10):
        stats = sender.next_stats()
    assert stats["tunnel"] == {"state": "up", "reason": None, "reconnects": 0}, sender.account()
    sender.kill()


def test_persists_through_a_jump_host_that_is_not_there_yet(way, view, send):
    taken = way()
    taken.first.stop()
    viewer = view("pair")
    sender = send(SOURCE, viewer.port(), "pair", *taken.words(), "--persist")
    sender.wait_said(f"port {taken.first.port}.*closed.*trying again")
    taken.first.start()
    viewer.after(5)
    sender.signal(signal.SIGINT)
    assert sender.end()["tunnel"]["reconnects"] == 0


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["--ssh", "c", "--ssh-jump", "a,,b"], "jump host 2 of the list (--ssh-jump) is empty"),
        (["--ssh", "c", "--ssh-jump", "a,"], "jump host 2 of the list (--ssh-jump) is empty"),
        (["--ssh", "c", "--ssh-jump", "a:x"], "jump host 1 of the list (--ssh-jump) is none"),
        (["--ssh", "c", "--ssh-jump", ",".join("abcdefghi")], "more than 8 jump hosts"),
        (["--ssh", "c", "--ssh-jump", "a,b", "-o", "ssh_jump_keys=k"], "1 keys for 2 jump hosts"),
        (["--ssh", "c", "-o", "ssh_jump_keys=k"], "1 keys for 0 jump hosts"),
        (["--ssh", "c", "--ssh-jump", "a", "--ssh-backend", "openssh", "-o", "ssh_jump_keys=k"],
         "ssh_backend=libssh"),
        (["--ssh", "c", "--ssh-jump", "a%h", "--ssh-backend", "openssh"], "can't be told"),
        (["--ssh-jump", "a"], "without an SSH server"),
    ],
)  # fmt: skip
def test_lists_that_make_no_sense(words, wrong, plain):
    plain("send", "pattern:", *words).expect(2).sentence(wrong)


@pytest.mark.parametrize("command", [["view", "--sink", "null"], ["doctor"]])
def test_jump_hosts_that_lead_nowhere(command, plain):
    plain(*command, "--ssh-jump", "a").expect(2).sentence("without an SSH server")


def examine(plain, *words):
    """The doctor's exit code and checks."""
    doctor = plain("doctor", "--json", *words, stdout=subprocess.PIPE, seconds=40)
    lines = doctor.stdout.read().splitlines()
    return doctor.wait(), [json.loads(line) for line in lines]


SERVER_STEPS = ["port", "ssh server", "host key", "log-in", "forwarding"]
VIEWER_STEPS = ["viewer", "round trip", "ssh round trip", "throughput", "clock"]


def test_doctor_walks_each_of_them(way, view, plain):
    taken = way()
    viewer = view(None)
    place = ["--address", "127.0.0.1", "--port", viewer.port()]
    status, checks = examine(plain, *place, *taken.words())
    assert status == 0, checks
    assert {check["name"] for check in checks if check["verdict"] != "good"} == {"clock"}
    expected = [(step, taken.first.destination()) for step in ("name", "route")]
    expected += [(step, server.destination()) for server in taken.servers for step in SERVER_STEPS]
    expected += [(step, None) for step in VIEWER_STEPS]
    assert [(check["name"], check["server"]) for check in checks] == expected


@pytest.mark.parametrize("command", [["doctor"], ["doctor", "--json"]])
def test_doctor_names_the_bad_one(command, way, plain):
    taken = way()
    taken.last.stop()
    doctor = plain(*command, *taken.words(), stdout=subprocess.PIPE, seconds=40)
    assert doctor.wait() == 4
    lines = doctor.stdout.read().decode().splitlines()
    bad = [line for line in lines if "✗" in line or '"bad"' in line]
    assert len(bad) == 1 and taken.last.destination() in bad[0] and "nothing listens" in bad[0]
    skipped = [line for line in lines if line.startswith("·") or '"skipped"' in line]
    assert len(skipped) == len(SERVER_STEPS) - 1 + len(VIEWER_STEPS)
