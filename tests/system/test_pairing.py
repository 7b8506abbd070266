"""Pairing: one line that a viewer prints and a camera is given, and what becomes of it."""

import fcntl
import json
import os
import re
import struct
import subprocess
import termios
import time

import numpy
import pytest
from harness.openssh import fingerprint, make_key, public_key
from harness.ports import free_port
from harness.processes import Process, command_path
from harness.waiting import allow

SOURCE = "pattern:320x240@60"
STATE = ("state", "sightline")
OLD_SECONDS = 601


def make_home(path):
    for name in ("", "config", "state", "run"):
        (path / name).mkdir(mode=0o700)
    return path


@pytest.fixture
def camera_home(folder):
    """The folders of the camera's user, who is another one than the viewer's."""
    return make_home(folder / "camera")


@pytest.fixture
def camera(sightline, camera_home):
    """Starts a sender as the camera's user, or another with a home of its own."""

    def start(*words, command="send", source=SOURCE, home=camera_home, **channels):
        if not home.exists():
            make_home(home)
        extra = {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_RUNTIME_DIR": str(home / "run"),
        }
        return sightline(command, source, *words, extra=extra, **channels)

    return start


@pytest.fixture
def gate(view):
    """Starts a viewer with a gate, on a port that stays the same."""
    port = free_port()

    def start(*words, pattern=None, listen=f"127.0.0.1:{port}"):
        viewer = view(pattern, "--gate", listen, "--log", "info", *words)
        viewer.ready()
        return viewer

    return start


@pytest.fixture
def pair(plain):
    """Runs `sightline pair`; what it wrote to standard output."""

    def run(*words, code=0):
        ran = plain("pair", *words, stdout=subprocess.PIPE).expect(code)
        run.said = ran
        return ran.stdout.read().decode().rstrip("\n")

    return run


def check_arrived(viewer):
    """The newest wins, so that a busy machine may skip some frames at the viewer."""
    assert viewer.end()["frames"] > 0, viewer.account()


def authorized(home):
    return home / "config" / "sightline" / "authorized_keys"


def invitations(home):
    return sorted(path.name for path in home.joinpath(*STATE, "invitations").iterdir())


@pytest.mark.sanitized
def test_from_zero_to_the_first_frame(gate, pair, camera, home, camera_home):
    viewer = gate()
    line = pair()
    assert line.endswith(",5555,live")
    camera("--join", line, "--frames", 5).end()
    check_arrived(viewer)
    for place in (authorized(home), camera_home.joinpath(*STATE, "camera_ed25519")):
        assert place.stat().st_mode & 0o777 == 0o600
    assert authorized(home).read_text(encoding="ascii").startswith("restrict,port-forwarding ssh-")
    viewer = gate()
    alone = camera("--frames", 5)
    alone.end()
    alone.wait_said("with which this camera was paired; --address HOST goes elsewhere")
    check_arrived(viewer)


def test_paired_viewer_that_is_not_there(gate, pair, camera):
    viewer = gate()
    camera("--join", pair(), "--frames", 5).end()
    viewer.end()
    camera("--frames", 5).expect(4).sentence("closed", "is `sightline view --gate")


def test_pairing_is_told_and_no_warning(view, pair, camera):
    viewer = view(None, "--gate", f"127.0.0.1:{free_port()}")
    viewer.wait_said("^sightline: nobody can log in yet: invite cameras")
    camera("--join", pair(), "--frames", 5).end()
    viewer.wait_said("^sightline: a new camera, .* was let in at")
    assert not any("info: " in line for line in viewer.sentences())


def test_pattern_and_port_come_with_the_line(gate, pair, camera):
    viewer = gate("--port", 6001, pattern="reqrep")
    camera("--join", pair(), "--frames", 5).end()
    assert viewer.end()["pattern"] == "reqrep"


def test_what_would_do_nothing_with_the_pattern_of_the_line(gate, pair, camera):
    gate()
    camera("--join", pair(), "--quality", 80).expect(2).sentence("--quality", "live")
    gate(listen="127.0.0.1:0", pattern="pair")
    camera("--join", pair(), "--max-rate", 200).expect(2).sentence("--max-rate", "live")


def test_raw_frames_to_who_invited(gate, pair, camera):
    viewer = gate(pattern="pair")
    camera("--join", pair(), "--raw", "--frames", 5).end()
    end = viewer.end()
    assert end["frames"] == 5 and end["bytes"] >= 5 * 320 * 240 * 3


def test_viewer_may_start_later(gate, pair, camera, home):
    port = free_port()
    line = pair("--gate", f"127.0.0.1:{port}")
    pair.said.wait_said("no gate is open here yet")
    viewer = gate(listen=f"127.0.0.1:{port}")
    camera("--join", line, "--frames", 5).end()
    check_arrived(viewer)
    assert invitations(home)[0].endswith(".used")


def test_host_as_the_camera_reaches_it(gate, pair, camera):
    viewer = gate()
    port = viewer.ready()["gate"].rpartition(":")[2]
    assert pair("--host", "viewer.example:2222").startswith("sightline:1,viewer.example:2222,SHA256:")
    assert pair("--host", "[::1]").startswith(f"sightline:1,[::1]:{port},")
    camera("--join", pair("--host", f"localhost:{port}"), "--frames", 5).end()


def test_configuration_file_and_settings_by_name(gate, pair, camera, home):
    keys, port = home / "cameras", free_port()
    path = home / "config" / "sightline" / "config"
    path.parent.mkdir(mode=0o700)
    settings = f"gate = 127.0.0.1:{port}\ngate_authorized_keys = {keys}\npattern = pubsub\n"
    path.write_text(settings, encoding="ascii")
    assert pair().endswith(",5555,pubsub")
    assert pair("-o", "port=7000").endswith(",7000,pubsub")
    viewer = gate(pattern="pubsub", listen=f"127.0.0.1:{port}")
    camera("--join", pair(), "--frames", 5).end()
    viewer.end()
    assert "paired" in pair("--list") and "paired" in keys.read_text(encoding="ascii")


def test_token_works_once(gate, pair, camera, home, folder):
    viewer = gate("--duration", 20)
    line = pair()
    first = camera("--join", line)
    first.ready()
    second = camera("--join", line, home=folder / "other")
    second.expect(5).sentence("was used already", "sightline pair")
    viewer.wait_said("is not let in: the invitation was used already")
    assert first.running() and viewer.running()
    assert len(authorized(home).read_text(encoding="ascii").splitlines()) == 1


def test_typed_again_by_who_has_joined(gate, pair, camera):
    viewer = gate()
    line = pair()
    camera("--join", line, "--frames", 5).end()
    viewer.end()
    viewer = gate()
    again = camera("--join", line, "--frames", 5)
    again.wait_said("was paired with that viewer before")
    assert again.end()["frames"] >= 5
    viewer.end()


def test_old_and_unknown_tokens(gate, pair, camera, home):
    viewer = gate()
    line = pair()
    path = home.joinpath(*STATE, "invitations", *invitations(home))
    then = time.time() - OLD_SECONDS
    os.utime(path, (then, then))
    camera("--join", line).expect(5).sentence("older than 10 minutes", "sightline pair")
    path.unlink()
    camera("--join", line).expect(5).sentence("not known", "sightline pair")
    viewer.wait_said("is not let in: the invitation is older than 10 minutes")
    assert not authorized(home).exists()


def test_host_key_of_another(gate, pair, camera, home, camera_home):
    gate()
    fields = pair().split(",")
    fields[2] = "SHA256:" + "A" * 43
    camera("--join", ",".join(fields)).expect(6).sentence("host key", "in between")
    assert not any(name.endswith(".used") for name in invitations(home))
    assert not camera_home.joinpath(*STATE, "viewer").exists()


def test_a_name_without_the_token(gate, pair, programs, home, folder):
    """Who calls itself invited, with a key that was not, learns no more than that."""
    viewer = gate()
    port = pair().split(",")[1].rpartition(":")[2]
    stranger = make_key(folder / "stranger")
    name = f"join:{public_key(stranger).split()[1]}"
    words = ["ssh", "-F", "none", "-i", stranger, "-o", "BatchMode=yes", "-N", "-o",
             "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={folder}/known",
             "-l", name, "-p", port, "127.0.0.1"]  # fmt: skip
    client = Process(words)
    programs.append(client)
    assert client.wait() == 255
    client.wait_said("the invitation is not known here")
    assert viewer.running() and not authorized(home).exists()


def test_lines_that_are_none(plain):
    for line in ("hello", "sightline:1,h:22,SHA256:x,y"):
        plain("send", SOURCE, "--join", line, seconds=10).expect(2).sentence("sightline:")


def test_join_beside_another_place(plain, home):
    words = ["send", SOURCE, "--join", "sightline:1,x"]
    plain(*words, "--ssh", "host", seconds=10).expect(2).sentence("--join")
    plain(*words, "--address", "host", seconds=10).expect(2).sentence("--join")
    plain(*words, "--to", "host", seconds=10).expect(2).sentence("--join")
    plain(*words, "--ssh-jump", "host", seconds=10).expect(2).sentence("--join", "jump")


def test_explicit_place_wins(gate, pair, camera, view):
    viewer = gate()
    camera("--join", pair(), "--frames", 5).end()
    viewer.end()
    other = view(None)
    camera("--address", "127.0.0.1", "--port", other.port(), "--frames", 5).end()
    check_arrived(other)
    other = view(None)
    camera("--to", f"127.0.0.1:{other.port()}", "--frames", 5).end()
    check_arrived(other)


def test_doctor_walks_to_the_paired_viewer(gate, pair, camera):
    gate()
    streaming = camera("--join", pair(), "--pattern", "pubsub")
    streaming.wait_said("paired with")
    streaming.kill()
    examined = camera(command="doctor", events=False)
    examined.expect(0)


def test_list(pair, home, folder):
    assert pair("--list") == ""
    pair.said.sentence("no camera", "invite")
    keys = [make_key(folder / name) for name in ("porch", "yard")]
    lines = [public_key(key).rsplit(" ", 1)[0] for key in keys]
    text = f"# cameras\n{lines[0]} porch paired\nfrom=\"*\" {lines[1]} yard\n"
    authorized(home).write_text(text, encoding="ascii")
    said = pair("--list")
    assert fingerprint(keys[0]) in said and "porch" in said and "from" in said
    listed = json.loads(pair("--list", "--json"))["cameras"]
    assert [camera["problem"] is None for camera in listed] == [True, False]
    assert listed[0]["name"] == "porch paired" and listed[0]["fingerprint"] == fingerprint(keys[0])


def test_revoke_cuts_off(gate, pair, camera, home):
    viewer = gate()
    streaming = camera("--join", pair())
    streaming.after(5)
    name = json.loads(pair("--list", "--json"))["cameras"][0]["name"]
    pair("--revoke", name.split()[0])
    streaming.expect(5)
    viewer.wait_said("may not stay")
    assert viewer.running()
    assert authorized(home).read_text(encoding="ascii") == ""
    camera().expect(5)


def test_revoke_by_the_name_that_the_camera_gave(gate, pair, camera):
    gate(pattern="pair")
    camera("--join", pair(), "--name", "porch", "--frames", 5).end()
    assert " porch paired " in pair("--list")
    pair("--revoke", "porch")
    assert pair("--list") == ""


def test_revoke_one_of_two(gate, pair, camera, home, folder):
    gate()
    streaming = camera("--join", pair())
    streaming.after(5)
    other = make_key(folder / "other")
    before = authorized(home).read_text(encoding="ascii")
    authorized(home).write_text(f"# mine\n{before}{public_key(other)}", encoding="ascii")
    pair("--revoke", fingerprint(other))
    assert authorized(home).read_text(encoding="ascii") == f"# mine\n{before}"
    streaming.after(streaming.next_stats()["frames"] + 30)
    assert pair("--revoke", "nobody", code=2) == ""
    pair.said.sentence("nobody", "--list")


def test_revoke_of_a_name_that_several_have(pair, home, folder):
    authorized(home).parent.mkdir(mode=0o700)
    lines = [public_key(make_key(folder / name)).rsplit(" ", 1)[0] for name in ("a", "b")]
    authorized(home).write_text("".join(f"{line} porch\n" for line in lines), encoding="ascii")
    pair("--revoke", "porch", code=2)
    pair.said.sentence("several", "fingerprint")
    assert len(authorized(home).read_text(encoding="ascii").splitlines()) == 2


def test_a_viewer_that_was_killed_is_not_believed(gate, pair):
    viewer = gate()
    assert pair().startswith("sightline:")
    viewer.kill()
    pair(code=2)
    pair.said.sentence("no gate of this user is open", "--gate")


def test_usage(gate, pair):
    gate()
    for words in (["--list", "--revoke", "x"], ["--json"], ["--host", "a b"], ["--gate", "x"],
                  ["--host", "user@host"], ["extra"]):  # fmt: skip
        assert pair(*words, code=2) == ""
        pair.said.sentence()


def read_terminal(words, environment):
    """What a command writes to a terminal, whose other end is read to its end."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
    running = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=slave,
                               stderr=subprocess.DEVNULL)  # fmt: skip
    os.close(slave)
    text = b""
    with open(master, "rb", buffering=0) as terminal:
        try:
            while piece := terminal.read(4096):
                text += piece
        except OSError:
            pass  # the other end is closed
    assert running.wait(allow(10)) == 0
    return text.decode()


def read_code(rows):
    """What a QR code of half blocks says."""
    pyzbar = pytest.importorskip("pyzbar.pyzbar", reason="python3-pyzbar is not installed")
    halves = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
    pixels = [[halves[letter][half] for letter in row] for row in rows for half in (0, 1)]
    picture = numpy.kron(numpy.array(pixels, numpy.uint8) * 255, numpy.ones((8, 8), numpy.uint8))
    found = pyzbar.decode((picture.tobytes(), picture.shape[1], picture.shape[0]))
    return found[0].data.decode() if found else None


def test_code_in_a_terminal(gate, pair, environment):
    gate()
    assert "█" not in pair(), "a pipe gets the line alone"
    lines = read_terminal([command_path(), "pair"], environment).split("\r\n")
    rows = [re.sub("\x1b\\[[0-9;]*m", "", line) for line in lines if "█" in line or "▀" in line]
    typed = re.fullmatch("sightline send 0 --join '(sightline:1,.*)'", lines[0])
    assert typed and len(rows) > 20
    assert read_code(rows) == typed.group(1)
    assert max(map(len, rows)) <= 80

