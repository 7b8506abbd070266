"""A small network of the test's own: network namespaces joined by virtual cables.

    camera (.1.1) ── cable ── (.1.2) middle (.2.2) ── cable ── (.2.1) viewer

The numbers go after 10.77, or after fd77:: where there is IPv6 only. The ends know no way to each
other: they meet in the middle, or its NAT passes a port on.
Whoever runs the tests must be allowed to make network namespaces; `why_not` says if not.
"""

import ipaddress
import itertools
import os
import pathlib
import shutil
import subprocess
import sys

ENDS = ("camera", "viewer")
SERVER = "10.77.1.2"  # the middle as the camera sees it
SLOW_S = 1.5  # what a slow name server takes for each answer
TABLE = "inet sightline"
NUMBERS = itertools.count()


def run(*words, stdin=None):
    words = [str(word) for word in words]
    channel = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run(words, **channel, capture_output=True, text=True)
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
    """Three hosts in a row. `camera`, `middle` and `viewer` are what they are called here."""

    def __init__(self, ipv6=False):
        number = next(NUMBERS)
        self.camera, self.middle, self.viewer = (
            f"sl-{os.getpid()}-{number}-{host}" for host in ("camera", "middle", "viewer")
        )
        self._form = "fd77::{}:{}" if ipv6 else "10.77.{}.{}"
        self.ends = dict(zip(ENDS, (self._form.format(1, 1), self._form.format(2, 1))))
        self.gates = dict(zip(ENDS, (self._form.format(1, 2), self._form.format(2, 2))))
        self._made = []
        self._slow_server = None
        # Where `ip netns exec` looks for what is to stand in the place of /etc/hosts.
        self._etc = pathlib.Path("/etc/netns") / self.camera
        try:
            self._make()
        except BaseException:
            self.close()
            raise

    def _make(self):
        for name in (self.camera, self.middle, self.viewer):
            run("ip", "netns", "add", name)
            self._made.append(name)
            self.inside(name, "ip", "link", "set", "lo", "up")
        for end in ENDS:
            name = self.host(end)
            run("ip", "link", "add", "cable", "netns", name, "type", "veth",
                "peer", "name", f"to-{end}", "netns", self.middle)  # fmt: skip
            self.add_address(name, self.ends[end])
            self.add_address(self.middle, self.gates[end], f"to-{end}")
            self.inside(name, "ip", "link", "set", "cable", "up")
            self.inside(self.middle, "ip", "link", "set", f"to-{end}", "up")

    def host(self, end):
        return {"camera": self.camera, "viewer": self.viewer}[end]

    @staticmethod
    def prefix(name):
        """The words before a command that is to run there."""
        return ["ip", "netns", "exec", name]

    def inside(self, name, *words, stdin=None):
        return run(*self.prefix(name), *words, stdin=stdin)

    def add_address(self, name, address, device="cable"):
        words = ["nodad"] if ipaddress.ip_address(address).version == 6 else []
        self.inside(name, "ip", "address", "add", self._network(address), "dev", device, *words)

    def remove_address(self, name, address, device="cable"):
        self.inside(name, "ip", "address", "delete", self._network(address), "dev", device)

    def change_address(self, end, address):
        self.remove_address(self.host(end), self.ends[end])
        self.add_address(self.host(end), address)

    @staticmethod
    def _network(address):
        return f"{address}/{112 if ':' in address else 24}"

    def name_server(self, name, address):
        """What the camera is told, from now on, when it asks for a name."""
        self._etc.mkdir(parents=True, exist_ok=True)
        (self._etc / "hosts").write_text(f"{address} {name}\n", encoding="ascii")

    def slow_name_server(self, _name, address, seconds=SLOW_S):
        """The same, of any name, but it takes a while."""
        first = self._slow_server is None
        if first:
            self._etc.mkdir(parents=True, exist_ok=True)
            (self._etc / "resolv.conf").write_text("nameserver 127.0.0.1\n", encoding="ascii")
            program = pathlib.Path(__file__).with_name("name_server.py")
            words = [*self.prefix(self.camera), sys.executable, "-B", str(program), str(seconds)]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self._slow_server = subprocess.Popen(words, text=True, **pipes)
        print(address, file=self._slow_server.stdin, flush=True)
        if first:
            assert self._slow_server.stdout.readline(), "the name server does not start"

    def set_link(self, end, state):
        self.inside(self.host(end), "ip", "link", "set", "cable", state)

    def _rules(self, name, text):
        self.inside(name, "nft", "-f", "-", stdin=f"table {TABLE} {{\n{text}\n}}\n")

    def drop_silently(self, ends=ENDS):
        """Whatever goes into the cables of these ends vanishes from now on, and nobody is told."""
        for end in ends:
            for name, cable in ((self.host(end), "cable"), (self.middle, f"to-{end}")):
                rule = f"type filter hook prerouting priority -300; iifname {cable} drop;"
                self._rules(name, f"chain vanish-{end} {{ {rule} }}")

    def let_through(self, ends=ENDS):
        for end in ends:
            for name in (self.host(end), self.middle):
                self.inside(name, "nft", f"delete chain {TABLE} vanish-{end}")

    def pass_on(self, ports):
        """The middle has these ports of it answered by the viewer, as a router with NAT does."""
        address = self.gates["camera"], self.ends["viewer"]
        family = "ip6" if ":" in address[0] else "ip"
        listed = ", ".join(str(port) for port in ports)
        to = f"{family} daddr {address[0]} tcp dport {{ {listed} }} dnat {family} to {address[1]};"
        self._rules(
            self.middle,
            f"chain before {{ type nat hook prerouting priority -100; {to} }}\n"
            "chain after { type nat hook postrouting priority 100; oifname to-viewer masquerade; }",
        )
        for rule in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            path = f"/proc/sys/{rule.replace('.', '/')}"
            self.inside(self.middle, "sh", "-c", f"test ! -e {path} || echo 1 > {path}")

    def slow_down(self, rate):
        """The camera's cable takes no more from now on, and keeps two seconds of it waiting."""
        words = ["tc", "qdisc", "replace", "dev", "cable", "root", "tbf", "rate", rate]
        self.inside(self.camera, *words, "burst", "5kb", "latency", "2s")

    def close(self):
        if self._slow_server is not None:
            with self._slow_server as server:
                server.kill()
        for name in reversed(self._made):
            run("ip", "netns", "delete", name)
        shutil.rmtree(self._etc, ignore_errors=True)
        try:
            self._etc.parent.rmdir()
        except OSError:
            pass  # it was not there, or others have theirs in it
