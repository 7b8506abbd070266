"""`sightline doctor` names the right cause: one broken set-up a test, and sound ones."""

import json
import socket
import subprocess
import threading

import pytest
from harness import gates
from harness.openssh import fingerprint, make_key, public_key
from harness.ports import Listener, free_port
from harness.relay import Relay
from harness.waiting import allow

SSH_FIGURES = ["ssh round trip", "throughput", "clock"]
WAY = ["name", "port", "ssh server", "host key", "log-in", "forwarding", "viewer", "round trip",
       *SSH_FIGURES]  # fmt: skip
OPENSSH = ["--ssh-backend", "openssh"]
both_backends = pytest.mark.parametrize("way", [[], OPENSSH], ids=["libssh", "openssh"])
DIRECT = ["name", "port", "viewer", "round trip", "throughput", "clock"]


@pytest.fixture
def examine(plain):
    """Runs the doctor with JSON and gives (exit code, checks by name)."""

    def run(port, *words, pattern="pair", seconds=40):
        place = ["--address", "127.0.0.1", "--port", port, "--pattern", pattern]
        doctor = plain(
            "doctor", "--json", *place, *words, seconds=seconds, stdout=subprocess.PIPE
        )
        checks = [json.loads(line) for line in doctor.stdout.read().splitlines()]
        names = [check["name"] for check in checks]
        assert names == (WAY if "--ssh" in words else DIRECT), doctor.account()
        return doctor.wait(), {check["name"]: check for check in checks}

    return run


def blame(result, step, code, *words):
    """The step is the one that is bad: good ones before it, none looked at after it."""
    status, checks = result
    verdicts = [check["verdict"] for check in checks.values()]
    at = list(checks).index(step)
    expected = ["good"] * at + ["bad"] + ["skipped"] * (len(checks) - at - 1)
    assert verdicts == expected, checks
    assert status == code
    text = checks[step]["text"].lower()
    assert all(str(word).lower() in text for word in words), text


def unknown(checks):
    """The steps of a way that is good, which nobody tells of."""
    verdicts = {name: check["verdict"] for name, check in checks.items()}
    assert set(verdicts.values()) <= {"good", "unknown"}, checks
    assert all(check["value"] is None for check in checks.values() if not check["unit"])
    return [name for name, verdict in verdicts.items() if verdict == "unknown"]


@pytest.fixture
def listener(started):
    def make(answer):
        made = Listener(answer)
        started.callback(made.close)
        return made

    return make


@pytest.mark.parametrize("pattern", ["pair", "reqrep", "pubsub"])
@pytest.mark.sanitized
def test_all_is_well_through_a_tunnel(pattern, sshd, view, send, examine):
    server, viewer = sshd(), view(pattern)
    status, checks = examine(viewer.port(), *server.options(), pattern=pattern)
    assert status == 0
    assert unknown(checks) == ["clock"], checks  # an sshd doesn't tell it
    for name, unit in [("round trip", "ms"), ("ssh round trip", "ms"), ("throughput", "Mbit/s")]:
        assert checks[name]["value"] > 0 and checks[name]["unit"] == unit
    assert "SHA256:" in checks["host key"]["text"]
    assert "OpenSSH" in checks["ssh server"]["text"]
    assert "publickey" in checks["log-in"]["text"]
    # It was no sender: the viewer goes on waiting, and has room for one.
    sender = send("pattern:320x240@30", viewer.port(), pattern, "--frames", 5)
    sender.expect(0)
    viewer.expect(0)


def test_all_is_well_through_the_users_ssh(sshd, view, examine):
    server, viewer = sshd(), view("pair")
    status, checks = examine(viewer.port(), *server.options(), *OPENSSH)
    assert status == 0 and unknown(checks) == SSH_FIGURES, checks
    assert "127.0.0.1" in checks["name"]["text"] and "127.0.0.1" in checks["port"]["text"]
    assert "SHA256:" in checks["host key"]["text"]
    assert "OpenSSH" in checks["ssh server"]["text"]
    assert "publickey" in checks["log-in"]["text"]


def test_what_only_the_users_ssh_knows(folder, sshd, view, examine):
    """Behind a jump host of its configuration there is no address to be told."""
    jump, server, viewer = sshd(), sshd(), view("pair")
    config = folder / "config"
    lines = [*server.alias("gadget"), "ProxyJump middle", *jump.alias("middle")]
    config.write_text("\n".join(lines) + "\n", encoding="ascii")
    words = ["--ssh", "gadget", *OPENSSH, "-o", f"ssh_config={config}"]
    status, checks = examine(viewer.port(), *words)
    assert status == 0, checks
    assert "configuration" in checks["name"]["text"]
    assert checks["port"]["text"] == "there is a way to it"


def test_gate_tells_its_clock(folder, view, examine):
    gates.authorize(folder / "authorized", make_key(folder / "key"))
    place = ["--gate", "127.0.0.1:0", "--authorized-keys", folder / "authorized"]
    gate = gates.Gate(view("pair", *place), folder, folder / "key")
    status, checks = examine(gate.link_port, *gate.options())
    assert status == 0 and unknown(checks) == [], checks
    assert checks["clock"]["unit"] == "ms"
    assert abs(checks["clock"]["value"]) < 1000 * allow(5)  # it is this one's own


def test_slow_way_is_measured(started, sshd, view, examine):
    server, viewer = sshd(), view("pair")
    relay = Relay(server.port, bytes_per_second=250_000)
    started.callback(relay.close)
    login = ["--ssh", f"{server.user}@127.0.0.1:{relay.port}", "--ssh-key", server.key]
    pin = ["--ssh-host-key", fingerprint(server.host_key())]
    status, checks = examine(viewer.port(), *login, *pin)
    assert status == 0, checks
    # 2 Mbit/s, less what a busy machine makes of it, and what the relay's kernel takes at once.
    assert 0 < checks["throughput"]["value"] < 4, checks


def test_way_that_can_not_be_measured_is_good_all_the_same(folder, password_server, view, examine):
    server, viewer = password_server("secret", "mute"), view("pair")
    (folder / "password").write_text("secret\n", encoding="ascii")
    words = ["--ssh-password-file", folder / "password", "-o", "ssh_connect_timeout=1"]
    status, checks = examine(viewer.port(), *server.options(), *words)
    assert status == 0 and unknown(checks) == SSH_FIGURES, checks


def test_all_is_well_while_a_camera_streams(view, send, examine):
    viewer = view("pair")
    sender = send("pattern:320x240@30", viewer.port(), "pair", "--frames", 60)
    sender.event("ready")
    status, checks = examine(viewer.port())
    assert status == 0 and unknown(checks) == ["throughput", "clock"]
    assert sender.end()["reconnects"] == 0
    assert viewer.end()["frames"] == 60


def test_all_is_well_in_words(sshd, view, plain):
    server, viewer = sshd(), view("pair")
    doctor = plain("doctor", "0", "--port", viewer.port(), "--quality", 80, *server.options(),
                   stdout=subprocess.PIPE)  # fmt: skip
    assert doctor.wait() == 0, doctor.account()
    said = doctor.stdout.read().decode()
    assert said.count("✓") == len(WAY) - 1 and "✗" not in said
    assert "not known: this SSH server does not tell its clock" in said


@both_backends
def test_name_that_does_not_resolve(way, sshd, examine):
    words = ["--ssh", "someone@no-such-host.invalid", "--ssh-key", sshd(start=False).key, *way]
    blame(examine(free_port(), *words), "name", 4, "no-such-host.invalid")


@both_backends
def test_closed_port(way, sshd, examine):
    server = sshd(start=False)
    blame(examine(free_port(), *server.options(), *way), "port", 4, server.port, "refused")


def test_something_other_than_ssh(sshd, examine, listener):
    place = listener(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    answering = threading.Thread(target=lambda: place.serve_one().shutdown(socket.SHUT_WR))
    answering.start()
    words = ["--ssh", f"someone@127.0.0.1:{place.port}", "--ssh-key", sshd(start=False).key]
    blame(examine(free_port(), *words), "ssh server", 4, "something other than ssh")
    answering.join()


def test_server_that_says_nothing(sshd, examine, listener):
    place = listener(b"")
    words = ["--ssh", f"someone@127.0.0.1:{place.port}", "--ssh-key", sshd(start=False).key]
    result = examine(free_port(), *words, "-o", "ssh_connect_timeout=1")
    blame(result, "ssh server", 4, "says nothing")


@both_backends
def test_unknown_host_key(way, folder, sshd, examine):
    server, empty = sshd(), folder / "empty"
    empty.write_text("", encoding="ascii")
    words = ["--ssh", server.destination(), "--ssh-key", server.key, *way]
    result = examine(free_port(), *words, "-o", f"ssh_known_hosts={empty}")
    blame(result, "host key", 6, "SHA256:")


def test_changed_host_key(sshd, examine):
    server = sshd(start=False)
    server.new_host_keys()
    server.start()
    blame(examine(free_port(), *server.options()), "host key", 6, "changed")


@both_backends
def test_key_that_is_not_let_in(way, folder, sshd, examine):
    server, other = sshd(), make_key(folder / "other")
    words = ["--ssh", server.destination(), "--ssh-key", other, *server.trust(), *way]
    blame(examine(free_port(), *words), "log-in", 5, "publickey", server.user)


def test_key_with_wrong_permissions(sshd, examine):
    server = sshd()
    server.key.chmod(0o644)
    blame(examine(free_port(), *server.options()), "log-in", 5, server.key, "chmod 600")


@both_backends
def test_forwarding_switched_off(way, sshd, examine):
    server = sshd("AllowTcpForwarding no")
    result = examine(free_port(), *server.options(), *way)
    blame(result, "forwarding", 7, "AllowTcpForwarding")


def test_destination_not_permitted(sshd, examine):
    server = sshd("PermitOpen 127.0.0.1:9")
    blame(examine(free_port(), *server.options()), "forwarding", 7, "PermitOpen")


def test_key_restricted_by_its_owner(sshd, examine):
    server = sshd()
    server.authorized.write_text(f"restrict {public_key(server.key)}\n", encoding="ascii")
    blame(examine(free_port(), *server.options()), "forwarding", 7, "authorized_keys")


@both_backends
def test_nobody_listens_at_the_far_end(way, sshd, examine):
    port = free_port()
    blame(examine(port, *sshd().options(), *way), "viewer", 4, "nothing listens", port)


def test_viewer_with_another_pattern(sshd, view, examine):
    viewer = view("pubsub")
    result = examine(viewer.port(), *sshd().options(), pattern="reqrep")
    blame(result, "viewer", 8, "pubsub", "reqrep", "--pattern")


def test_far_end_that_is_no_viewer(sshd, examine):
    server = sshd()  # another one, and not a viewer
    blame(examine(server.port, *server.options()), "viewer", 8, "SSH-2.0")


def test_nobody_listens_without_a_tunnel(examine):
    port = free_port()
    blame(examine(port), "port", 4, port, "refused")


def test_viewer_with_another_pattern_without_a_tunnel(view, examine):
    blame(examine(view("pair").port(), pattern="pubsub"), "viewer", 8, "pair", "pubsub")


def test_settings_that_make_no_sense(plain):
    doctor = plain("doctor", "--port", 0, stdout=subprocess.PIPE)
    assert doctor.wait() == 2 and not doctor.stdout.read()
