"""The tunnel through the user's own ssh: streams, failures, reconnection, and nothing left behind."""

import os
import pathlib
import select
import signal
import time

import pytest
from harness.netgear import PATTERNS
from harness.openssh import descendants_of, fingerprint, make_key
from harness.ports import Listener, free_port
from harness.waiting import allow

SOURCE = "pattern:320x240@30"
BACKEND = ["--ssh-backend", "openssh"]


@pytest.fixture
def attempt(send):
    """Starts a sender towards a port behind the tunnel where nobody needs to be."""

    def start(*words):
        return send(SOURCE, free_port(), "pair", *BACKEND, *words)

    return start


@pytest.fixture
def configured(folder):
    """Writes a configuration for ssh with one host alias, and gives the words that use it."""

    def make(server, *lines):
        path = folder / "ssh_config"
        text = "\n".join([*server.alias("gadget"), *lines])
        path.write_text(text + "\n", encoding="ascii")
        return ["--ssh", "gadget", "-o", f"ssh_config={path}"]

    return make


def ssh_of(sender):
    """The process id of the sender's ssh."""
    found = [pid for pid in children_of_all_threads(sender.pid) if name_of(pid) == "ssh"]
    assert len(found) == 1, f"{found}\n{sender.account()}"
    return found[0]


def children_of_all_threads(pid):
    found = []
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        found += [int(word) for word in (thread / "children").read_text("ascii").split()]
    return found


def name_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text("ascii").strip()
    except OSError:
        return None


@pytest.fixture
def watch(started):
    """Remembers processes that run; the function it gives fails if they still do after a time."""

    def remember(*pids):
        descriptors = [os.pidfd_open(pid) for pid in pids]
        for descriptor in descriptors:
            started.callback(os.close, descriptor)

        def check_gone(seconds=5):
            for pid, descriptor in zip(pids, descriptors):
                gone, _, _ = select.select([descriptor], [], [], allow(seconds))
                assert gone, f"{pid} ({name_of(pid)}) still runs"

        return check_gone

    return remember


@pytest.mark.parametrize("pattern", PATTERNS)
def test_stream(pattern, sshd, view, send):
    server = sshd()
    viewer = view(pattern, "--timecode")
    sender = send(SOURCE, viewer.port(), pattern, *BACKEND, *server.options(), "--frames", 30)
    assert sender.end()["frames"] == 30
    end = viewer.end()
    assert end["reason"] == "peer ended" and end["frames"] >= 20, viewer.account()
    assert not [line for line in viewer.sentences() if "strange" in line], viewer.account()


@pytest.mark.sanitized
def test_host_of_the_users_configuration(configured, sshd, view, send):
    viewer = view("pair")
    words = configured(sshd())
    send(SOURCE, viewer.port(), "pair", *BACKEND, *words, "--frames", 5).end()
    assert viewer.end()["frames"] == 5


def test_what_is_written_out_goes_before_the_configuration(configured, sshd, attempt):
    server = sshd()
    words = configured(server)
    other = ["--ssh", f"somebody@gadget:{free_port()}", *words[2:]]
    attempt(*other).expect(4).sentence("gadget", "refused")


def test_jump_host_of_the_configuration(configured, sshd, view, send, watch):
    jump, server = sshd(), sshd()
    words = configured(server, "ProxyJump middle", *jump.alias("middle"))
    viewer = view("reqrep")
    sender = send(SOURCE, viewer.port(), "reqrep", *BACKEND, *words)
    viewer.after(15)
    family = descendants_of_ssh(sender)
    assert len(family) >= 2, family
    check_gone = watch(*family)
    assert jump.logged("direct-tcpip"), "not through the jump host"
    sender.signal(signal.SIGINT)
    sender.end()
    check_gone()


def descendants_of_ssh(sender):
    ssh = ssh_of(sender)
    return [ssh, *descendants_of(ssh)]


def test_jump_host_that_does_not_forward(configured, sshd, attempt):
    jump, server = sshd("AllowTcpForwarding no"), sshd()
    words = configured(server, "ProxyJump middle", *jump.alias("middle"))
    attempt(*words).expect(7).sentence("jump host")


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_pinned_host_key(kind, sshd, view, send):
    server = sshd(host_keys=("ed25519", "rsa"))
    viewer = view("pair")
    pin = ["--ssh-host-key", fingerprint(server.host_key(kind))]
    login = ["--ssh", server.destination(), "--ssh-key", server.key]
    send(SOURCE, viewer.port(), "pair", *BACKEND, *login, *pin, "--frames", 5).end()


def test_other_host_key_than_the_pinned_one(folder, sshd, attempt):
    server = sshd()
    pin = ["--ssh-host-key", fingerprint(make_key(folder / "other"))]
    login = ["--ssh", server.destination(), "--ssh-key", server.key]
    attempt(*login, *pin, *server.trust()).expect(6).sentence("127.0.0.1", "host key", pin[1])


def test_new_host_key_is_accepted_and_remembered(folder, sshd, view, send):
    server = sshd()
    viewer = view("pair")
    known = folder / "known hosts"
    words = ["--ssh", server.destination(), "--ssh-key", server.key]
    words += ["-o", f"ssh_known_hosts={known}", "-o", "ssh_host_key_policy=accept-new"]
    send(SOURCE, viewer.port(), "pair", *BACKEND, *words, "--frames", 5).end()
    fixed = [*words[:-1], "ssh_host_key_policy=strict"]
    send(SOURCE, free_port(), "pair", *BACKEND, *fixed).wait_said("nothing listens")


def test_stopped_server(sshd, attempt):
    server = sshd(start=False)
    attempt(*server.options()).expect(4).sentence("127.0.0.1", server.port, "refused")


def test_host_that_does_not_resolve(attempt):
    attempt("--ssh", "someone@no-such-host.invalid").expect(4, 40).sentence("no-such-host.invalid")


def test_name_server_that_does_not_answer_in_time(network, send):
    net = network()
    net.slow_name_server("gadget", "10.77.1.1", seconds=60)
    words = [*BACKEND, "--ssh", "someone@gadget", "-o", "ssh_connect_timeout=1"]
    sender = send(SOURCE, 5555, "pair", *words, prefix=net.prefix(net.camera))
    sender.expect(4).sentence("gadget", "does not resolve", "name server")


def test_server_that_never_answers(started, attempt):
    place = Listener(b"")
    started.callback(place.close)
    begin = time.monotonic()
    words = ["--ssh", f"someone@127.0.0.1:{place.port}", "-o", "ssh_connect_timeout=2"]
    attempt(*words).expect(4).sentence("127.0.0.1", "timed out")
    assert time.monotonic() - begin < allow(7)


def test_wrong_key(folder, sshd, attempt):
    server = sshd()
    other = make_key(folder / "other")
    words = ["--ssh", server.destination(), "--ssh-key", other, *server.trust()]
    attempt(*words).expect(5).sentence("127.0.0.1", "Permission denied", "--ssh-key")


def test_missing_key(folder, sshd, attempt):
    server = sshd()
    missing = folder / "nowhere"
    words = ["--ssh", server.destination(), "--ssh-key", missing, *server.trust()]
    attempt(*words).expect(2).sentence(missing)


def test_unknown_host_key(folder, sshd, attempt):
    server = sshd()
    words = ["--ssh", server.destination(), "--ssh-key", server.key]
    attempt(*words, "-o", f"ssh_known_hosts={folder / 'none'}").expect(6).sentence("host key")


def test_changed_host_key(sshd, attempt):
    server = sshd(start=False)
    server.new_host_keys()
    server.start()
    attempt(*server.options()).expect(6).sentence("changed", "127.0.0.1")


@pytest.mark.sanitized
def test_forwarding_switched_off(home, sshd, attempt):
    server = sshd("AllowTcpForwarding no")
    attempt(*server.options()).expect(7).sentence("forward")
    assert not list((home / "tmp").iterdir()) and not list((home / "run").iterdir())


@pytest.mark.parametrize("option", ["ssh_password_file", "ssh_passphrase_file"])
def test_secrets_are_not_for_ssh(option, folder, sshd, attempt):
    server = sshd(start=False)
    words = [*server.options(), "-o", f"{option}={folder / 'secret'}"]
    attempt(*words).expect(2).sentence("openssh", "password")


def test_configuration_with_a_mistake(configured, sshd, attempt):
    words = configured(sshd(start=False), "NoSuchThing yes")
    attempt(*words).expect(2).sentence("configuration", "nosuchthing")


def test_configuration_without_ssh(configured, sshd, send):
    words = configured(sshd(start=False))
    send(SOURCE, free_port(), "pair", *words).expect(2).sentence("ssh_backend=openssh")


def test_no_ssh_command(folder, sshd, send):
    server = sshd(start=False)
    words = [*BACKEND, *server.options()]
    sender = send(SOURCE, free_port(), "pair", *words, extra={"PATH": str(folder)})
    assert sender.wait() not in (0, None)
    sender.sentence("openssh-client")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_nobody_listens_at_first(pattern, sshd, view, send):
    server = sshd()
    port = free_port()
    sender = send(SOURCE, port, pattern, *BACKEND, *server.options())
    sender.wait_said(f"nothing listens at 127.0.0.1 port {port}")
    viewer = view(pattern, "--address", "127.0.0.1", "--port", port, "--frames", 10)
    assert viewer.end(seconds=40)["frames"] == 10
    sender.signal(signal.SIGINT)
    sender.end()


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("victim", ["session", "ssh"])
def test_comes_back(victim, pattern, sshd, view, send):
    server = sshd()
    viewer = view(pattern)
    sender = send(SOURCE, viewer.port(), pattern, *BACKEND, *server.options())
    before = viewer.after(15)["frames"]
    if victim == "ssh":
        os.kill(ssh_of(sender), signal.SIGKILL)
    else:
        server.kill_sessions()
    viewer.event("stats", lambda event: event["frames"] >= before + 60, 40)
    sender.signal(signal.SIGINT)
    assert sender.end()["reconnects"] >= 1, sender.account()
    assert viewer.end()["reason"] == "peer ended", viewer.account()


def test_viewer_behind_a_jump_host_comes_back(configured, sshd, view, send):
    jump, server = sshd(), sshd()
    words = configured(server, "ProxyJump middle", *jump.alias("middle"))
    viewer = view("pair", "--address", "*", "--port", 0, *BACKEND, *words, "--log", "info")
    port = viewer.port()
    viewer.wait_said("can't be seen from here")
    sender = send(SOURCE, port, "pair")
    before = viewer.after(15)["frames"]
    assert jump.logged("direct-tcpip"), "not through the jump host"
    os.kill(ssh_of(viewer), signal.SIGKILL)
    viewer.event("stats", lambda event: event["frames"] >= before + 45, 40)
    sender.signal(signal.SIGINT)
    sender.end()
    assert viewer.end()["reason"] == "peer ended", viewer.account()


def test_silent_server_is_noticed(sshd, view, send):
    """Stopped as a machine that hangs: connections stay, nothing answers."""
    server = sshd()
    viewer = view("pubsub")
    sender = send(SOURCE, viewer.port(), "pubsub", *BACKEND, *server.options())
    viewer.after(15)
    stopped = server.pids()
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    begin = time.monotonic()
    try:
        sender.wait_said("was lost", 15)
        assert time.monotonic() - begin < allow(6)
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    sender.signal(signal.SIGINT)
    sender.end()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_ssh_is_left(number, home, sshd, view, send, watch):
    server = sshd()
    viewer = view("pair")
    sender = send(SOURCE, viewer.port(), "pair", *BACKEND, *server.options())
    viewer.after(10)
    check_gone = watch(ssh_of(sender))
    if number == signal.SIGKILL:
        sender.kill()
    else:
        sender.signal(number)
        assert sender.end()["reason"] == "interrupted"
        assert viewer.end()["reason"] == "peer ended", viewer.account()
        assert not list((home / "run").iterdir())
    check_gone()


def test_ctrl_c_at_the_terminal_leaves_ssh_alone(sshd, view, send):
    """The terminal signals its foreground group: ssh is in a session of its own."""
    server = sshd()
    viewer = view("pair")
    sender = send(SOURCE, viewer.port(), "pair", *BACKEND, *server.options())
    viewer.after(10)
    ssh = ssh_of(sender)
    assert os.getsid(ssh) == ssh and os.getpgid(ssh) == ssh


def test_ssh_inherits_no_descriptor(sshd, view, send):
    server = sshd()
    viewer = view("pair")
    sender = send(SOURCE, viewer.port(), "pair", *BACKEND, *server.options())
    viewer.after(10)
    held = [os.readlink(path) for path in pathlib.Path(f"/proc/{ssh_of(sender)}/fd").iterdir()]
    places = [place for place in held if not place.startswith(("socket:", "pipe:"))]
    assert set(places) == {"/dev/null"}, held
    assert len([place for place in held if place.startswith("pipe:")]) == 1, held
