"""NetGear: frames from one end to the other, with vidgear's constructor and calls."""

from __future__ import annotations

from typing import Any, Iterator, Sequence

import numpy

from sightline.frames import Array, port_of, to_data, to_json
from sightline.gears import certificates
from sightline.gears.ends import Receiver, Sender
from sightline.gears.modes import Modes
from sightline.gears.options import HALF_OPEN, ignored, read_options, set_others
from sightline.gears.stats import Stats
from sightline.library import Closing, Error, Settings, lib, logger, start_log


_SIDE_MAX = 65535  # pixels: what a JPEG can hold


def _read_pattern(pattern: Any) -> int:
    if isinstance(pattern, int) and 0 <= pattern <= 2:
        return int(pattern)
    ignored("pattern", pattern, "0, 1 or 2", "it is 0")
    return 0


def _set_place(settings: Settings, address: Any, port: Any, protocol: Any) -> None:
    if protocol in ("tcp", "ipc"):
        settings.set("protocol", protocol)
    elif protocol is not None:
        ignored("protocol", protocol, "tcp or ipc", "it is tcp")
    if address is not None:
        settings.set("address", address)
    if isinstance(port, (list, tuple)):
        settings.set("ports", ",".join(str(one) for one in port))
    elif port is not None:
        settings.set("port", port)


def _nearest(settings: Settings, name: str, value: float) -> float:
    """NetGear's own ranges have an end at one side alone."""
    least, most = settings.range(name)
    nearest = min(max(value, least), most)
    if nearest != value:
        logger.warning("the option %s is %.15g: it can't be %r", name, nearest, value)
    return nearest


def _set_known(settings: Settings, known: dict[str, Any]) -> None:
    location = known.get("custom_cert_location")
    if location is not None:
        certificates.check_location(location)
    if known.get("secure_mode"):
        certificates.close_to_others(location)
    for name, value in {"max_retries": 3, **known}.items():
        settings.set(name, _nearest(settings, name, value) if name in HALF_OPEN else value)


def _jpeg_channels(compression: bool | str) -> int:
    """Of the pixels that become JPEGs; 0: none do."""
    if isinstance(compression, str):
        return 1 if compression == "GRAY" else len(compression)
    return 3 if compression else 0


def _as_raised(error: Error) -> Exception:
    """What the library does not take is a ValueError, as what Python does not."""
    return ValueError(str(error)) if error.code == lib.SL_EINVAL else error


class NetGear(Closing):
    """One end of a link: the camera's, which sends, or with `receive_mode` the viewer's.

    Constructor, options, calls, return values and exceptions are those of vidgear's NetGear 0.3;
    options of Sightline's own go beside them by their names, such as `ssh_host_key_policy`,
    `every_frame` and `timecode`. Wrong options are ignored with a warning in the log, those of
    Sightline's own raise ValueError. It can be used as a context manager, and a receiver as an
    iterator.
    """

    def __init__(
        self,
        address: str | None = None,
        port: str | int | Sequence[str | int] | None = None,
        protocol: str | None = None,
        pattern: int = 0,
        receive_mode: bool = False,
        logging: bool = False,
        **options: Any,
    ):
        start_log(logging is True)
        self._receive_mode = bool(receive_mode)
        pattern = _read_pattern(pattern)
        known, others = read_options(options, self._receive_mode)
        self._modes = Modes(known, pattern, self._receive_mode)
        self._modes.check_port(port)
        settings = Settings("receiver" if self._receive_mode else "sender")
        settings.set("pattern", pattern)
        _set_place(settings, address, port, protocol)
        self._modes.say_port(settings, port)
        _set_known(settings, known)
        set_others(settings, others)
        self._jpeg_channels = _jpeg_channels(known.get("jpeg_compression", True))
        self._end: Any = (Receiver if self._receive_mode else Sender)(settings)
        self.close_at_exit()
        doing = "receiving at" if self._receive_mode else "sending to"
        logger.info("%s port %d with pattern %d", doing, self.stats.port, pattern)

    def send(self, frame: Array, message: Any = None) -> Any:
        """Sends an array; it may be written to again when this returns. `message` is anything that
        JSON can say. Returns in bidirectional mode the receiver's data, in multi-client mode (its
        port, its data); else None, as when the frame could not be delivered in time. RuntimeError
        when that happened max_retries times in a row."""
        if self._receive_mode:
            raise ValueError("send() is for the sending end; this one was made with receive_mode")
        if not isinstance(frame, numpy.ndarray):
            raise TypeError(f"send() takes a numpy array, not {type(frame).__name__}")
        if isinstance(message, numpy.ndarray):
            logger.warning("the message was dropped: it can be anything but an array")
            message = None
        self._check_picture(frame)
        words = None if message is None else to_json(message)
        try:
            taken = self._end.send(numpy.ascontiguousarray(frame), words)
        except Error as error:
            raise _as_raised(error) from None
        slot = self._end.returned() if taken and self._modes.answers else None
        if slot is None:
            return None
        port = port_of(slot)
        data = to_data(slot)
        return (port, data) if self._modes.multiclient else data

    def recv(self, return_data: Any = None, timeout: float | None = None) -> Any:
        """The next frame, which is the library's memory and stays valid as long as you keep it; in
        bidirectional mode (its message or None, the frame), in multi-server mode (the sender's
        port, the frame), or (port, message, frame) where there is a message. None at the end of the
        stream, or once it is closed or interrupted by Ctrl-C. TimeoutError if nothing came within
        `timeout` seconds. `return_data`, an array or anything that JSON can say, goes back with
        every reply until it is replaced."""
        if not self._receive_mode:
            raise ValueError("recv() is for the receiving end; make it with receive_mode=True")
        if return_data is not None:
            self._give_back(return_data)
        try:
            slot = self._end.recv(timeout)
        except KeyboardInterrupt:
            self.close()
            return None
        return None if slot is None else self._modes.received(slot)

    def _give_back(self, data: Any) -> None:
        if self._modes.answers:
            try:
                self._end.give_back(data)
            except Error as error:
                raise _as_raised(error) from None
        else:
            logger.warning("return_data was dropped: nothing goes back in this mode")

    @property
    def stats(self) -> Stats:
        """What it has done so far; once it is closed, the last figures."""
        stats: Stats = self._end.stats
        return stats

    def close(self, kill: bool = False) -> None:
        """Ends the stream: what was sent is delivered, and the other end told. `kill` has no
        effect: nothing is ever waited for long. Frames that were received stay valid."""
        self._end.close()

    def forsake(self) -> None:
        self._end.forsake()

    def _check_picture(self, frame: Array) -> None:
        channels = self._jpeg_channels
        if channels == 0:
            return
        gray = frame.ndim == 2
        color = frame.ndim == 3 and frame.shape[2] == channels
        if frame.dtype != numpy.uint8 or not (gray or color) or max(frame.shape) > _SIDE_MAX:
            raise ValueError(
                f"an array of {frame.dtype} and shape {frame.shape} is no picture of "
                f"{channels} channels, so it can't become a JPEG: send it with another "
                "jpeg_compression, or raw with jpeg_compression=False"
            )

    def __iter__(self) -> Iterator[Any]:
        """What recv() returns, until the stream ends."""
        while (received := self.recv()) is not None:
            yield received
            del received  # so that its memory is free for the next, unless the program keeps it
