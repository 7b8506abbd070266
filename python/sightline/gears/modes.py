"""NetGear's exclusive modes: what they exclude, which ports they want, and how they change what the
calls return."""

from __future__ import annotations

import json
from typing import Any

from sightline.frames import message_of, port_of, to_array
from sightline.library import Settings

_PATTERNS = {
    "multiserver_mode": (1, 2),
    "multiclient_mode": (1, 2),
    "bidirectional_mode": (0, 1),
}


class Modes:
    def __init__(self, options: dict[str, Any], pattern: int, receive_mode: bool):
        for mode, patterns in _PATTERNS.items():
            if options.get(mode) and pattern not in patterns:
                allowed = " or ".join(str(number) for number in patterns)
                raise ValueError(f"{mode} needs pattern {allowed}, not {pattern}")
        self.multiserver: bool = options.get("multiserver_mode", False)
        self.multiclient: bool = options.get("multiclient_mode", False)
        self.bidirectional: bool = options.get("bidirectional_mode", False)
        self._receive_mode = receive_mode
        if self.multiserver and self.multiclient:
            raise ValueError("multiserver_mode and multiclient_mode exclude each other")
        # Whether replies carry data.
        self.answers = pattern < 2 and (self.bidirectional or self.multiclient)

    def check_port(self, port: Any) -> None:
        several = self.multiserver if self._receive_mode else self.multiclient
        mode = "multiserver_mode" if self.multiserver else "multiclient_mode"
        if several and not (isinstance(port, (list, tuple)) and port):
            raise ValueError(f"{mode} needs a list of ports at this end, not {port!r}")
        if (self.multiserver or self.multiclient) and port is None:
            raise ValueError(f"{mode} needs a port of its own at this end")

    def say_port(self, settings: Settings, port: Any) -> None:
        """The other end hears the port as it was given: a number or a string."""
        named = self.multiclient if self._receive_mode else self.multiserver
        if named:
            settings.set("port_text", json.dumps(port))

    def received(self, slot: Any) -> Any:
        """What recv() returns for a frame."""
        port, message = port_of(slot), message_of(slot)
        frame = to_array(slot)
        if self.multiserver:
            return (port, frame) if message is None else (port, message, frame)
        return (message, frame) if self.bidirectional else frame
