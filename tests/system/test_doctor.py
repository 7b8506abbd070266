"""`sightline doctor` names the right cause: one broken set-up a test, and sound ones."""

import json
import os
import socket
import subprocess
import threading

import pytest
from harness import gates
from harness.openssh import fingerprint, make_key, public_key
from harness.processes import command_path
from harness.ports import Listener, free_port
from harness.relay import Relay
from harness.waiting import allow

SSH_FIGURES = ["ssh round trip", "throughput", "clock"]
WAY = ["name", "route", "port", "ssh server", "host key", "log-in", "forwarding", "viewer", "round trip",
       *SSH_FIGURES]  # fmt: skip
OPENSSH = ["--ssh-backend", "openssh"]
both_backends = pytest.mark.parametrize("way", [[], OPENSSH], ids=["libssh", "openssh"])
DIRECT = ["name", "route", "port", "viewer", "round trip", "throughput", "clock"]
VIEWERS = ["name", "route", "port", "ssh server", "host key", "log-in", "forwarding", "listening",
           "reach", *SSH_FIGURES]  # fmt: skip


@pytest.fixture
def examine(plain):
    """Runs the doctor with JSON and gives (exit code, checks by name)."""

    def run(port, *words, pattern="pair", seconds=40):
        place = ["--address", "127.0.0.1", "--port", port, "--pattern", pattern]
        steps = WAY if "--ssh" in words else DIRECT
        return checks_of(plain, steps, [*place, *words], seconds)

    return run


@pytest.fixture
def examine_viewer(plain):
    """The same for a viewer, which has the server listen for everybody."""

    def run(*words, seconds=40):
        return checks_of(plain, VIEWERS, ["view", *words], seconds)

    return run


def checks_of(plain, steps, words, seconds=40):
    end, words = (words[:1], words[1:]) if words[0] == "view" else ([], words)
    doctor = plain("doctor", *end, "--json", *words, seconds=seconds, stdout=subprocess.PIPE)
    checks = [json.loads(line) for line in doctor.stdout.read().splitlines()]
    assert [check["name"] for check in checks] == steps, doctor.account()
    return doctor.wait(), {check["name"]: check for check in checks}


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
    (folder / "password").chmod(0o600)
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
    server, viewer = sshd(), view(None)
    doctor = plain("doctor", "0", "--port", viewer.port(), "--max-age", 200, *server.options(),
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
    blame(examine(port, *sshd().options(), *way), "viewer", 4, "nothing listens", port,
          "start the viewer", "--port")  # fmt: skip


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


def test_unix_socket_that_is_not_there(folder, plain):
    doctor = plain("doctor", "--protocol", "ipc", "--address", folder / "link")
    doctor.expect(4).sentence("no such file", folder / "link", "--address")


def test_viewer_with_another_pattern_without_a_tunnel(view, examine):
    blame(examine(view("pair").port(), pattern="pubsub"), "viewer", 8, "not pubsub",
          "give this end --pattern pair, or the viewer --pattern pubsub")  # fmt: skip


def test_host_that_no_way_leads_to():
    """In a network without any, on the way to an SSH server and to a viewer itself."""
    alone = ["unshare", "--map-root-user", "--net"]
    tried = subprocess.run([*alone, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        pytest.skip(f"unshare: {tried.stderr.strip()}")
    for words in (["--address", "192.0.2.7"], ["--ssh", "someone@192.0.2.7"]):
        doctor = [*alone, command_path(), "doctor", "--json", *words]
        done = subprocess.run(doctor, capture_output=True, text=True, timeout=40)
        checks = [json.loads(line) for line in done.stdout.splitlines()]
        blame((done.returncode, {check["name"]: check for check in checks}), "route", 4,
              "192.0.2.7", "unreachable")  # fmt: skip


def test_bad_news_is_told_once_at_a_terminal(environment):
    ours, theirs = os.openpty()
    doctor = [command_path(), "doctor", "--address", "127.0.0.1", "--port", str(free_port())]
    done = subprocess.run(doctor, stdout=theirs, stderr=subprocess.PIPE, env=environment,
                          timeout=allow(20))  # fmt: skip
    told = os.read(ours, 65536).decode()
    os.close(theirs), os.close(ours)
    assert done.returncode == 4 and done.stderr == b""
    assert told.count("nothing listens") == 1


def test_settings_that_make_no_sense(plain):
    doctor = plain("doctor", "--port", 0, stdout=subprocess.PIPE)
    assert doctor.wait() == 2 and not doctor.stdout.read()


@both_backends
def test_all_is_well_for_a_viewer(way, sshd, view, send, examine_viewer):
    server = sshd("GatewayPorts clientspecified")
    port = free_port()
    status, checks = examine_viewer(*server.options(), "--port", port, "--sink", "null", *way)
    assert status == 0
    figures = {"clock"} if not way else set(SSH_FIGURES)
    assert set(unknown(checks)) == {"reach", *figures}  # at a loopback address it proves nothing
    assert "127.0.0.1" in checks["route"]["text"] and "lo" in checks["route"]["text"]
    assert str(port) in checks["listening"]["text"]
    # It has left: a viewer gets the port, and a camera its viewer.
    viewer = view("pair", "--port", port, *server.options(), "--frames", 5)
    send("pattern:320x240@30", viewer.port(), "pair")
    viewer.expect(0)


@both_backends
def test_viewers_server_that_listens_for_itself_only(way, sshd, examine_viewer):
    server = sshd("GatewayPorts no", start=False)
    server.addresses = ["127.0.0.2"]  # an address that a loopback listener doesn't answer at
    server.start()
    login = ["--ssh", server.destination("127.0.0.2"), "--ssh-key", server.key]
    pin = ["--ssh-host-key", fingerprint(server.host_key())]
    status, checks = examine_viewer(*login, *pin, *way)
    assert status == 0  # for who comes through the same server
    assert checks["reach"]["verdict"] == "limited"
    assert "GatewayPorts clientspecified" in checks["reach"]["text"]
    assert "--ssh" in checks["reach"]["text"]


def test_viewers_server_that_listens_where_it_was_asked(sshd, examine_viewer):
    status, checks = examine_viewer(*sshd().options(), "--address", "127.0.0.1", "--port", 0)
    assert status == 0 and checks["reach"]["verdict"] == "unknown", checks


@both_backends
@pytest.mark.parametrize("line", ["AllowTcpForwarding no", "PermitListen 9"])
def test_viewer_that_the_server_does_not_listen_for(line, way, sshd, examine_viewer):
    port = free_port()
    result = examine_viewer(*sshd(line).options(), "--port", port, *way)
    blame(result, "forwarding", 7, line.split()[0], "authorized_keys", port)


def held(port):
    return ["--address", "127.0.0.1", "--port", port, "-o", "ssh_connect_timeout=1"]


def test_viewers_port_that_another_viewer_holds(sshd, view, examine_viewer):
    server = sshd()
    viewer = view("reqrep", *server.options(), "--log", "info")
    result = examine_viewer(*server.options(), *held(viewer.port()))
    blame(result, "forwarding", 7, viewer.port(), "viewer with the pattern reqrep", "--port")
    assert "refused" not in viewer.stderr, viewer.account()


@both_backends
def test_viewers_port_that_a_dead_session_holds(way, started, sshd, view, examine_viewer):
    """As when a router forgets: what the server's kernel takes, nobody answers. Looked at it is no
    different from a program that is silent."""
    server = sshd()
    relay = Relay(server.port)
    started.callback(relay.close)
    login = ["--ssh", f"{server.user}@127.0.0.1:{relay.port}", "--ssh-key", server.key]
    pin = ["--ssh-host-key", fingerprint(server.host_key())]
    viewer = view("pair", *login, *pin)
    port = viewer.port()
    relay.forget_clients()
    viewer.kill()
    result = examine_viewer(*server.options(), *held(port), *way)
    blame(result, "forwarding", 7, port, "says nothing", "dead session", "ClientAliveInterval")


@pytest.mark.parametrize("answer, words", [
    (b"220 ready\r\n", ["another program", "220 ready"]),
    (b"", ["ends connections without a word", "no viewer"]),
])  # fmt: skip
def test_viewers_port_that_another_program_holds(answer, words, sshd, examine_viewer, listener):
    taken = listener(answer)
    taken.serve()
    result = examine_viewer(*sshd().options(), *held(taken.port))
    blame(result, "forwarding", 7, taken.port, *words)
    assert "dead" not in result[1]["forwarding"]["text"]


def test_viewers_port_that_another_program_holds_over_ipv4_alone(sshd, examine_viewer, listener):
    taken = listener(b"220 ready\r\n")
    taken.serve()
    result = examine_viewer(*sshd().options(), "--port", taken.port)
    blame(result, "forwarding", 7, taken.port, "another program", "220 ready")


def test_viewers_port_whose_holder_can_not_be_seen(sshd, examine_viewer, listener):
    """Its server listens, and leads nowhere."""
    taken = listener(b"").port
    result = examine_viewer(*sshd("AllowTcpForwarding remote").options(), *held(taken))
    blame(result, "forwarding", 7, taken, "does not allow to listen", "or the port is in use")


def test_viewer_whose_key_is_not_let_in(folder, sshd, examine_viewer):
    server, other = sshd(), make_key(folder / "other")
    result = examine_viewer("--ssh", server.destination(), "--ssh-key", other, *server.trust())
    blame(result, "log-in", 5, "publickey", server.user)


def test_viewer_of_this_machine(plain):
    holder = socket.create_server(("127.0.0.1", 0))
    place = ["view", "--address", "127.0.0.1", "--port", holder.getsockname()[1]]
    status, checks = checks_of(plain, ["listening"], place)
    assert status == 1 and "in use" in checks["listening"]["text"]
    several = ["-o", "multiserver_mode=true", "--pattern", "pubsub"]
    ports = f"{free_port()},{place[-1]},{free_port()}"
    status, checks = ports_of(plain, [*place[:-1], ports, *several])
    assert status == 1 and [check["verdict"] for check in checks] == ["good", "bad", "good"]
    holder.close()
    rest = "--sink null --every-frame --timecode --timeout 3 --frames 5 --pattern pubsub"
    assert checks_of(plain, ["listening"], [*place, *rest.split()])[0] == 0


def ports_of(plain, words):
    """(exit code, checks of each port)"""
    doctor = plain("doctor", *words, "--json", stdout=subprocess.PIPE)
    checks = [json.loads(line) for line in doctor.stdout.read().splitlines()]
    return doctor.wait(), [check for check in checks if check["name"] == "listening"]


@pytest.mark.parametrize("place, verdicts, way", [
    (0, ["skipped", "good"], []), (1, ["good", "bad"], []), (1, ["good", "bad"], OPENSSH),
])  # fmt: skip
def test_viewer_with_several_ports(place, verdicts, way, sshd, plain, listener):
    """One is held, wherever it stands among them."""
    taken = listener(b"")
    taken.serve()
    ports = [free_port()]
    ports.insert(place, taken.port)
    several = ["-o", "multiserver_mode=true", "--pattern", "pubsub"]
    words = [*held(",".join(map(str, ports))), *several, *sshd().options(), *way]
    status, checks = ports_of(plain, ["view", *words])
    assert status == 7
    assert [check["verdict"] for check in checks] == verdicts
    assert str(ports[1]) in checks[1]["text"], checks


@pytest.mark.parametrize(
    "words", [["view", "--gate", "0"], ["--log", "info", "view"], ["send", "--sink", "null"]]
)
def test_words_that_the_doctor_does_not_take(words, plain):
    doctor = plain("doctor", *words, stdout=subprocess.PIPE)
    assert doctor.wait() == 2 and not doctor.stdout.read()


def test_whole_line_that_sends(view, plain):
    doctor = plain("doctor", "send", "0", "--port", view(None).port(), stdout=subprocess.PIPE)
    assert doctor.wait() == 0, doctor.account()
