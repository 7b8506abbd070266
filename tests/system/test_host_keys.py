"""Whom the sender believes: known hosts, pinned keys, and the choice to accept new ones."""

import pytest
from harness.openssh import fingerprint, make_key

SOURCE = "pattern:320x240@60"
ACCEPT = ("-o", "ssh_host_key_policy=accept-new")


@pytest.fixture
def attempt(view, send):
    """A short stream through a server: starts a sender with these words, and a viewer for it."""

    def start(server, *words):
        viewer = view("pair")
        login = ["--ssh", server.destination(), "--ssh-key", server.key]
        return send(SOURCE, viewer.port(), "pair", *login, *words, "--frames", 5)

    return start


@pytest.fixture
def empty(folder):
    path = folder / "empty_known_hosts"
    path.write_text("", encoding="ascii")
    return ("-o", f"ssh_known_hosts={path}")


@pytest.mark.sanitized
def test_unknown_key_is_refused(sshd, attempt, empty):
    server = sshd()
    sender = attempt(server, *empty).expect(6)
    sender.sentence("127.0.0.1", fingerprint(server.host_key()))


def test_unknown_key_is_refused_without_any_file(sshd, attempt):
    attempt(sshd()).expect(6).sentence("127.0.0.1")


def test_changed_key_is_refused(sshd, attempt):
    server = sshd(start=False)
    server.new_host_keys()
    server.start()
    attempt(server, *server.trust()).expect(6).sentence("changed")


def test_changed_key_is_refused_even_when_new_ones_are_accepted(sshd, attempt):
    server = sshd(start=False)
    server.new_host_keys()
    server.start()
    before = server.known_hosts.read_text(encoding="ascii")
    attempt(server, *server.trust(), *ACCEPT).expect(6).sentence("changed")
    assert server.known_hosts.read_text(encoding="ascii") == before


def test_known_key_in_a_hashed_file(sshd, attempt):
    server = sshd()
    server.write_known_hosts(hashed=True)
    assert "127.0.0.1" not in server.known_hosts.read_text(encoding="ascii")
    attempt(server, *server.trust()).end()


def test_changed_key_in_a_hashed_file(sshd, attempt):
    server = sshd(start=False)
    server.write_known_hosts(hashed=True)
    server.new_host_keys()
    server.start()
    attempt(server, *server.trust()).expect(6)


def test_known_kind_of_key_is_asked_for(sshd, attempt):
    server = sshd(host_keys=("ed25519", "ecdsa", "rsa"))
    for kind in ("rsa", "ecdsa", "ed25519"):
        server.write_known_hosts(kinds=[kind])
        attempt(server, *server.trust()).end()


def test_pinned_key_is_enough(sshd, attempt, empty):
    server = sshd()
    attempt(server, *empty, "--ssh-host-key", fingerprint(server.host_key())).end()


def test_other_key_than_the_pinned_one_is_refused(folder, sshd, attempt):
    server = sshd()
    pin = fingerprint(make_key(folder / "other_host_key"))
    attempt(server, *server.trust(), "--ssh-host-key", pin).expect(6).sentence("127.0.0.1")


def test_malformed_pin_is_a_usage_error(sshd, attempt):
    server = sshd(start=False)
    attempt(server, "--ssh-host-key", "SHA256:short").expect(2)


def test_new_key_is_accepted_recorded_and_held_to(folder, sshd, attempt):
    server = sshd()
    known = folder / "grows"
    trust = ("-o", f"ssh_known_hosts={known}")
    attempt(server, *trust, *ACCEPT).end()
    assert f"[127.0.0.1]:{server.port}" in known.read_text(encoding="ascii")
    attempt(server, *trust).end()
    server.stop()
    server.new_host_keys()
    server.start()
    attempt(server, *trust, *ACCEPT).expect(6).sentence("changed")


def test_new_key_is_recorded_where_sightline_keeps_its_own(home, sshd, attempt):
    server = sshd()
    attempt(server, *ACCEPT).end()
    kept = [path for path in (home / "state").rglob("*") if path.is_file()]
    assert any(str(server.port) in path.read_text(encoding="ascii") for path in kept), kept
    assert (home / "state" / "sightline").stat().st_mode & 0o777 == 0o700
    attempt(server).end()


def test_users_own_known_hosts_are_believed(home, sshd, attempt):
    server = sshd()
    (home / ".ssh" / "known_hosts").write_bytes(server.known_hosts.read_bytes())
    attempt(server).end()


def test_revoked_key_is_refused(sshd, attempt):
    server = sshd()
    lines = server.known_hosts.read_text(encoding="ascii").splitlines()
    revoked = "".join(f"@revoked {line}\n" for line in lines)
    server.known_hosts.write_text(revoked, encoding="ascii")
    attempt(server, *server.trust()).expect(6)
