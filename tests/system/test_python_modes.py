"""NetGear's exclusive modes in the Python module."""

import contextlib

import numpy
import pytest
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
        assert answers(here, there, None, "new")[1] in ("new", None)
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
        assert answers(here, there, "still there")[0][0] == "still there"
    with pair() as (here, there):
        here.send(FRAME, "nobody sees this")
        assert there.recv("nor this").shape == FRAME.shape
    assert "return_data was dropped" in caplog.text
