"""Every way an SSH connection can fail: its exit code, and a sentence that says what to do."""

import time

import pytest
from harness import gates
from harness.openssh import make_key, public_key
from harness.ports import Listener, free_port

SOURCE = "pattern:320x240@30"


@pytest.fixture
def attempt(send):
    """Starts a sender towards a port behind the tunnel where nobody needs to be."""

    def start(*words):
        return send(SOURCE, free_port(), "pair", *words)

    return start


@pytest.fixture
def listener(started):
    def make(answer=b""):
        made = Listener(answer)
        started.callback(made.close)
        return made

    return make


@pytest.mark.sanitized
def test_stopped_server(sshd, attempt):
    server = sshd(start=False)
    begin = time.monotonic()
    sender = attempt(*server.options()).expect(4)
    assert time.monotonic() - begin < 10
    sender.sentence("127.0.0.1", server.port)


def test_host_that_does_not_resolve(sshd, attempt):
    server = sshd(start=False)
    words = ["--ssh", "someone@no-such-host.invalid", "--ssh-key", server.key]
    attempt(*words).expect(4, 40).sentence("no-such-host.invalid")


def test_server_that_speaks_something_else(sshd, attempt, listener):
    place = listener(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    server = sshd(start=False)
    sender = attempt("--ssh", f"someone@127.0.0.1:{place.port}", "--ssh-key", server.key)
    peer = place.serve_one()
    peer.shutdown(1)
    sender.expect(4).sentence("127.0.0.1", place.port, "ssh")


def test_server_that_never_answers(sshd, attempt, listener):
    place = listener()
    server = sshd(start=False)
    begin = time.monotonic()
    destination = f"someone@127.0.0.1:{place.port}"
    sender = attempt("--ssh", destination, "--ssh-key", server.key)
    sender.expect(4).sentence("127.0.0.1", place.port)
    assert time.monotonic() - begin < 15


def test_server_that_never_stops_talking(sshd, attempt, listener):
    place = listener(gates.BANNER)
    begin = time.monotonic()
    words = ["--ssh", f"someone@127.0.0.1:{place.port}", "--ssh-key", sshd(start=False).key]
    sender = attempt(*words, "-o", "ssh_connect_timeout=2")
    peer = place.serve_one()
    nothing = gates.packet(b"\x03" + bytes(4)) * 100000
    with pytest.raises(OSError):
        while True:
            peer.sendall(nothing)
    sender.expect(4).sentence("127.0.0.1", place.port, "timed out")
    assert time.monotonic() - begin < 15


def test_connect_timeout_is_an_option(sshd, attempt, listener):
    place = listener()
    server = sshd(start=False)
    begin = time.monotonic()
    words = ["--ssh", f"someone@127.0.0.1:{place.port}", "--ssh-key", server.key]
    attempt(*words, "-o", "ssh_connect_timeout=2").expect(4)
    assert time.monotonic() - begin < 7


@pytest.mark.sanitized
def test_wrong_key(folder, sshd, attempt):
    server = sshd()
    other = make_key(folder / "other")
    sender = attempt("--ssh", server.destination(), "--ssh-key", other, *server.trust())
    sender.expect(5).sentence(server.user, "127.0.0.1")


def test_key_file_that_is_missing(folder, sshd, attempt):
    server = sshd()
    key = folder / "nowhere"
    words = ["--ssh", server.destination(), "--ssh-key", key, *server.trust()]
    attempt(*words).expect(2).sentence(key)


def test_key_file_that_is_no_key(folder, sshd, attempt):
    server = sshd()
    key = folder / "rubbish"
    key.write_bytes(b"-----BEGIN OPENSSH PRIVATE KEY-----\nrubbish\n")
    words = ["--ssh", server.destination(), "--ssh-key", key, *server.trust()]
    attempt(*words).expect(5).sentence(key)


def protected_key(folder, server):
    key = make_key(folder / "protected", passphrase="open sesame")
    server.authorized.write_text(public_key(key) + "\n", encoding="ascii")
    return ["--ssh", server.destination(), "--ssh-key", key, *server.trust()]


def test_wrong_passphrase(folder, sshd, attempt):
    words = protected_key(folder, sshd())
    wrong = folder / "passphrase"
    wrong.write_text("close sesame\n", encoding="ascii")
    wrong.chmod(0o600)
    attempt(*words, "-o", f"ssh_passphrase_file={wrong}").expect(5).sentence("passphrase")


def test_missing_passphrase_without_a_terminal(folder, sshd, attempt):
    attempt(*protected_key(folder, sshd())).expect(5).sentence("passphrase")


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_wrong_password(method, folder, password_server, attempt):
    server = password_server("right", method)
    secret = folder / "secret"
    secret.write_text("wrong\n", encoding="ascii")
    secret.chmod(0o600)
    sender = attempt(*server.options(), "--ssh-password-file", secret)
    sender.expect(5).sentence("password")


@pytest.mark.parametrize("option", ["ssh_password_file", "ssh_passphrase_file"])
def test_secrets_that_cannot_be_used(option, folder, sshd, attempt):
    """Nobody is dialled, though the key alone would do."""
    words = [*sshd(start=False).options(), "-o", f"{option}={folder / 'secret'}"]
    attempt(*words).expect(2).sentence("cannot read", folder / "secret")
    (folder / "secret").write_text("word\n", encoding="ascii")
    (folder / "secret").chmod(0o640)
    attempt(*words).expect(2).sentence("can be read by others", "chmod 600")


def test_nothing_to_log_in_with(password_server, attempt):
    attempt(*password_server("right").options()).expect(5).sentence("password")


@pytest.mark.sanitized
def test_forwarding_switched_off(sshd, attempt):
    server = sshd("AllowTcpForwarding no")
    attempt(*server.options()).expect(7).sentence("forward")


def test_forwarding_to_this_port_not_permitted(sshd, attempt):
    server = sshd(f"PermitOpen 127.0.0.1:{free_port()}")
    attempt(*server.options()).expect(7).sentence("forward")


def test_key_restricted_by_its_owner(sshd, attempt):
    server = sshd()
    line = f"restrict {public_key(server.key)}\n"
    server.authorized.write_text(line, encoding="ascii")
    attempt(*server.options()).expect(7).sentence("forward")


def test_failed_senders_leave_nothing_behind(folder, home, sshd, attempt):
    server = sshd("AllowTcpForwarding no")
    attempt(*server.options()).expect(7)
    assert not list((home / "tmp").iterdir()) and not list((home / "run").iterdir())
