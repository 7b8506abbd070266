"""Sightline: live video from a camera at one place to a viewer at another, newest frame first.

    from sightline.gears import NetGear, VideoGear

are vidgear's classes of these names, over libsightline.
"""

from sightline.library import Error, lib as _lib, text as _text

__version__ = _text(_lib.sl_version())
__all__ = ["Error", "__version__"]
