"""Where certificates are, and how NetGear leaves them there."""

from __future__ import annotations

import os
import pathlib
import stat

from sightline.library import logger


def check_location(location: str) -> None:
    assert os.path.isdir(location), f"custom_cert_location {location} is no folder"
    assert os.access(location, os.W_OK), f"custom_cert_location {location} can't be written to"


def close_to_others(location: str | None) -> None:
    """NetGear leaves its secret keys readable by all, and the library would not use them. Below a
    location that is itself called .vidgear, there isn't another. Nothing behind a link is changed.
    """
    place = pathlib.Path(location) if location else pathlib.Path.home()
    own = place if place.name == ".vidgear" else place / ".vidgear"
    for path in own.glob("keys/private_keys/*.key_secret"):
        status = path.lstat()
        mine = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
        if mine and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            path.chmod(0o600)
            logger.warning(
                "%s could be read by others; now only you can. Who has done so can "
                "pass for its owner: make new ones if you do not trust them all",
                path,
            )
