"""Frames of the library as numpy arrays, and arrays as frames: the same memory, never a copy. And
the JSON values that go with them."""

from __future__ import annotations

import functools
import json
import threading
from typing import Any

import numpy
import numpy.typing

from sightline.library import check, ffi, lib, logger, text

Array = numpy.typing.NDArray[Any]


@functools.lru_cache(maxsize=64)
def _dtype(name: bytes) -> numpy.dtype[Any]:
    return numpy.dtype(name.decode("ascii"))


def new_slot() -> Any:
    """Where the library puts a frame for us: an `sl_frame **`."""
    return ffi.new("sl_frame **")


def to_array(slot: Any) -> Array:
    """The array that a frame is. The reference in the slot goes with the array, and is given back
    when nothing looks at its memory any more."""

    def give_back(_memory: Any, slot: Any = slot, library: Any = lib) -> None:
        library.sl_frame_unref(slot)

    frame = slot[0]
    shape = tuple(frame.shape[0 : frame.dimensions])
    dtype = _dtype(ffi.string(frame.dtype))
    if frame.size == 0:
        give_back(None)
        return numpy.empty(shape, dtype)
    memory = ffi.gc(frame.planes[0], give_back, frame.size)
    return numpy.ndarray(shape, dtype, ffi.buffer(memory, frame.size))


def to_json(value: Any) -> bytes:
    """TypeError or ValueError for what is not JSON."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


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


class Loan:
    """An array whose memory the library has for a while."""

    _all: set["Loan"] = set()  # what the library has now must stay alive

    def __init__(self, array: Array):
        self._array = array
        self._handle = ffi.new_handle(self)
        self._out = threading.Lock()
        self.slot = new_slot()
        self._lend()

    def _lend(self) -> None:
        array = self._array
        address = ffi.cast("void *", array.__array_interface__["data"][0])
        self._out.acquire()
        Loan._all.add(self)
        code = lib.sl_frame_wrap_array(
            self.slot,
            str(array.dtype).encode(),
            array.ndim,
            array.shape,
            address,
            _end,
            self._handle,
        )
        if code < 0:
            self.end()
            check(code)

    def give(self) -> None:
        """Gives our own reference up: from now on only the library has it."""
        lib.sl_frame_unref(self.slot)

    def wait(self, seconds: float) -> bool:
        """Until the library needs the memory no more, so that it may be written to."""
        return self._out.acquire(timeout=seconds)

    def end(self) -> None:
        Loan._all.discard(self)
        self._out.release()


@ffi.callback("void(void *, void *)")
def _end(opaque: Any, _data: Any) -> None:
    ffi.from_handle(opaque).end()
