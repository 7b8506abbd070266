"""libsightline, found and loaded; errors, settings by name and log lines of it.

The only file that knows where the library is. Everything else uses `ffi` and `lib`, whose calls
let other Python threads run meanwhile.
"""

from __future__ import annotations

import atexit
import logging
import os
import pathlib
import re
import time
import weakref
from typing import Any, Callable, Iterator, TypeVar

import cffi

_FOLDER = pathlib.Path(__file__).resolve().parent
_NAME = "libsightline.so"
_SONAME = "libsightline.so.0"
_AS_OF_FILES = ("utf-8", "surrogateescape")  # names of files may be other bytes
_SLICE_MS = 250  # the longest that a call keeps Python from looking at signals


def _places() -> Iterator[str]:
    """Where the library may be: as told, beside a checkout, beside an installation, anywhere."""
    if told := os.environ.get("SIGHTLINE_LIBRARY"):
        yield told
        return
    built = _FOLDER.parents[1] / "build" / _NAME
    if built.exists():
        yield str(built)
    for above in _FOLDER.parents:
        if above.name == "lib":
            yield from map(str, (*above.glob(_SONAME), *above.glob(f"*/{_SONAME}")))
            break
    yield _SONAME


def _load() -> Any:
    problems = []
    for place in _places():
        try:
            return ffi.dlopen(place)
        except OSError as problem:
            problems.append(str(problem))
    raise ImportError(
        f"libsightline can't be loaded: {'; '.join(problems)}. Build it with make, install it with "
        "make install, or set SIGHTLINE_LIBRARY to where it is"
    )


ffi = cffi.FFI()
ffi.cdef((_FOLDER / "declarations.h").read_text(encoding="utf-8"))
lib = _load()
logger = logging.getLogger("sightline")


class Error(RuntimeError):
    """A call of the library failed: what failed, for whom, and what to try."""

    def __init__(self, code: int, sentence: str):
        super().__init__(sentence)
        self.code = code

    @property
    def name(self) -> str:
        """The code's name: "SL_EAUTH"."""
        return text(lib.sl_error_name(self.code)) or ""


def text(pointer: Any) -> str | None:
    """A C string as a Python one; None for NULL."""
    return ffi.string(pointer).decode("utf-8", "replace") if pointer else None


def sentence() -> str:
    """What this thread's last failed call says."""
    return text(lib.sl_error()) or ""


# The command's words for what has another name here.
_KEYWORDS = {
    "cert-location": "custom_cert_location",
    "every-frame": "every_frame",
    "gate": "gate",
    "authorized-keys": "gate_authorized_keys",
    "pattern": "pattern",
    "persist": "persist",
    "port": "port",
    "protocol": "protocol",
    "address": "address",
    "secure-mode": "secure_mode",
    "ssh": "ssh",
    "ssh-backend": "ssh_backend",
    "ssh-host-key": "ssh_host_key",
    "ssh-jump": "ssh_jump",
    "ssh-key": "ssh_tunnel_keyfile",
    "ssh-password-file": "ssh_password_file",
}
_TYPED = re.compile(r"`[^`]*`|(?<!\S)(\(?)(?:--([a-z-]+)|-o (\w+))(?:=(\S+\b)| (SHA256:\S+\b))?")


def in_python(advice: str) -> str:
    """The sentence with keywords in place of what is typed on a command line. What stands between
    back quotes is for a terminal here, too."""

    def keyword(typed: re.Match[str]) -> str:
        option = typed[3] or _KEYWORDS.get(typed[2] or "")
        if not option:
            return typed[0]
        value = typed[4] or typed[5]
        return f'{typed[1]}{option}="{value}"' if value else f"{typed[1]}{option}"

    return _TYPED.sub(keyword, advice)


def check(code: int) -> None:
    if code < 0:
        raise Error(code, in_python(sentence()))


def check_unless_again(code: int) -> bool:
    """Whether it went well; False where nothing was there yet."""
    if code == lib.SL_EAGAIN:
        return False
    check(code)
    return True


def patiently(seconds: float | None, call: Callable[..., int], *arguments: Any) -> int:
    """The result of call(*arguments, timeout_ms), repeated until it is other than SL_EAGAIN or the
    time is over (None: never). In between Python handles signals, so that Ctrl-C ends the wait."""
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        left_ms = _SLICE_MS if end is None else int(1000 * (end - time.monotonic()))
        code = call(*arguments, max(0, min(left_ms, _SLICE_MS)))
        if code != lib.SL_EAGAIN or left_ms <= 0:
            return code


class Settings:
    """A settings struct of the library, by name: Settings("sender")."""

    def __init__(self, kind: str):
        self.kind = kind
        made = ffi.new(f"sl_{kind}_settings *")
        getattr(lib, f"sl_{kind}_settings_init")(made)
        self.struct = ffi.gc(made, lib.sl_settings_finish)

    def has(self, name: str) -> bool:
        return lib.sl_settings_find(self.struct, name.encode()) != ffi.NULL

    def set(self, name: str, value: Any) -> None:
        """Raises Error for a name that there is not, or a value that the option can't have."""
        words = str(value).lower() if isinstance(value, bool) else str(value)
        if "\0" in words:
            raise Error(lib.SL_EINVAL, f"{name} can't have a NUL character in it")
        code = lib.sl_settings_set(self.struct, name.encode(), words.encode(*_AS_OF_FILES))
        check(code)

    def range(self, name: str) -> tuple[float, float]:
        """The least and the most that the option of a number can be."""
        option = lib.sl_settings_find(self.struct, name.encode())
        return option.minimum, option.maximum

    def nearest(self, name: str) -> str:
        """What the library says about a name that there is not."""
        structs = ffi.new("void *[]", [self.struct])
        lib.sl_settings_offer(structs, 1, name.encode(), b"")
        return sentence()


_LEVELS = {
    lib.SL_LOG_ERROR: logging.ERROR,
    lib.SL_LOG_WARNING: logging.WARNING,
    lib.SL_LOG_INFO: logging.INFO,
    lib.SL_LOG_DEBUG: logging.DEBUG,
}


@ffi.callback("sl_log_function")
def _log(_user: Any, level: int, room: Any, line: Any) -> None:
    logger.getChild(text(room) or "").log(_LEVELS.get(level, logging.ERROR), text(line))


def start_log(verbose: bool) -> None:
    """Has the library's warnings logged, or with `verbose` all but what is for debugging, and sees
    to it that somebody reads them."""
    if verbose:
        if not logger.hasHandlers():
            shown = logging.StreamHandler()
            shown.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s", "%H:%M:%S"))
            logger.addHandler(shown)
        if logger.getEffectiveLevel() > logging.INFO:
            logger.setLevel(logging.INFO)
    enough = logger.getEffectiveLevel()
    levels = [level for level, python in _LEVELS.items() if python >= enough]
    lib.sl_log_set(_log, ffi.NULL, max(levels, default=lib.SL_LOG_ERROR))


_Some = TypeVar("_Some", bound="Closing")


class Process:
    """What distinguishes this process from one that it was forked from, whose threads and sockets
    are the library's there, and are not touched here."""

    def __init__(self) -> None:
        self.forks = 0


process = Process()


class Closing:
    """What is closed with the block of a `with`; or else before the interpreter ends, so that the
    other end is told, and no thread of the library's comes back to an interpreter that is gone."""

    _all: weakref.WeakSet[Closing] = weakref.WeakSet()

    def close_at_exit(self) -> None:
        Closing._all.add(self)

    def close(self) -> None:
        raise NotImplementedError

    def forsake(self) -> None:
        """Has become another process's: from now on as if it were closed."""
        raise NotImplementedError

    def __enter__(self: _Some) -> _Some:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


@atexit.register
def _close_all() -> None:
    for thing in list(Closing._all):
        thing.close()
    lib.sl_log_set(ffi.NULL, ffi.NULL, lib.SL_LOG_NONE)


def _forsake_all() -> None:
    process.forks += 1
    for thing in list(Closing._all):
        thing.forsake()
    Closing._all.clear()


os.register_at_fork(after_in_child=_forsake_all)
