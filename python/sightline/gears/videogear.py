"""VideoGear: frames of a camera, file or stream, with vidgear's constructor and calls."""

from __future__ import annotations

import enum
import os
import threading
import time
from typing import Any, Callable, Iterator

from sightline.frames import Array, new_slot, to_array
from sightline.gears.options import ignored
from sightline.library import (
    Closing,
    Settings,
    check,
    ffi,
    lib,
    logger,
    patiently,
    start_log,
)

_GRAY = "COLOR_BGR2GRAY"  # the source itself can do that
_EDGES = {"black": "blank", "reflect": "mirror", "reflect_101": "mirror", "replicate": "clamp"}
_SIZE = ("CAP_PROP_FRAME_WIDTH", "CAP_PROP_FRAME_HEIGHT")
_WITHOUT_EFFECT = ("THREADED_QUEUE_MODE", "THREAD_TIMEOUT", "SMOOTHING_RADIUS", "STABILIZER_MODE")


class Backend(enum.Enum):
    """What vidgear reads a source with. Here one reader does it all; PIGEAR only means that
    `camera_num` names the source."""

    CAMGEAR = "camgear"
    PIGEAR = "pigear"
    FFGEAR = "ffgear"


def _stabilizer(options: dict[str, Any]) -> str:
    """A libavfilter graph, made of the stabilizer's options."""
    edge = options.pop("BORDER_TYPE", "black")
    border = options.pop("BORDER_SIZE", 0)
    zoom = options.pop("CROP_N_ZOOM", False)
    if edge not in _EDGES:
        ignored("BORDER_TYPE", edge, f"one of {', '.join(_EDGES)}")
        edge = "black"
    if not isinstance(border, int) or border < 0:
        ignored("BORDER_SIZE", border, "a number of pixels")
        border = 0
    graph = f"deshake=edge={_EDGES[edge]}"
    if border and zoom:
        graph += f",crop=iw-{2 * border}:ih-{2 * border},scale=iw+{2 * border}:ih+{2 * border}"
    elif border:
        graph += f",pad=iw+{2 * border}:ih+{2 * border}:{border}:{border}"
    return graph


def _converter(colorspace: str) -> Callable[[Array], Array] | None:
    """OpenCV's conversion of that name, if there is such a thing."""
    try:
        import cv2
    except ImportError:
        logger.warning("colorspace %s was ignored: it needs OpenCV for Python", colorspace)
        return None
    code = getattr(cv2, colorspace, None)
    if not isinstance(code, int):
        ignored("colorspace", colorspace, "one of OpenCV's conversions, such as COLOR_BGR2HSV")
        return None
    return lambda frame: cv2.cvtColor(frame, code)


class VideoGear(Closing):
    """A source of frames: a camera's number or device, a file, a URL, `screen:` or `pattern:`.

    Constructor and calls are those of vidgear's VideoGear 0.3. Of a live source read() gives the
    newest frame; of a file each, as fast as they are asked for, or at its pace with `framerate`.
    Options of Sightline's sources (`loop`, `filter`, …) go beside vidgear's by their names. It can
    be used as a context manager and as an iterator.
    """

    def __init__(
        self,
        api: Backend = Backend.CAMGEAR,
        stabilize: bool = False,
        camera_num: int = 0,
        resolution: tuple[int, int] | None = None,
        framerate: float | None = None,
        source: Any = 0,
        stream_mode: bool = False,
        backend: int = 0,
        source_demuxer: str | None = None,
        frame_format: str = "bgr24",
        custom_ffmpeg: str = "",
        time_delay: float = 0,
        colorspace: str | None = None,
        logging: bool = False,
        enablePiCamera: bool | None = None,
        **options: Any,
    ):
        start_log(logging is True)
        if enablePiCamera:
            api = Backend.PIGEAR
        if not isinstance(api, Backend):
            raise TypeError(f"api is a member of Backend, not {api!r}")
        if stream_mode:
            raise ValueError("stream_mode is not supported: give the URL of the stream itself")
        settings = Settings("source")
        settings.set("source", camera_num if api is Backend.PIGEAR else source)
        self._convert = self._set_pixels(settings, colorspace)
        self._set_mode(settings, resolution, framerate, options)
        if stabilize:
            settings.set("filter", _stabilizer(options))
        self._set_others(settings, options)
        self._open(settings)
        if time_delay:
            time.sleep(time_delay)

    @staticmethod
    def _set_pixels(settings: Settings, colorspace: str | None) -> Callable[[Array], Array] | None:
        name = colorspace.strip() if isinstance(colorspace, str) else None
        settings.struct.deliver = lib.SL_DELIVER_GRAY if name == _GRAY else lib.SL_DELIVER_BGR
        return None if name in (None, _GRAY) else _converter(str(name))

    @staticmethod
    def _set_mode(
        settings: Settings,
        resolution: tuple[int, int] | None,
        framerate: float | None,
        options: dict[str, Any],
    ) -> None:
        """Size and rate, which for vidgear's other reader are options of OpenCV's."""
        size = [options.pop(name, 0) for name in _SIZE]
        framerate = framerate or options.pop("CAP_PROP_FPS", 0)
        width, height = resolution or size
        if width and height:
            settings.set("size", f"{int(width)}x{int(height)}")
        if framerate:
            settings.set("fps", framerate)
        elif os.path.isfile(ffi.string(settings.struct.source).decode()):
            settings.set("unpaced", True)

    @staticmethod
    def _set_others(settings: Settings, options: dict[str, Any]) -> None:
        for name, value in options.items():
            if settings.has(name.strip()):
                settings.set(name.strip(), value)
            elif name.strip() not in _WITHOUT_EFFECT:
                logger.warning("the option %s was ignored: a source has none of this name", name)

    def _open(self, settings: Settings) -> None:
        self._turn = threading.RLock()
        self._closing = False
        self._slot = ffi.new("sl_source **")
        check(lib.sl_source_open(self._slot, settings.struct))
        self.framerate: float = lib.sl_source_fps(self._slot[0])
        self.close_at_exit()

    def start(self) -> VideoGear:
        """Returns itself: capture of a live source starts with the first read()."""
        return self

    def read(self) -> Array | None:
        """The next frame, or the newest of a live source; None at the end, or once it is stopped.
        RuntimeError when the source fails for good."""
        slot = new_slot()
        with self._turn:
            code = patiently(None, self._take, slot)
        if code == lib.SL_EEND:
            return None
        check(code)
        frame = to_array(slot)
        return self._convert(frame) if self._convert else frame

    def _take(self, slot: Any, timeout_ms: int) -> int:
        if self._closing or self._slot[0] == ffi.NULL:
            return lib.SL_EEND
        return lib.sl_source_read(self._slot[0], slot, timeout_ms)

    def stop(self) -> None:
        """Stops capture. Frames that were read stay valid."""
        self.close()

    def close(self) -> None:
        self._closing = True
        with self._turn:
            lib.sl_source_close(self._slot)

    def forsake(self) -> None:
        self._closing = True
        self._slot = ffi.new(ffi.typeof(self._slot))
        self._turn = threading.RLock()

    def __iter__(self) -> Iterator[Array]:
        while (frame := self.read()) is not None:
            yield frame
            del frame  # so that its memory is free for the next, unless the program keeps it
