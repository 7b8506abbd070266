"""The two ends of a link: what a NetGear does once its options are read.

Any thread may call them, and close() ends what other threads wait for. One that is already inside
a call of the same end, such as a signal handler, doesn't wait for itself.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy

from sightline.frames import Array, Copy, Loan, copy_of, new_slot, to_json
from sightline.gears.stats import Stats, read_stats
from sightline.library import (
    Error,
    Settings,
    check,
    check_unless_again,
    ffi,
    lib,
    logger,
    patiently,
    sentence,
)

_STUCK_S = 0.8  # that a receiver over pubsub may take to make room
_MARGIN_S = 0.5  # beyond the time that the library itself gives a reply


class _End:
    """An open sl_sender or sl_receiver."""

    def __init__(self, settings: Settings):
        kind = settings.kind
        self._closed = "this NetGear is closed"
        self._make_locks()
        self._stats = getattr(lib, f"sl_{kind}_stats")
        self._close = getattr(lib, f"sl_{kind}_close")
        self._slot = ffi.new(f"sl_{kind} **")
        self._closing = False
        code = getattr(lib, f"sl_{kind}_open")(self._slot, settings.struct)
        if code == lib.SL_EUNREACHABLE and settings.struct.tunnel.destination != ffi.NULL:
            raise AssertionError(sentence())  # as NetGear has it for SSH alone
        check(code)
        self._last = self.stats

    def _make_locks(self) -> None:
        self._turn = threading.RLock()  # held by who sends or receives
        self._look = threading.RLock()  # held while figures are read, and when it closes

    def forsake(self) -> None:
        """Leaves what is open to the process that this one was forked from."""
        self._closed = "this NetGear was opened before fork(), and is the other process's"
        self._closing = True
        self._slot = ffi.new(ffi.typeof(self._slot))
        self._make_locks()

    @property
    def stats(self) -> Stats:
        stats = ffi.new("sl_stats *")
        with self._look:
            if self._slot[0] != ffi.NULL:
                self._stats(self._slot[0], stats)
                self._last = read_stats(stats)
            return self._last

    def close(self) -> None:
        self._closing = True
        with self._turn:
            if self._slot[0] == ffi.NULL:
                return
            try:
                self._finish()
            finally:
                self._last = self.stats
                with self._look:
                    self._close(self._slot)

    def _call(self, function: Any, *arguments: Any) -> int:
        """Calls the library about this end, which may have been closed meanwhile."""
        if self._slot[0] == ffi.NULL:
            return int(lib.SL_EEND)
        return int(function(self._slot[0], *arguments))

    def _finish(self) -> None:
        """What is to be done before it closes."""


class Sender(_End):
    def __init__(self, settings: Settings):
        link = settings.struct.link
        self._newest_wins = link.pattern == lib.SL_PATTERN_PUBSUB
        # Raw over pubsub: while a receiver is slow the library has the pixels, and nobody waits.
        self._lend: type[Copy] | type[Loan] = (
            Copy if self._newest_wins and not settings.struct.codec.jpeg else Loan
        )
        self._patience_s = link.request_timeout_s
        self._most = link.max_retries
        self._tunneled = settings.struct.tunnel.destination != ffi.NULL
        self._unanswered = 0
        super().__init__(settings)

    def send(self, array: Array, message: bytes | None) -> bool:
        """Sends an array, which may be written to again when this returns, with a JSON text. False
        if it was not taken, for want of a receiver that has room."""
        with self._turn:
            if self._closing:
                raise Error(lib.SL_EEND, self._closed)
            loan = self._lend(array)
            try:
                if message is not None:
                    check(lib.sl_frame_set_message(loan.slot[0], message))
                code = self._put(loan.slot[0])
                if code == lib.SL_OK:
                    self._unanswered = 0
                    patiently(_STUCK_S if self._newest_wins else self._patience_s, loan.wait)
                    return True
            finally:
                loan.end()
            if code == lib.SL_EAGAIN:
                self._note_unanswered()
                return False
            if code == lib.SL_EEND:
                raise Error(lib.SL_EEND, self._closed)
            raise Error(code, sentence())

    def returned(self) -> Any:
        """What the receiver has answered to the last frame, in a slot; None: nothing, or nothing in
        time."""
        slot = new_slot()
        with self._turn:
            check_unless_again(self._flush())
            code = self._call(lib.sl_sender_returned, slot)
            return slot if check_unless_again(code) else None

    def _flush(self) -> int:
        return patiently(self._patience_s + _MARGIN_S, self._call, lib.sl_sender_flush)

    def _put(self, frame: Any) -> int:
        """Over pubsub nobody waits for a receiver that isn't there."""
        patience_s = self._patience_s
        if self._newest_wins:
            there = self._call(lib.sl_sender_wait, 0) == lib.SL_OK
            patience_s = _STUCK_S if there else 0
        return patiently(patience_s, self._send_unless_closing, frame)

    def _send_unless_closing(self, frame: Any, timeout_ms: int) -> int:
        if self._closing:
            return int(lib.SL_EEND)
        return self._call(lib.sl_sender_send, frame, timeout_ms)

    def _note_unanswered(self) -> None:
        """The library counts what a receiver leaves unanswered; here it counts that there is none.
        A tunnel that is being set up again is waited for as long as it takes."""
        stats = self.stats
        if self._newest_wins or stats.connected or (self._tunneled and stats.tunnel != "up"):
            return
        self._unanswered += 1
        logger.warning("there was no receiver within %g s", self._patience_s)
        if self._unanswered == self._most:
            raise Error(
                lib.SL_ETIMEOUT,
                f"there was no receiver {self._most} times in a row, {self._patience_s:g} s each; "
                "see whether it runs, and at this address and port",
            )

    def _finish(self) -> None:
        """What was taken is still delivered, if somebody is there."""
        if self.stats.connected:
            self._flush()
        lib.sl_sender_finish(self._slot[0])


class Receiver(_End):
    def give_back(self, value: Any) -> None:
        """What every reply carries from now on: an array, of which a copy is made, since the
        program may go on writing to it; or what JSON can say."""
        if not isinstance(value, numpy.ndarray):
            self._set_returned(to_json(value), ffi.NULL)
            return
        slot = copy_of(value)
        try:
            self._set_returned(ffi.NULL, slot[0])
        finally:
            lib.sl_frame_unref(slot)

    def _set_returned(self, json: Any, frame: Any) -> None:
        with self._look:  # nobody may close it meanwhile, and somebody may be receiving
            code = self._call(lib.sl_receiver_return, json, frame)
        if code != lib.SL_EEND:
            check(code)

    def recv(self, seconds: float | None) -> Any:
        """The next frame, in a slot; None at the end of the stream. TimeoutError when none came
        within `seconds` (None: for ever)."""
        slot = new_slot()
        with self._turn:
            code = patiently(seconds, self._take, slot)
        if code == lib.SL_EAGAIN:
            raise TimeoutError(f"no frame came within {seconds:g} s")
        if code == lib.SL_ETIMEOUT:
            logger.critical("%s", sentence())
        if code in (lib.SL_EEND, lib.SL_ETIMEOUT):
            return None
        check(code)
        return slot

    def _take(self, slot: Any, timeout_ms: int) -> int:
        if self._closing:
            return int(lib.SL_EEND)
        return self._call(lib.sl_receiver_recv, slot, timeout_ms)
