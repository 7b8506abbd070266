"""NetGear's exclusive modes in the Python module."""

import contextlib
import time

import numpy
import pytest
from harness import ports
from harness.gears import NetGear, aside, pair

BOTH_WAYS = {"bidirectional_mode": True}
FRAME = numpy.full((48, 64, 3), 50, numpy.uint8)

VALUES = [
    "text", "", "ünï 🎥", 0, -7, 2**53, 1.5, True, False, [], [1, [2, {"three": None}]],
    {"a": {"b": [1.25, "c"]}}, {}, "x" * (1 << 20),
]  # fmt: skip


def answers(here, there, message=None, back=None):
    """Sends frames until what `there` gives back has come; what both have got."""
    with aside(there.recv, back) as got:
        first = here.send(FRAME, message)
    with aside(there.recv, back):
        second = here.send(FRAME)
    return got[0], first if first is not None else second


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("pattern", [0, 1])
def test_any_json_value_both_ways(pattern, value):
    with pair(pattern, **BOTH_WAYS) as (here, there):
        (message, frame), back = answers(here, there, value, value)
    assert message == value and type(message) is type(value)
    assert back == value and type(back) is type(value)
    assert frame.shape == FRAME.shape


def test_nothing_both_ways():
    with pair(**BOTH_WAYS) as (here, there):
        (message, frame), back = answers(here, there)
    assert message is None and back is None and frame.shape == FRAME.shape


@pytest.mark.parametrize("dtype, shape", [("float32", (2, 3)), (">u2", (4,)), ("bool", (1, 2, 3))])
def test_raw_arrays_back(dtype, shape):
    data = numpy.arange(numpy.prod(shape)).reshape(shape).astype(dtype)
    with pair(jpeg_compression=False, **BOTH_WAYS) as (here, there):
        _, back = answers(here, there, None, data)
    assert back.dtype == data.dtype and numpy.array_equal(back, data)


@pytest.mark.parametrize("colorspace", ["BGR", "GRAY"])
def test_pictures_back(colorspace):
    data = FRAME if colorspace == "BGR" else FRAME[:, :, 0]
    with pair(at_sender={"jpeg_compression": True}, **BOTH_WAYS) as (here, there):
        _, back = answers(here, there, None, data)
    assert back.shape == data.shape and abs(back.astype(int) - 50).max() <= 2


def test_return_data_stays_until_it_is_replaced():
    """And is that of the moment in which it was given."""
    data = numpy.zeros(3)
    with pair(jpeg_compression=False, **BOTH_WAYS) as (here, there):
        answers(here, there, None, data)
        data[:] = 9
        for _ in range(3):
            with aside(there.recv):
                assert numpy.array_equal(here.send(FRAME), numpy.zeros(3))
        answers(here, there, None, "new")
        with aside(there.recv):
            assert here.send(FRAME) == "new"


def test_what_is_not_json(caplog):
    with pair(**BOTH_WAYS) as (here, there):
        with pytest.raises(TypeError):
            here.send(FRAME, {1, 2})
        with pytest.raises(ValueError):
            here.send(FRAME, float("nan"))
        with pytest.raises(TypeError):
            there.recv({1, 2})
        for beyond_64_bits in (2**63, -(2**63) - 1):
            with pytest.raises(ValueError, match="integer"):
                here.send(FRAME, beyond_64_bits)
            with pytest.raises(ValueError, match="integer"):
                there.recv([beyond_64_bits])
        assert answers(here, there, "still there")[0][0] == "still there"
    with pair() as (here, there):
        here.send(FRAME, "nobody sees this")
        assert there.recv("nor this").shape == FRAME.shape
    assert "return_data was dropped" in caplog.text


def shade(number):
    return numpy.full((48, 64, 3), 50 * number, numpy.uint8)


def number_of(frame):
    return round(frame.mean() / 50)


def send_on(camera, frame, message=None):
    """Sends until the camera is closed."""
    with contextlib.suppress(RuntimeError):
        while True:
            camera.send(frame, message)
            time.sleep(0.005)


def take_all(viewer, back):
    while viewer.recv(back) is not None:
        pass


@contextlib.contextmanager
def cameras(mode, places, **options):
    """One for each port, that sends; gives what closes them."""
    with contextlib.ExitStack() as closed:
        running = closed.enter_context(contextlib.ExitStack())
        made = []
        for number, place in enumerate(places):
            made.append(NetGear("127.0.0.1", place, **mode, **options))
            running.enter_context(aside(send_on, made[-1], shade(number), f"of {number}"))
            running.callback(made[-1].close)
        yield made


@pytest.mark.parametrize("kind", [int, str])
@pytest.mark.parametrize("pattern", [1, 2])
def test_several_cameras_at_one_viewer(pattern, kind):
    """It says whose a frame is, by the port as its camera gave it, and ends with the last one."""
    places = [kind(port) for port in ports.free_ports()]
    mode = {"pattern": pattern, "multiserver_mode": True}
    with NetGear("127.0.0.1", places, receive_mode=True, **mode) as there:
        seen = {}
        with cameras(mode, places) as made:
            while len(seen) < 3:
                port, message, frame = there.recv(timeout=20)
                seen[port] = number_of(frame)
                assert message == f"of {number_of(frame)}"
            with aside(list, there) as rest:
                for camera in made:
                    camera.close()
        assert rest and there.recv() is None
    assert seen == {place: number for number, place in enumerate(places)}
    assert {type(port) for port in seen} == {kind}


def test_several_cameras_without_messages_both_ways():
    places = ports.free_ports(2)
    mode = {"pattern": 1, "multiserver_mode": True, **BOTH_WAYS}
    with NetGear("127.0.0.1", places, receive_mode=True, **mode) as there:
        with NetGear("127.0.0.1", places[1], **mode) as here:
            with aside(there.recv, ["back"]) as got:
                here.send(FRAME)
            assert got[0][0] == places[1] and got[0][1].shape == FRAME.shape
            with aside(there.recv):
                assert here.send(FRAME, {"seen": True}) == ["back"]


@pytest.mark.parametrize("tunneled", [False, True])
def test_several_viewers_of_one_camera_in_turns(tunneled, sshd):
    """With reqrep each frame goes to one, which says by its port who it is; NetGear has no tunnel
    for that."""
    way = {}
    if tunneled:
        server = sshd()
        way = {
            "ssh_tunnel_mode": server.destination(),
            "ssh_tunnel_keyfile": str(server.key),
            "ssh_known_hosts": str(server.known_hosts),
        }
    places = [ports.free_port(), str(ports.free_port()), ports.free_port()]
    mode = {"pattern": 1, "multiclient_mode": True}
    with contextlib.ExitStack() as ends:
        viewers = [
            ends.enter_context(NetGear("127.0.0.1", place, receive_mode=True, **mode))
            for place in places
        ]
        camera = NetGear("127.0.0.1", places, **mode, **way)
        for viewer, place in zip(viewers, places):
            ends.enter_context(aside(take_all, viewer, f"data of {place}"))
        ends.callback(camera.close)
        seen = {}
        while len(seen) < 3 or None in seen.values():
            seen.update([camera.send(FRAME) or (None, "")])
            seen.pop(None, None)
    assert seen == {place: f"data of {place}" for place in places}


def test_several_viewers_of_one_camera_all_at_once():
    places = ports.free_ports()
    mode = {"pattern": 2, "multiclient_mode": True}
    with contextlib.ExitStack() as ends:
        viewers = [
            ends.enter_context(NetGear("127.0.0.1", place, receive_mode=True, **mode))
            for place in places
        ]
        camera = ends.enter_context(NetGear("127.0.0.1", places, **mode))
        left = set(viewers)
        while left:
            assert camera.send(FRAME) is None
            for viewer in list(left):
                with contextlib.suppress(TimeoutError):
                    assert viewer.recv(timeout=0.01).shape == FRAME.shape
                    left.discard(viewer)
        camera.close()
        assert [viewer.recv(timeout=5) is None or list(viewer) == [] for viewer in viewers]
