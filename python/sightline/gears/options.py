"""NetGear's options, with its tolerance: what is wrong is ignored, with a warning each time."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Callable

from sightline.library import Error, Settings, logger

COLORSPACES = (
    "RGB", "BGR", "RGBX", "BGRX", "XBGR", "XRGB", "GRAY", "RGBA", "BGRA", "ABGR", "ARGB", "CMYK",
)  # fmt: skip

HALF_OPEN = ("max_retries", "request_timeout", "subscriber_timeout")

_TUNNEL = ("ssh_tunnel_mode", "ssh_tunnel_pwd", "ssh_tunnel_keyfile")
_WITHOUT_EFFECT = ("flag", "copy", "track")  # of ZeroMQ's, where they would only slow or break


@dataclasses.dataclass(frozen=True)
class _Rule:
    accepts: Callable[[Any], bool]
    wanted: str
    convert: Callable[[Any], Any] = lambda value: value
    instead: str = ""  # what being ignored means, where that is grave


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_colorspace(value: Any) -> bool:
    return isinstance(value, str) and value.strip().upper() in COLORSPACES


def _clean(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def _at_least(least: float) -> Callable[[Any], bool]:
    return lambda value: _is_number(value) and value >= least


_BOOL = _Rule(lambda value: isinstance(value, bool), "True or False")
_TEXT = _Rule(lambda value: isinstance(value, str), "a string", str.strip)

_RULES = {
    "multiserver_mode": _BOOL,
    "multiclient_mode": _BOOL,
    "bidirectional_mode": _BOOL,
    "secure_mode": _Rule(
        lambda value: isinstance(value, int) and 0 <= value <= 2,
        "0, 1 or 2",
        int,
        "THIS LINK IS NOT ENCRYPTED",
    ),
    "custom_cert_location": _Rule(lambda value: isinstance(value, (str, os.PathLike)), "a folder"),
    "overwrite_cert": _BOOL,
    "ssh_tunnel_mode": dataclasses.replace(_TEXT, instead="there is NO TUNNEL"),
    "ssh_tunnel_pwd": _Rule(lambda value: isinstance(value, str), "a string"),
    "ssh_tunnel_keyfile": _Rule(
        lambda value: isinstance(value, (str, os.PathLike)) and os.path.isfile(value),
        "a file that exists",
    ),
    "jpeg_compression": _Rule(
        lambda value: isinstance(value, bool) or _is_colorspace(value),
        f"True, False or one of {', '.join(COLORSPACES)}",
        _clean,
    ),
    "jpeg_compression_quality": _Rule(
        lambda value: _is_number(value) and 10 <= value <= 100, "from 10 to 100", int
    ),
    "jpeg_compression_fastdct": _BOOL,
    "jpeg_compression_fastupsample": _BOOL,
    "max_retries": _Rule(
        lambda value: isinstance(value, int) and value >= 0, "a number of times; 0: for ever", int
    ),
    "request_timeout": _Rule(_at_least(4), "4 seconds or more"),
    "subscriber_timeout": _Rule(
        lambda value: _is_number(value) and value > 0, "more than 0 seconds"
    ),
    "flag": _Rule(lambda value: isinstance(value, int), "a number"),
    "copy": _BOOL,
    "track": _BOOL,
}


def ignored(name: str, value: Any, wanted: str, instead: str = "") -> None:
    shown = "what was given" if name == "ssh_tunnel_pwd" else repr(value)
    logger.warning(
        "the option %s was ignored: it is %s, and %s is not%s",
        name,
        wanted,
        shown,
        f", so {instead}" if instead else "",
    )


def _for_this_end(options: dict[str, Any], receive_mode: bool) -> dict[str, Any]:
    """Without what only the other end has. `ssh` is a tunnel at either."""
    if not receive_mode:
        return options
    useless = [] if "ssh" in options else [name for name in _TUNNEL if name in options]
    if "ssh_tunnel_mode" in useless:
        logger.warning(
            "ssh_tunnel_mode was ignored: it is the sender's; a receiver that shall itself be "
            "reached at an SSH server has ssh=%r",
            options["ssh_tunnel_mode"],
        )
    if options.get("overwrite_cert"):
        logger.warning("overwrite_cert was ignored: it is the sender's")
    useless.append("overwrite_cert")
    return {name: value for name, value in options.items() if name not in useless}


def read_options(
    options: dict[str, Any], receive_mode: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(NetGear's options, as they should be; all others)."""
    known, others = {}, {}
    given = _for_this_end({name.strip(): value for name, value in options.items()}, receive_mode)
    for name, value in given.items():
        rule = _RULES.get(name)
        if rule is None:
            others[name] = value
        elif not rule.accepts(value):
            ignored(name, value, rule.wanted, rule.instead)
        elif name not in _WITHOUT_EFFECT:
            known[name] = rule.convert(value)
    return known, others


def set_others(settings: Settings, options: dict[str, Any]) -> None:
    """Sightline's own options. ValueError for a value that one can't have; a name that nobody knows
    is ignored, as NetGear does."""
    for name, value in options.items():
        target = "ssh_tunnel_mode" if name == "ssh" else name
        if not settings.has(target):
            logger.warning("the option %s was ignored: %s", name, settings.nearest(name))
            continue
        try:
            settings.set(target, value)
        except Error as error:
            raise ValueError(str(error)) from None
