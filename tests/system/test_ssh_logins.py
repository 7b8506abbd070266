"""The ways to log in, the addresses to dial, and what the tunnel leaves open on the machine."""

import os
import pathlib
import stat

import pytest
from harness.openssh import make_key, public_key
from harness.ports import ipv6_works

SOURCE = "pattern:320x240@60"


@pytest.fixture
def succeed(view, send):
    """A short stream whose sender logs in with these words."""

    def run(*words, **channels):
        viewer = view("pair")
        sender = send(SOURCE, viewer.port(), "pair", *words, "--frames", 10, **channels)
        assert sender.end()["frames"] == 10
        assert viewer.end()["frames"] == 10

    return run


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_key_file(kind, folder, sshd, succeed):
    server = sshd()
    key = make_key(folder / kind, kind)
    server.authorized.write_text(public_key(key) + "\n", encoding="ascii")
    succeed("--ssh", server.destination(), "--ssh-key", key, *server.trust())


@pytest.mark.sanitized
def test_key_with_a_passphrase(folder, sshd, succeed):
    server = sshd()
    key = make_key(folder / "protected", passphrase="open sesame")
    server.authorized.write_text(public_key(key) + "\n", encoding="ascii")
    secret = folder / "passphrase"
    secret.write_text("open sesame\n", encoding="ascii")
    secret.chmod(0o600)
    words = ["--ssh", server.destination(), "--ssh-key", key, *server.trust()]
    succeed(*words, "-o", f"ssh_passphrase_file={secret}")


def test_agent(sshd, agent, succeed):
    server = sshd()
    agent.add(server.key)
    words = ["--ssh", server.destination(), *server.trust()]
    succeed(*words, extra={"SSH_AUTH_SOCK": str(agent.socket)})
    assert server.logged("Accepted publickey")


def test_default_key(home, sshd, succeed):
    server = sshd()
    key = home / ".ssh" / "id_ed25519"
    key.write_bytes(server.key.read_bytes())
    key.chmod(0o600)
    succeed("--ssh", server.destination(), *server.trust())


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_password_file(method, folder, password_server, succeed):
    server = password_server("right", method)
    secret = folder / "secret"
    secret.write_text("right\n", encoding="ascii")
    secret.chmod(0o600)
    succeed(*server.options(), "--ssh-password-file", secret)
    server.wait_log("logged in")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_host_by_address_and_name(host, sshd, succeed):
    if host == "::1" and not ipv6_works():
        pytest.skip("no IPv6 loopback on this machine")
    succeed(*sshd().options(host))


def test_login_name_is_the_users_own_unless_given(sshd, succeed):
    server = sshd()
    words = ["--ssh", f"127.0.0.1:{server.port}", "--ssh-key", server.key, *server.trust()]
    succeed(*words)


def test_configuration_of_openssh_is_left_alone(home, sshd, succeed):
    (home / ".ssh" / "config").write_text("Host *\n  Port 1\n  User nobody\n", encoding="ascii")
    succeed(*sshd().options())


def test_restricted_key_that_permits_this_forward(sshd, view, send):
    server = sshd()
    viewer = view("pair")
    permit = f'restrict,port-forwarding,permitopen="127.0.0.1:{viewer.port()}"'
    server.authorized.write_text(f"{permit} {public_key(server.key)}\n", encoding="ascii")
    send(SOURCE, viewer.port(), "pair", *server.options(), "--frames", 10).end()
    assert viewer.end()["frames"] == 10


def listening_ports(pid):
    """Inodes of the TCP sockets a process listens on."""
    own = set()
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(link)
        except OSError:
            continue
        if target.startswith("socket:["):
            own.add(target[8:-1])
    listening = set()
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            words = line.split()
            if words[3] == "0A":
                listening.add(words[9])
    return own & listening


def test_tunnel_is_nobody_elses(home, sshd, view, send):
    viewer = view("pair")
    sender = send(SOURCE, viewer.port(), "pair", *sshd().options())
    viewer.after(1)
    assert not listening_ports(sender.pid), "the tunnel listens on a TCP port"
    sockets = [path for path in home.rglob("*") if stat.S_ISSOCK(path.lstat().st_mode)]
    assert sockets, "no socket in a private folder"
    for path in sockets:
        assert path.parent.stat().st_mode & 0o077 == 0, f"others can reach {path}"
    sender.signal(2)
    sender.end()
    assert not any(path.exists() for path in sockets)
    assert not list((home / "tmp").iterdir()) and not list((home / "run").iterdir())
