"""Frames of the library as numpy arrays, and arrays as frames: the same memory, never a copy. And
the JSON values that go with them."""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy
import numpy.typing

from sightline.library import check, ffi, lib, logger, process, text

Array = numpy.typing.NDArray[Any]


@functools.lru_cache(maxsize=64)
def _dtype(name: bytes) -> numpy.dtype[Any]:
    return numpy.dtype(name.decode("ascii"))


def new_slot() -> Any:
    """Where the library puts a frame for us: an `sl_frame **`."""
    return ffi.new("sl_frame **")


def to_array(slot: Any) -> Array:
    """The array that a frame is. The reference in the slot goes with the array, and is given back
    when nothing looks at its memory any more; unless that is in a forked process, since it isn't
    that one's."""

    def give_back(
        _memory: Any,
        slot: Any = slot,
        library: Any = lib,
        now: Any = process,
        forks: int = process.forks,
    ) -> None:
        if now.forks == forks:
            library.sl_frame_unref(slot)

    frame = slot[0]
    size = frame.size
    shape = tuple(frame.shape[0 : frame.dimensions])
    dtype = _dtype(ffi.string(frame.dtype))
    if size == 0:
        give_back(None)
        return numpy.empty(shape, dtype)
    memory = ffi.gc(frame.planes[0], give_back, size)
    return numpy.ndarray(shape, dtype, ffi.buffer(memory, size))


def to_json(value: Any) -> bytes:
    """TypeError or ValueError for what is not JSON."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError:
        raise ValueError("what is to travel with a frame is nested too deep for JSON") from None


def _from_json(pointer: Any) -> Any:
    """The value of a text that the library has checked; None for one too deep or long for Python."""
    words = text(pointer)
    try:
        return None if words is None else json.loads(words)
    except (ValueError, RecursionError) as problem:
        logger.warning("a message was dropped: %s", problem)
        return None


def message_of(slot: Any) -> Any:
    """What came with a frame; None: nothing."""
    return _from_json(slot[0].message)


def port_of(slot: Any) -> Any:
    """The port by which who sent the frame calls itself."""
    return _from_json(slot[0].port)


def to_data(slot: Any) -> Any:
    """What was returned: an array, or a JSON value. Takes the reference in the slot."""
    if slot[0].format != lib.SL_FORMAT_NONE:
        return to_array(slot)
    value = message_of(slot)
    lib.sl_frame_unref(slot)
    return value


@functools.lru_cache(maxsize=64)
def _name(dtype: numpy.dtype[Any]) -> bytes:
    return str(dtype).encode()


def copy_of(array: Array) -> Any:
    """A frame in a slot, of the library's own memory: what is in the array now."""
    array = numpy.ascontiguousarray(array)
    slot = new_slot()
    check(lib.sl_frame_new_array(slot, _name(array.dtype), array.ndim, array.shape))
    ffi.memmove(slot[0].planes[0], ffi.from_buffer(array), array.nbytes)
    return slot


class Copy:
    """What a Loan is, of a copy: the array itself may be written to at once."""

    def __init__(self, array: Array):
        self.slot = copy_of(array)

    def wait(self, _timeout_ms: int) -> int:
        lib.sl_frame_unref(self.slot)
        return int(lib.SL_OK)

    def end(self) -> None:
        lib.sl_frame_unref(self.slot)


class Loan:
    """A contiguous array whose memory the library has for a while, as a frame in a slot."""

    _late: list[Loan] = []  # waited for no longer: what the library still has must stay alive

    def __init__(self, array: Array):
        if Loan._late:
            Loan._late = [loan for loan in Loan._late if loan.wait(0) != lib.SL_OK]
        self._memory = ffi.from_buffer(array)
        self.slot = new_slot()
        code = lib.sl_frame_wrap_array(
            self.slot,
            _name(array.dtype),
            array.ndim,
            array.shape,
            self._memory,
            ffi.NULL,
            ffi.NULL,
        )
        check(code)

    def wait(self, timeout_ms: int) -> int:
        """SL_OK once the library needs the memory no more, so that it may be written to; the slot
        is empty then."""
        code: int = lib.sl_frame_wait(self.slot[0], ffi.NULL, timeout_ms)
        if code == lib.SL_OK:
            lib.sl_frame_unref(self.slot)
        return code

    def end(self) -> None:
        """Nobody waits any longer."""
        if self.slot[0] and self.wait(0) != lib.SL_OK:
            Loan._late.append(self)
