"""NetGear's options in the Python module: what is wrong is ignored with a warning each time, what
excludes itself is refused, and certificates are taken as NetGear leaves them."""

import stat

import numpy
import pytest
from harness import certificates, gears, netgear, ports
from harness.gears import NetGear, pair, receiver, sender

RAW = {"jpeg_compression": False}
FRAME = numpy.zeros((48, 64, 3), numpy.uint8)

WRONG = [
    {"multiserver_mode": "yes"},
    {"multiclient_mode": 1},
    {"bidirectional_mode": None},
    {"secure_mode": 3},
    {"secure_mode": "2"},
    {"custom_cert_location": 5},
    {"overwrite_cert": "true"},
    {"ssh_tunnel_mode": 22},
    {"ssh_tunnel_pwd": 1234},
    {"ssh_tunnel_keyfile": "/no/such/key"},
    {"jpeg_compression": "purple"},
    {"jpeg_compression_quality": 5},
    {"jpeg_compression_quality": "good"},
    {"jpeg_compression_fastdct": 1},
    {"jpeg_compression_fastupsample": 0},
    {"max_retries": -1},
    {"request_timeout": 3},
    {"subscriber_timeout": 0},
    {"flag": "x"},
    {"copy": 1},
    {"track": 1},
    {"sucure_mode": 2},
    {"nothing_like_it": 2},
]


@pytest.fixture
def home(home, monkeypatch):
    """This process works in a home of the test's own."""
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_wrong_options_are_ignored_with_a_warning_each_time(wrong, caplog):
    """The link works as it would without them."""
    name, value = next(iter(wrong.items()))
    with pair(at_sender=wrong) as (here, there):
        here.send(FRAME)
        assert there.recv().shape == FRAME.shape
        first = [line for line in caplog.messages if name in line]
        assert len(first) == 1, caplog.messages
        if name == "ssh_tunnel_pwd":
            assert str(value) not in first[0]
        with sender(there.stats.port, **wrong):
            assert len([line for line in caplog.messages if name in line]) == 2


@pytest.mark.parametrize(
    "name, beyond, nearest",
    [
        ("max_retries", 10**10, "2147483647"),
        ("request_timeout", float("inf"), "2147483647"),
        ("request_timeout", 10**400, "2147483647"),
        ("subscriber_timeout", 1e12, "2147483647"),
        ("subscriber_timeout", 0.0001, "0.001"),
    ],
)
def test_numbers_beyond_what_can_be_counted_become_the_nearest(name, beyond, nearest, caplog):
    with sender(ports.free_port(), **{name: beyond}):
        assert [line for line in caplog.messages if f"{name} is {nearest}:" in line]


@pytest.mark.parametrize("address", ["localhost ", "127.0.0.1\0.example", ""])
def test_addresses_that_are_none(address):
    with pytest.raises(RuntimeError, match="address"):
        NetGear(address, 5555)


def test_a_mistyped_secure_mode_says_that_nothing_is_encrypted(caplog):
    with sender(ports.free_port(), secure_mode="1"):
        assert "NOT ENCRYPTED" in caplog.text


def test_wrong_places(caplog):
    with NetGear("127.0.0.1", 0, protocol="udp", pattern=7, receive_mode=True) as there:
        with NetGear("127.0.0.1", str(there.stats.port)) as here:
            here.send(FRAME)
            assert there.recv() is not None
    assert "protocol" in caplog.text and "pattern" in caplog.text


def test_good_options_say_nothing(caplog, folder):
    key = folder / "key"
    key.touch()
    good = dict(
        multiserver_mode=False, multiclient_mode=False, bidirectional_mode=False, secure_mode=0,
        custom_cert_location=str(folder), overwrite_cert=False, ssh_tunnel_keyfile=str(key),
        ssh_tunnel_pwd="unused", jpeg_compression=" gray ", jpeg_compression_quality=55.5,
        jpeg_compression_fastdct=False, jpeg_compression_fastupsample=True, max_retries=0,
        request_timeout=5, subscriber_timeout=3, flag=1, copy=True, track=True,
    )  # fmt: skip
    with receiver(2, **{**good, "ssh_tunnel_mode": "x@y"}) as there:
        assert [line for line in caplog.messages if "ssh_tunnel_mode" not in line] == []
        caplog.clear()
        del good["ssh_tunnel_keyfile"], good["ssh_tunnel_pwd"]
        with sender(there.stats.port, 2, **good):
            assert caplog.messages == []


@pytest.mark.parametrize(
    "pattern, options, words",
    [
        (0, {"multiserver_mode": True}, "multiserver_mode needs pattern 1 or 2"),
        (0, {"multiclient_mode": True}, "multiclient_mode needs pattern 1 or 2"),
        (2, {"bidirectional_mode": True}, "bidirectional_mode needs pattern 0 or 1"),
        (1, {"multiserver_mode": True, "multiclient_mode": True}, "exclude each other"),
        (1, {"multiserver_mode": True, "receive_mode": True}, "list of ports"),
        (1, {"multiserver_mode": True, "port": None}, "port of its own"),
        (1, {"multiclient_mode": True}, "list of ports"),
        (1, {"multiclient_mode": True, "receive_mode": True, "port": None}, "port of its own"),
    ],
)
def test_combinations_that_are_refused(pattern, options, words):
    with pytest.raises(ValueError, match=words):
        NetGear("127.0.0.1", **{"port": "5555", "pattern": pattern, **options})


def test_own_options_are_not_tolerated():
    """They are no NetGear's, so no script relies on them."""
    with pytest.raises(ValueError, match="ssh_host_key_policy"):
        NetGear(pattern=2, ssh_host_key_policy="whatever")


def test_locations_of_certificates(folder):
    with pytest.raises(AssertionError, match="no folder"):
        NetGear(pattern=2, custom_cert_location=str(folder / "nowhere"))


@pytest.mark.parametrize("mode", [1, 2])
def test_certificates_as_netgear_leaves_them(mode, folder, caplog, peer):
    """Its secret files are open to everybody, which is mended with a warning."""
    place = certificates.Location(folder).make()
    secrets = sorted(place.private.iterdir())
    for path in secrets:
        path.chmod(0o644)
    options = {"secure_mode": mode, "custom_cert_location": str(folder)}
    with pair(**options) as (here, there):
        here.send(FRAME)
        assert there.recv() is not None
    with receiver(**options) as there:
        camera = peer(
            netgear.Sender(f"tcp://127.0.0.1:{there.stats.port}", "reqrep",
                           security=certificates.Camera(place))
        )
        with gears.aside(camera.send, FRAME, "BGR"):
            assert there.recv().shape == FRAME.shape
    assert [stat.S_IMODE(path.stat().st_mode) for path in secrets] == [0o600, 0o600]
    assert len([line for line in caplog.messages if "only you" in line]) == 2


def test_certificates_behind_links_are_left_alone(folder):
    place = certificates.Location(folder).make()
    secret = place.private / "server.key_secret"
    away = secret.rename(folder / "elsewhere")
    away.chmod(0o644)
    secret.symlink_to(away)
    with pytest.raises(RuntimeError, match="server.key_secret"):
        NetGear("127.0.0.1", port=0, receive_mode=True, secure_mode=1,
                custom_cert_location=str(folder))  # fmt: skip
    assert stat.S_IMODE(away.stat().st_mode) == 0o644


def test_nothing_starts_without_certificates(home):
    """NetGear would make some unasked, which the other end does not know."""
    for receive_mode, file in ((True, "server.key_secret"), (False, "client.key_secret")):
        with pytest.raises(RuntimeError, match=file):
            NetGear("127.0.0.1", port=0 if receive_mode else 5555, receive_mode=receive_mode,
                    secure_mode=1)  # fmt: skip
    assert not (home / ".vidgear").exists()


def test_new_certificates_on_request(home, caplog):
    place = certificates.Location(home).make()
    before = (place.private / "client.key_secret").read_text(encoding="ascii")
    with sender(ports.free_port(), secure_mode=1, overwrite_cert=True):
        assert before != (place.private / "client.key_secret").read_text(encoding="ascii")
    with receiver(secure_mode=1, overwrite_cert=True):
        assert "overwrite_cert was ignored" in caplog.text


def test_a_plain_end_gets_nothing_from_a_secure_one(home):
    certificates.Location(home).make()
    with receiver(secure_mode=1) as there, sender(there.stats.port, 1) as here:
        with pytest.raises(RuntimeError, match="same secure_mode"):
            here.send(FRAME)
        assert there.stats.frames == 0
