"""vidgear's gears, over libsightline: change `vidgear.gears` to `sightline.gears`."""

from sightline.gears.netgear import NetGear
from sightline.gears.stats import Stats
from sightline.gears.videogear import Backend, VideoGear

__all__ = ["Backend", "NetGear", "Stats", "VideoGear"]
