"""What NetGear does about certificates before it starts, where it does no harm."""

from __future__ import annotations

import os
import pathlib
import stat

from sightline.library import check, ffi, lib, logger


def _folder(location: str | None) -> pathlib.Path:
    """…/.vidgear/keys; a location that is called .vidgear stands for itself."""
    place = pathlib.Path(location) if location else pathlib.Path.home()
    return (place if place.name == ".vidgear" else place / ".vidgear") / "keys"


def check_location(location: str) -> None:
    assert os.path.isdir(location), f"custom_cert_location {location} is no folder"
    assert os.access(location, os.W_OK), f"custom_cert_location {location} can't be written to"


def _close_to_others(path: pathlib.Path) -> None:
    """NetGear leaves its secret keys readable by all, and the library would not use them."""
    status = path.stat()
    if status.st_uid == os.geteuid() and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        path.chmod(0o600)
        logger.warning(
            "%s could be read by others, and who did has the key; now only you can", path
        )


def prepare(location: str | None) -> None:
    """Makes certificates for both ends where there is none at all, as NetGear does, and closes
    secret files to others."""
    folder = _folder(location)
    secret = sorted(folder.glob("private_keys/*.key_secret"))
    if not secret and not any(folder.glob("public_keys/*.key")):
        place = location.encode() if location else ffi.NULL
        check(lib.sl_keys_make(place, lib.SL_KEY_OF_SENDER | lib.SL_KEY_OF_RECEIVER, False))
        logger.warning(
            "new certificates were made in %s; the other end needs the same, or those that "
            "`sightline keys export` prints",
            folder,
        )
    for path in secret:
        _close_to_others(path)
