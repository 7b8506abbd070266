"""The viewer's gate: who comes through, and what nobody can do there."""

import contextlib
import os
import pathlib
import re
import socket
import subprocess

import numpy
import pytest
from harness import floods, gates, netgear, netgear_sender
from harness.netgear import PATTERNS
from harness.openssh import fingerprint, make_key
from harness.processes import Process
from harness.waiting import allow

PICTURE = numpy.zeros((48, 64, 3), numpy.uint8)


@pytest.mark.sanitized
@pytest.mark.parametrize("pattern", PATTERNS)
def test_sender_streams_through(pattern, gate, camera):
    opened = gate(pattern)
    streaming = camera(opened, pattern, "--frames", 60)
    streaming.end()
    assert "warning" not in streaming.stderr, streaming.account()
    frames = opened.viewer.end()["frames"]
    assert frames > 0 if pattern == "pubsub" else frames == 60


def listening_ports(pid, inodes):
    """The TCP ports that these sockets listen on."""
    rows = []
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError):  # a machine without IPv6
            lines = pathlib.Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii")
            rows += [line.split() for line in lines.splitlines()[1:]]
    return [int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and row[9] in inodes]


def test_link_is_reached_through_the_gate_alone(gate, home, camera):
    opened = gate("pair")
    camera(opened, "pair", "--frames", 5).event("ready")
    entries = pathlib.Path(f"/proc/{opened.viewer.pid}/fd").iterdir()
    inodes = {os.readlink(entry).removeprefix("socket:[").rstrip("]") for entry in entries}
    assert listening_ports(opened.viewer.pid, inodes) == [opened.port]
    for place in (home / "run").iterdir():
        assert place.stat().st_mode & 0o777 == 0o700


def test_place_for_keys_that_is_not_there_is_told(folder, view):
    keys = folder / "missing" / "authorized"
    viewer = view("pair", "--gate", "127.0.0.1:0", "--authorized-keys", keys)
    viewer.wait_said(f"nobody can log in, or be invited: .*{keys.parent}")


def test_key_is_made_once_and_said(gate, home):
    opened = gate("pair")
    path = home / "state" / "sightline" / "gate_ed25519"
    assert path.stat().st_mode & 0o777 == 0o600
    assert fingerprint(path) == opened.fingerprint
    line = opened.viewer.wait_said("sightline send 0")
    for word in (f"--ssh 127.0.0.1:{opened.port}", opened.fingerprint, str(opened.link_port)):
        assert word in line
    assert gate("pair").fingerprint == opened.fingerprint


@pytest.mark.parametrize("pattern", ["reqrep", None])
def test_printed_line_is_all_that_is_needed(pattern, gate, sightline):
    opened = gate(pattern)
    words = opened.viewer.wait_said("sightline send 0").split("send 0 ")[1].split()
    assert ("--pattern" in words) == (pattern is not None)
    sightline("send", gates.CAMERA, *words, "--ssh-key", opened.key, "--frames", 5).end()
    seen = opened.viewer.end()["frames"]
    assert seen == 5 if pattern else seen > 0, opened.viewer.account()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_openssh_forwards_a_netgear_sender(pattern, gate, peer, programs):
    opened = gate(pattern)
    local = opened.forward(programs)
    sender = peer(netgear.subscribed_sender(f"tcp://127.0.0.1:{local}", pattern))
    assert sender.send(PICTURE, "BGR") or pattern == "pubsub"
    opened.viewer.after(1)
    sender.terminate()
    assert opened.viewer.end()["frames"] == 1


@pytest.mark.parametrize("client", ["paramiko", "openssh"])
def test_netgears_own_tunnel(client, gate, environment, home, folder, programs):
    """What `ssh_tunnel_mode` does there. OpenSSH asks for a command to run meanwhile."""
    opened = gate("pair")
    known = opened.known_hosts(home / ".ssh" / "known_hosts")
    netgear_sender.tell_openssh(folder, environment, known)
    place, server = f"tcp://localhost:{opened.link_port}", f"camera@127.0.0.1:{opened.port}"
    words = netgear_sender.command(place, server, opened.key, client)
    sender = Process([*words, "pair", 5], environment, folder)
    programs.append(sender)
    sender.expect(0)
    assert opened.viewer.end()["frames"] == 5


def test_openssh_connects_standard_output(gate, programs):
    opened = gate("pair")
    words = opened.ssh("-W", f"localhost:{opened.link_port}")
    client = Process(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    programs.append(client)
    client.stdin.write(b"\xff" + bytes(8) + b"\x7f\x03")
    client.stdin.flush()
    assert client.stdout.read(1) == b"\xff", f"that is no ZeroMQ\n{client.account()}"


def test_paramiko_forwards(gate):
    paramiko = pytest.importorskip("paramiko", reason="python3-paramiko is not installed")
    opened = gate("pair")
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect("127.0.0.1", opened.port, "camera", key_filename=str(opened.key),
                   allow_agent=False, look_for_keys=False, timeout=allow(20))  # fmt: skip
    place = ("localhost", opened.link_port)
    channel = client.get_transport().open_channel("direct-tcpip", place, ("127.0.0.1", 0))
    channel.sendall(b"\xff" + bytes(8) + b"\x7f\x03")
    assert channel.recv(1) == b"\xff"
    client.close()


def test_many_cameras_at_once(gate, camera):
    opened = gate("pubsub", "--every-frame")
    cameras = [camera(opened, "pubsub") for _ in range(3)]
    for each in cameras:
        each.after(30)
    opened.viewer.after(90)
    assert len({each.pid for each in cameras if each.running()}) == 3


def test_nothing_else_is_granted(gate, camera, programs, folder):
    opened = gate("pair")
    streaming = camera(opened, "pair")
    streaming.after(10)
    for words, command in (
        ([], ()),
        (["-tt"], ()),
        ([], ("id",)),
        (["-s"], ("sftp",)),
        (["-A", "-X"], ("id",)),
        (["-W", f"localhost:{opened.port}"], ()),
        (["-W", f"192.0.2.1:{opened.link_port}"], ()),
        (["-W", "localhost:22"], ()),
        (["-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:localhost:1"], ()),
        (["-N", "-o", "ExitOnForwardFailure=yes", "-R", f"{folder}/back:localhost:1"], ()),
    ):
        said = opened.try_ssh(*words, command=command)
        assert "Authenticated to" in said and "uid=" not in said, f"{words}\n{said}"
    assert streaming.next_stats(lambda event: event["fps"] > 0)
    assert opened.viewer.running()


def test_another_key_and_no_key(gate, camera, folder):
    opened = gate("pair")
    stranger = make_key(folder / "stranger")
    camera(opened, "pair", key=stranger).expect(5)
    opened.viewer.wait_said(re.escape(f"is not let in: {fingerprint(stranger)}"))
    said = opened.try_ssh("-N", key=stranger)
    assert "Permission denied (publickey)" in said
    said = opened.try_ssh("-N", "-o", "PubkeyAuthentication=no")
    assert "Permission denied (publickey)" in said
    camera(opened, "pair", "--frames", 5).end()


def test_keys_are_read_anew(gate, camera, folder):
    opened = gate("pair")
    late = make_key(folder / "late")
    camera(opened, "pair", key=late).expect(5)
    gates.authorize(folder / "authorized", late)
    camera(opened, "pair", "--frames", 5, key=late).end()


def test_keys_that_others_can_write(gate, camera, folder):
    opened = gate("pair")
    (folder / "authorized").chmod(0o666)
    camera(opened, "pair").expect(5)
    opened.viewer.wait_said("can be written by others")


def test_password_only_where_one_is_given(gate, camera, folder, sightline):
    secret, wrong = folder / "secret", folder / "wrong"
    for path, word in ((secret, "correct horse"), (wrong, "battery staple")):
        path.write_text(word + "\n", encoding="ascii")
        path.chmod(0o600)

    def try_password(opened, path):
        words = ["--port", opened.link_port, *opened.options()[:2], *opened.options()[4:]]
        return sightline("send", gates.CAMERA, *words, "--ssh-password-file", path, "--frames", 5)

    try_password(gate(None), secret).expect(5)
    opened = gate(None, "-o", f"gate_password_file={secret}")
    try_password(opened, wrong).expect(5)
    opened.viewer.wait_said("its password is wrong")
    try_password(opened, secret).end()


def test_message_that_never_ends(gate, camera, programs):
    opened = gate("reqrep", "-o", "max_message_size=1M")
    streaming = camera(opened, "reqrep")
    streaming.after(10)
    local, before = opened.forward(programs), opened.viewer.peak_memory()
    assert floods.flood_port(local, b"REQ"), "it was not cut off"
    opened.viewer.wait_said("did not end its message")
    assert opened.viewer.peak_memory() < before + floods.MOST / 4
    opened.viewer.after(opened.viewer.events.so_far()[-1]["frames"] + 60)
    assert streaming.next_stats()["reconnects"] == 0, "another camera's stream was ended"


def own_hosts(folder, lines):
    """A prefix for programs that are to have this file of hosts."""
    hosts = folder / "hosts"
    hosts.write_text("".join(line + "\n" for line in lines), encoding="ascii")
    mount = f'mount --bind {hosts} /etc/hosts && exec "$@"'
    prefix = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    if subprocess.run([*prefix, "true"], capture_output=True, timeout=allow(20)).returncode:
        pytest.skip("not permitted: a file of hosts of its own")
    return prefix


def test_name_with_several_addresses(folder, gate):
    lines = [f"127.0.0.{last} gate.example" for last in (1, 2, 2)] + ["192.0.2.1 gate.example"]
    opened = gate("pair", "--gate", "gate.example:0", prefix=own_hosts(folder, lines))
    for address in ("127.0.0.1", "127.0.0.2"):
        with socket.create_connection((address, opened.port), timeout=allow(20)) as client:
            assert client.recv(4) == b"SSH-", f"{address} is no gate"
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.3", opened.port), timeout=allow(20))


@pytest.mark.parametrize("place", ["x", "127.0.0.1", "[::1]", "::1:22", "1:65536"])
def test_places_that_are_none(place, plain):
    words = ["view", "--sink", "null", "--gate", place]
    plain(*words, seconds=10).expect(2).sentence("gate")


def test_gate_and_ipc(plain):
    words = ["view", "--sink", "null", "--gate", "0", "--protocol", "ipc", "--address", "/tmp/x"]
    plain(*words, seconds=10).expect(2).sentence("gate", "ipc")
