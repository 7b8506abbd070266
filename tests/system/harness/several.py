"""NetGear peers of multi-server and multi-client mode, which say by their port who they are."""

import json

from harness import netgear
from harness.ports import free_port


def free_ports(count=3):
    """Ports that were free a moment ago, without doubles."""
    ports = set()
    while len(ports) < count:
        ports.add(free_port())
    return sorted(ports)


def listed(ports):
    return ",".join(str(port) for port in ports)


class ServerOfSeveral(netgear.Sender):
    """One of several senders; `port` is a number or a string, as its user gave it."""

    def __init__(self, port, pattern, name=None, **how):
        super().__init__(f"tcp://127.0.0.1:{port}", pattern, **how)
        self.port = port if name is None else name

    def send_parts(self, head, *rest):
        super().send_parts(json.dumps({"port": self.port, **json.loads(head)}).encode(), *rest)


class ClientOfSeveral(netgear.Receiver):
    """One of several receivers: its replies begin with its port."""

    def reply(self):
        self.socket.send_json({"port": self.port, "return_type": "NoneType", "data": None})


class ManyPorts(netgear.Receiver):
    """A receiver in multi-server mode, bound to several ports."""

    def __init__(self, pattern, ports, **how):
        super().__init__(pattern, f"tcp://127.0.0.1:{ports[0]}", **how)
        for port in ports[1:]:
            self.socket.bind(f"tcp://127.0.0.1:{port}")
        self.ends = []

    def recv_until_ended(self, senders):
        """Frames' headers until so many senders have ended."""
        while len(self.ends) < senders:
            if self.recv() is None:
                self.ends.append(self.headers[-1]["port"])
        return [header for header in self.headers if not header["terminate_flag"]]
