"""What the command refuses before it does anything: exit 2, one sentence each. And its help."""

import os
import re
import subprocess

import pytest

VIEW = ["view", "--port", "0", "--sink", "null"]
SEND = ["send", "pattern:", "--port", "9"]
PAIR = ["--pattern", "pair"]

REFUSED = {
    "no command": ([], None),
    "unknown command": (["watch"], "watch"),
    "mistyped command": (["veiw"], "mean view?"),
    "unknown option": ([*VIEW, "--colour"], "--colour"),
    "mistyped option": ([*SEND, "--qualty", "80"], "mean --quality?"),
    "mistyped setting": ([*SEND, "-o", "max_rat=1"], "mean max_rate?"),
    "rate in no unit": ([*SEND, "--max-rate", "2M"], "at least 0 kbit/s, not"),
    "smoothness out of range": ([*VIEW, "--smooth", "2001"], "from 0 to 2000 ms, not"),
    "mistyped option with its value": ([*SEND, "--qualty=80"], "mean --quality?"),
    "viewer's option at a camera": ([*SEND, "--smooth", "50"], "sightline view has it"),
    "camera's option at a viewer": ([*VIEW, "--max-rate=200"], "sightline send has it"),
    "key spelled like an option": ([*SEND, "--video-codec", "hevc"], "-o video_codec="),
    "sender's option for one destination": (
        [*SEND, "--to", "a,max_rate=200"], "the same for all destinations"),
    "option in the place of a value": (["view", "--gate", "--sink", "null"], "--gate=--sink"),
    "key that can't be read": ([*SEND, "--ssh", "a", "--ssh-key", "/nowhere/key"], "/nowhere/key"),
    "key without a tunnel": ([*SEND, "--ssh-key", "/dev/null"], "--ssh-key"),
    "backend without a tunnel": ([*VIEW, "--ssh-backend", "openssh"], "--ssh-backend"),
    "time-out without a tunnel": ([*SEND, "-o", "ssh_connect_timeout=3"], "ssh_connect_timeout"),
    "persisting without a tunnel": ([*SEND, "--persist"], "--persist"),
    "persisting viewer without a tunnel": ([*VIEW, "--persist"], "--persist"),
    "key without a tunnel at any destination": ([*SEND, "--to", "a", "--ssh-key", "k"], "--ssh-key"),
    "quality of raw frames": ([*SEND, *PAIR, "--raw", "--quality", "80"], "--quality"),
    "transform of raw frames": (
        [*SEND, *PAIR, "-o", "jpeg_compression=false", "-o", "jpeg_compression_fastdct=true"],
        "fastdct"),
    "raw frames in live": ([*SEND, "--raw"], "--raw"),
    "raw frames in live, by NetGear's name": ([*SEND, "-o", "jpeg_compression=no"], "--pattern"),
    "quality of live video": ([*SEND, "--quality", "80"], "--jpeg"),
    "JPEG and another codec": ([*SEND, "--jpeg", "-o", "video_codec=hevc"], "contradict"),
    "message in live": ([*SEND, "--message", "1"], "--pattern pair"),
    "rate in lockstep": ([*SEND, *PAIR, "--max-rate", "200"], "--pattern live"),
    "least quality of raw frames": (
        [*SEND, *PAIR, "--raw", "--min-quality", "80"], "--min-quality"),
    "least quality of no JPEG": ([*SEND, "--min-quality", "80"], "--min-quality"),
    "goal that nobody answers": (
        [*SEND, "--pattern", "pubsub", "--min-fps", "20"], "--min-fps"),
    "name with a quote": ([*SEND, "--name", 'a"b'], "quotes"),
    "name that nobody hears": ([*SEND, *PAIR, "--name", "door"], "--pattern live"),
    "goal of raw frames": ([*SEND, *PAIR, "--raw", "--max-age", "80"], "--max-age"),
    "least quality too low": ([*SEND, *PAIR, "--min-quality", "9"], "10"),
    "token of no page": ([*VIEW, "-o", "web_token=abcdefgh"], "--web"),
    "seconds before nothing": ([*VIEW, "--record", "d", "--record-before", "5"], "--web"),
    "segments of nothing": ([*VIEW, "--record-segment", "5m"], "--record"),
    "keeping nothing": ([*VIEW, "--keep", "5d"], "--record"),
    "page at no port": ([*VIEW, "--web", "there"], "web"),
    "every frame in lockstep": ([*VIEW, *PAIR, "--every-frame"], "--every-frame"),
    "even frames in lockstep": ([*VIEW, *PAIR, "--smooth", "50"], "--smooth"),
    "every frame in live": ([*VIEW, "--every-frame"], "--pattern pubsub"),
    "threads for live": ([*VIEW, "-o", "decoder_threads=2"], "decoder_threads"),
    "limit of no gate": ([*VIEW, "-o", "gate_login_timeout=3"], "gate_login_timeout"),
    "limit of pubsub in lockstep": (
        [*VIEW, *PAIR, "-o", "subscriber_timeout=3"], "subscriber_timeout"),
    "limit of a viewer at a camera": (
        [*SEND, "--pattern", "pubsub", "-o", "subscriber_timeout=3"], "subscriber_timeout"),
    "time for replies that never come": (
        [*SEND, "--pattern", "pubsub", "-o", "request_timeout=5"], "request_timeout"),
    "time for replies in live": ([*SEND, "-o", "request_timeout=5"], "--pattern pair"),
    "retries in live": ([*VIEW, "-o", "max_retries=2"], "--pattern pair"),
    "retries where nothing is repeated": (
        [*VIEW, "--pattern", "pubsub", "-o", "max_retries=2"], "max_retries"),
    "name of one among one": ([*SEND, "-o", 'port_text="a"'], "port_text"),
    "certificates for nothing": ([*VIEW, "--cert-location", "/tmp"], "cert-location"),
    "key of no SSH server": ([*SEND, "--to", "a,key=/nowhere/key"], "ssh="),
    "unknown short option": ([*VIEW, "-Z"], "-Z"),
    "option without its value": (["view", "--port"], "port"),
    "word too many": ([*SEND, "another"], "another"),
    "word too many for view": ([*VIEW, "another"], "another"),
    "port out of range": (["view", "--port", "65536"], "65535"),
    "port that is no number": (["view", "--port", "many"], "port"),
    "negative port": (["view", "--port", "-1"], "port"),
    "sender without a port": (["send", "pattern:", "--port", "0"], "port"),
    "unknown pattern": (["view", "--pattern", "circle"], "pattern"),
    "unknown protocol": (["view", "--protocol", "udp"], "protocol"),
    "unknown sink": (["view", "--port", "0", "--sink", "printer"], "printer"),
    "quality too low": ([*SEND, "--quality", "9"], "10"),
    "quality too high": ([*SEND, "--quality", "101"], "100"),
    "malformed size": ([*SEND, "--size", "640"], "size"),
    "size of nothing": ([*SEND, "--size", "0x0"], "size"),
    "negative rate": ([*SEND, "--fps", "-5"], "fps"),
    "rate that is no number": ([*SEND, "--fps", "fast"], "fps"),
    "no frames": ([*SEND, "--frames", "0"], "frames"),
    "negative duration": ([*SEND, "--duration", "-1"], "duration"),
    "negative timeout": ([*VIEW, "--timeout", "-1"], "timeout"),
    "unknown key": ([*VIEW, "-o", "colour=red"], "colour"),
    "key without a value": ([*VIEW, "-o", "request_timeout"], "request_timeout"),
    "value out of range": ([*SEND, "-o", "request_timeout=3"], "request_timeout"),
    "negative retries": ([*SEND, "-o", "max_retries=-2"], "max_retries"),
    "unknown colour space": ([*SEND, "-o", "jpeg_compression=PURPLE"], "jpeg_compression"),
    "quality by name": ([*SEND, "-o", "jpeg_compression_quality=5"], "jpeg_compression_quality"),
    "unknown host key policy": ([*SEND, "-o", "ssh_host_key_policy=any"], "ssh_host_key_policy"),
    "destination without a host": ([*SEND, "--ssh", "user@"], "ssh"),
    "destination without a user": ([*SEND, "--ssh", "@host"], "ssh"),
    "destination with a bad port": ([*SEND, "--ssh", "user@host:port"], "port"),
    "destination with port 0": ([*SEND, "--ssh", "user@host:0"], "port"),
    "destination with a huge port": ([*SEND, "--ssh", "user@host:70000"], "port"),
    "destination with a space": ([*SEND, "--ssh", "user@my host"], "ssh"),
    "destination with an open bracket": ([*SEND, "--ssh", "user@[::1"], "ipv6"),
    "empty destination": ([*SEND, "--ssh", ""], "ssh"),
    "no destination": ([*SEND, "--to", ""], "address"),
    "destination with a bad port of the link": ([*SEND, "--to", "a:0"], "65535"),
    "destination with an unknown option": ([*SEND, "--to", "a,colour=red"], "colour"),
    "destination with an option without a value": ([*SEND, "--to", "a,key"], "key"),
    "destination given twice": ([*SEND, "--to", "a", "--to", "a:9"], "twice"),
    "destination through nowhere": ([*SEND, "--to", "a", "--to", "b,ssh=user@"], '"b"'),
    "to and address": ([*SEND, "--to", "a", "--address", "b"], "address"),
    "message that is no JSON": ([*SEND, *PAIR, "--message", "hello"], "json"),
    "live for one of several": ([*SEND, "--to", "a,pattern=pair", "--to", "b"], "--pattern"),
    "returned value that is no JSON": (
        [*VIEW, "-o", "bidirectional_mode=true", "--return", "{"], "json"),
    "returned value one way": ([*VIEW, "--return", "1"], "bidirectional_mode"),
    "value and picture": ([*VIEW, "--return", "1", "--return-picture", "x"], "contradict"),
    "both ways without a way back": (
        [*SEND, "--pattern", "pubsub", "-o", "bidirectional_mode=true"], "bidirectional_mode"),
    "both ways at a viewer that never replies": (
        [*VIEW, "--pattern", "pubsub", "-o", "bidirectional_mode=true"], "bidirectional_mode"),
    "both ways without a way back, and without a source": (
        ["send", "/nowhere/film", "--port", "9", "--pattern", "2", "-o", "bidirectional_mode=true"],
        "bidirectional_mode"),
    "both ways in live": ([*SEND, "-o", "bidirectional_mode=true"], "pair and reqrep"),
    "several senders in pair, and no sink": (
        ["view", *PAIR, "--sink", "file:/nowhere/film.mkv", "-o", "multiserver_mode=true"],
        "multiserver_mode"),
    "several senders in live": ([*VIEW, "-o", "multiserver_mode=true"], "--pattern"),
    "raw and jpeg": ([*SEND, "--raw", "--jpeg"], "raw"),
    "option of the other end": ([*VIEW, "--loop"], "loop"),
    "unknown log level": ([*VIEW, "--log", "loud"], "loud"),
    "malformed pattern source": (["send", "pattern:640", "--port", "9"], "pattern"),
    "configuration that is missing": ([*VIEW, "--config", "/nowhere/file"], "/nowhere/file"),
    "configuration without end": ([*VIEW, "--config", "/dev/full"], "/dev/full"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, plain):
    words, wanted = REFUSED[name]
    refused = plain(*words, seconds=10)
    refused.expect(2)
    assert len(refused.sentences()) == 1, f"not one sentence\n{refused.account()}"
    refused.sentence(*([wanted] if wanted else []))


def test_what_does_nothing_may_stand_in_the_configuration_file(folder, plain):
    """It is for both ends, with a tunnel and without."""
    path = folder / "both.conf"
    path.write_text("persist = true\nevery_frame = true\nssh_connect_timeout = 3\n"
                    "jpeg_compression_quality = 80\n", encoding="ascii")  # fmt: skip
    viewer = plain(*VIEW, "--address", "127.0.0.1", "--config", path, "--timeout", "0.1")
    viewer.expect(9)
    plain(*VIEW, "--address", "127.0.0.1", "-o", "persist=no", "--timeout", "0.1").expect(9)


@pytest.mark.parametrize("option", ["flag=0", "copy=true", "track=no"])
def test_what_netgear_hands_on_is_taken_with_a_warning(option, plain):
    """Of a script that is carried over; whatever isn't of its kind is a mistake all the same."""
    words = [*VIEW, "--address", "127.0.0.1", "--timeout", "0.1"]
    taken = plain(*words, "-o", option).expect(9)
    assert any("no effect" in line for line in taken.sentences()), taken.account()
    plain(*words, "-o", f"{option.split('=')[0]}=maybe").expect(2).sentence(option.split("=")[0])


def read(process):
    return process.stdout.read().decode()


def test_version(plain):
    shown = plain("--version", stdout=subprocess.PIPE).expect(0)
    assert re.match(r"sightline \d+\.\d+", read(shown))
    assert not shown.stderr


@pytest.mark.parametrize("words", [["help"], ["--help"]])
def test_help_names_every_command(words, plain):
    text = read(plain(*words, stdout=subprocess.PIPE).expect(0))
    for command in ("send", "view", "cameras", "doctor", "pair", "keys", "help"):
        assert command in text


@pytest.mark.parametrize("words", [["help", "send"], ["send", "--help"]])
def test_help_of_the_sender(words, plain):
    text = read(plain(*words, stdout=subprocess.PIPE).expect(0))
    for option in ("--address", "--ssh-host-key", "--quality", "--loop", "--filter", "--stats"):
        assert option in text
    for key in ("request_timeout", "jpeg_compression_fastdct", "ssh_tunnel_mode"):
        assert key in text, "options by name are in the help too"
    assert text.count("(default live)") == 2, "of --pattern and of its name"


@pytest.mark.parametrize("words", [["help", "view"], ["view", "--help"]])
def test_help_of_the_viewer(words, plain):
    text = read(plain(*words, stdout=subprocess.PIPE).expect(0))
    for option in ("--sink", "--timecode", "--timeout", "--every-frame", "--frames"):
        assert option in text


@pytest.mark.parametrize("end, own, others", [("view", "--sink", "--fps"), ("send", "--fps", "--sink")])
def test_help_of_the_doctor_of_an_end(end, own, others, plain):
    text = read(plain("doctor", end, "--help", stdout=subprocess.PIPE).expect(0))
    assert text.startswith("Usage: sightline doctor ")
    assert "--json" in text and own in text and others not in text


def test_help_of_nothing(plain):
    plain("help", "watch").expect(2).sentence("watch")


def test_port_in_use(view):
    port = view("pair").port()
    second = view("pair", "--address", "127.0.0.1", "--port", port)
    assert second.wait() in (1, 2), second.account()
    second.sentence(port, "use")


def test_address_that_is_not_ours(sightline):
    viewer = sightline("view", "--address", "192.0.2.1", "--port", 5555, "--sink", "null")
    assert viewer.wait() in (1, 2), viewer.account()
    viewer.sentence("192.0.2.1")


def test_configuration_file(folder, sightline, send):
    path = folder / "viewer.conf"
    text = "# A comment\naddress = 127.0.0.1\npattern = pair\n\nport = 0\n"
    path.write_text(text, encoding="ascii")
    viewer = sightline("view", "--config", path, "--sink", "null")
    send("pattern:320x240@60", viewer.port(), "pair", "--frames", 10).end()
    assert viewer.end()["pattern"] == "pair"


def test_option_beats_the_configuration_file(folder, sightline):
    path = folder / "viewer.conf"
    path.write_text("address = 127.0.0.1\npattern = pair\nport = 0\n", encoding="ascii")
    words = ["view", "--config", path, "--pattern", "pubsub", "--sink", "null", "--timeout", "1"]
    assert sightline(*words).end(9)["pattern"] == "pubsub"


def test_mistake_in_the_configuration_file(folder, plain):
    path = folder / "viewer.conf"
    path.write_text("pattern = pair\ncolour = red\n", encoding="ascii")
    plain(*VIEW, "--config", path).expect(2).sentence(path, "2", "colour")


def test_line_of_the_configuration_file_that_is_none(folder, plain):
    path = folder / "viewer.conf"
    path.write_bytes(b"\x9b2J" + b"z" * 1000)
    refused = plain(*VIEW, "--config", path).expect(2)
    refused.sentence(path, "?2Jzzz")
    assert "z" * 50 not in refused.stderr


def test_figures_into_a_pipe_without_a_reader(folder, plain):
    path = folder / "figures"
    os.mkfifo(path)
    refused = plain(*VIEW, "--stats", str(path), seconds=10)
    refused.expect(1).sentence(path, "nobody reads")


def test_figures_into_a_pipe_with_a_reader(folder, plain):
    path = folder / "figures"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    plain(*VIEW, "--address", "127.0.0.1", "--timeout", "1", "--stats", str(path)).expect(9)
    with open(reader, "rb") as figures:
        assert b'"event":"end"' in figures.read()
