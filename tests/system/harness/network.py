"""A small network of the test's own: network namespaces joined by virtual cables.

    camera (10.77.0.1) ── cable ── server (10.77.0.2: sshd and the viewer)

Whoever runs the tests must be allowed to make network namespaces; `why_not` says if not.
"""

import os
import pathlib
import shutil
import subprocess

CAMERA, SERVER = "10.77.0.1", "10.77.0.2"


def run(*words):
    words = [str(word) for word in words]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout


def why_not():
    """Why there can be no network of the test's own here, or None."""
    for program in ("ip", "nft"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    name = f"sl-try-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if made.returncode != 0:
        return f"network namespaces are not permitted: {made.stderr.strip()}"
    run("ip", "netns", "delete", name)
    return None


class Network:
    """Two hosts with a cable between them."""

    def __init__(self):
        self.camera, self.server = (f"sl-{os.getpid()}-{end}" for end in ("camera", "server"))
        self._made = []
        # Where `ip netns exec` looks for what is to stand in the place of /etc/hosts.
        self._etc = pathlib.Path("/etc/netns") / self.camera
        try:
            self._make()
        except BaseException:
            self.close()
            raise

    def _make(self):
        for name in (self.camera, self.server):
            run("ip", "netns", "add", name)
            self._made.append(name)
            self.inside(name, "ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "cable", "netns", self.camera, "type", "veth", "peer", "name",
            "cable", "netns", self.server)  # fmt: skip
        for name, address in ((self.camera, CAMERA), (self.server, SERVER)):
            self.add_address(name, address)
            self.inside(name, "ip", "link", "set", "cable", "up")

    @staticmethod
    def prefix(name):
        """The words before a command that is to run there."""
        return ["ip", "netns", "exec", name]

    def inside(self, name, *words):
        return run(*self.prefix(name), *words)

    def add_address(self, name, address):
        self.inside(name, "ip", "address", "add", f"{address}/24", "dev", "cable")

    def remove_address(self, name, address):
        self.inside(name, "ip", "address", "delete", f"{address}/24", "dev", "cable")

    def name_server(self, name, address):
        """What the camera is told, from now on, when it asks for a name."""
        self._etc.mkdir(parents=True, exist_ok=True)
        (self._etc / "hosts").write_text(f"{address} {name}\n", encoding="ascii")

    def set_link(self, name, state):
        self.inside(name, "ip", "link", "set", "cable", state)

    def drop_silently(self):
        """Whatever comes to the server from now on vanishes, and nobody is told."""
        self.inside(self.server, "nft", "add table inet sightline")
        chain = "{ type filter hook input priority 0; policy accept; }"
        self.inside(self.server, "nft", f"add chain inet sightline input {chain}")
        self.inside(self.server, "nft", "add rule inet sightline input iifname cable drop")

    def let_through(self):
        self.inside(self.server, "nft", "delete table inet sightline")

    def slow_down(self, rate):
        """The camera's cable takes no more from now on, and keeps two seconds of it waiting."""
        words = ["tc", "qdisc", "replace", "dev", "cable", "root", "tbf", "rate", rate]
        self.inside(self.camera, *words, "burst", "5kb", "latency", "2s")

    def close(self):
        for name in reversed(self._made):
            run("ip", "netns", "delete", name)
        shutil.rmtree(self._etc, ignore_errors=True)
        try:
            self._etc.parent.rmdir()
        except OSError:
            pass  # it was not there, or others have theirs in it
