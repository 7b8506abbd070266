"""The link laboratory: hosts (network namespaces) joined by links that are as slow as one likes.

    with Lab(Link("camera", "viewer", "rate=4M delay=25ms @20s rate=1M", "delay=25ms")) as lab:
        lab.run("camera", ["ping", "-c", 3, lab.address("viewer")])
        print(lab.links[0].counters()["forward"]["dropped"])

What a link can be told is in README.md. Hosts that no link joins directly reach each other through
those between them. Where they are made: by root in the usual place, by others in a user namespace.
`why_not` says why there can be no laboratory here. No way leads out of it.
"""

import functools
import itertools
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from harness.network import run  # noqa: E402
from harness.processes import command_path  # noqa: E402

NUMBERS = itertools.count()


def emulator():
    """The program that is a link: built beside the command."""
    return pathlib.Path(command_path()).parent / "tests" / "netlab" / "netlab-link"


class Ground:
    """Where this user may make network namespaces."""

    def __init__(self):
        self.prefix = []
        self._keeper = None
        if os.geteuid() == 0:
            return
        # A place of its own for `ip netns`, which lasts as long as there is somebody in it.
        keep = "mount -t tmpfs netlab /run && echo here && exec cat"
        words = ["unshare", "--user", "--map-root-user", "--mount", "--net", "sh", "-c", keep]
        pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
        self._keeper = subprocess.Popen(words, text=True, **pipes)
        if not self._keeper.stdout.readline():
            _, said = self._keeper.communicate()
            raise PermissionError(f"user namespaces are not permitted: {said.strip()}")
        spaces = ["--user", "--mount", "--net", "--target", str(self._keeper.pid)]
        self.prefix = ["nsenter", "--preserve-credentials", *spaces]

    def run(self, *words, **how):
        return run(*self.prefix, *words, **how)

    def close(self):
        if self._keeper is not None:
            self._keeper.communicate()


def try_device(ground):
    """Makes what a host needs, and says what went wrong, or nothing."""
    name = f"sl-try-{os.getpid()}"
    ground.run("ip", "netns", "add", name)
    try:
        words = ["ip", "-n", name, "tuntap", "add", "dev", "try", "mode", "tun"]
        made = subprocess.run([*ground.prefix, *words], capture_output=True, text=True)
        return made.stderr.strip()
    finally:
        ground.run("ip", "netns", "delete", name)


@functools.lru_cache(maxsize=None)
def why_not():
    """Why there can be no laboratory here, or None."""
    for program in ("ip", "unshare", "nsenter"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    try:
        ground = Ground()
    except PermissionError as error:
        return str(error)
    try:
        said = try_device(ground)
        return f"TUN devices can't be made: {said}" if said else None
    except AssertionError as error:
        return f"network namespaces are not permitted: {error}"
    finally:
        ground.close()


class Link:
    """From one host to another, with settings for each direction; backward as forward unless told.

    The seed decides which packets are lost; the log gets a line for each packet.
    """

    def __init__(self, near, far, forward="", backward=None, seed=0, log=None):
        self.ends = (near, far)
        self._forward = shlex.split(forward)
        self._backward = self._forward if backward is None else shlex.split(backward)
        self._options = ["--seed", str(seed), *(["--log", str(log)] if log else [])]
        self._process = None

    def open(self, ground, places):
        """`places`: for each end the path of its namespace, and the name of its device there."""
        settings = ["--forward", *self._forward, "--backward", *self._backward]
        words = [*ground.prefix, str(emulator()), *self._options, *settings, "--"]
        words += [part for place in places for part in place]
        pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
        self._process = subprocess.Popen(words, text=True, **pipes)
        self._answer()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(self._process.communicate()[1].strip() or "the link has ended")
        answer = json.loads(line)
        if answer.get("error"):
            raise ValueError(answer["error"])
        return answer

    def _ask(self, *words):
        print(*words, file=self._process.stdin, flush=True)
        return self._answer()

    def start(self):
        """The schedule and the trace begin again, now, and the counters at 0."""
        self._ask("start")

    def set(self, direction, settings):
        """Changes a direction ("forward" or "backward") now; its schedule rests until `start`."""
        self._ask("set", direction, settings)

    def counters(self):
        """By direction. The log is complete up to now, too."""
        return self._ask("counters")

    def capacity(self, direction, seconds, every_ms=1):
        """What its schedule lets pass, in bytes since the start: at 0, `every_ms`, and so on; None
        without a rate. Who knew all of it beforehand could do no better."""
        return self._ask("capacity", direction, every_ms, int(seconds * 1000))["capacity_bytes"]

    def close(self):
        if self._process is not None:
            self._process.communicate()
            self._process = None


class Lab:
    """Hosts and links, from `with` to its end. What was started in a host has to be ended before."""

    def __init__(self, *links):
        self.links = links
        self.hosts = list(dict.fromkeys(end for link in links for end in link.ends))
        number = next(NUMBERS)
        self._names = {host: f"sl-lab-{os.getpid()}-{number}-{host}" for host in self.hosts}
        self._made = []
        self._ground = None

    def __enter__(self):
        assert emulator().exists(), f"there is no {emulator()}: run `ninja -C build netlab`"
        self._ground = Ground()
        try:
            for name in self._names.values():
                self._ground.run("ip", "netns", "add", name)
                self._made.append(name)
            for number, link in enumerate(self.links):
                places = [(f"/run/netns/{self._names[end]}", f"link{number}") for end in link.ends]
                link.open(self._ground, places)
            for host in self.hosts:
                self._configure(host)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for link in self.links:
            link.close()
        for name in self._made:
            self._ground.run("ip", "netns", "delete", name)
        self._made = []
        self._ground.close()

    def address(self, host):
        """The one address that it has for all others."""
        return f"10.78.0.{1 + self.hosts.index(host)}"

    def prefix(self, host):
        """The words before a command that is to run there."""
        return [*self._ground.prefix, "ip", "netns", "exec", self._names[host]]

    def run(self, host, words, check=True, **how):
        """Runs a command there to its end; what it said is in the result."""
        words = [*self.prefix(host), *(str(word) for word in words)]
        how = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, **how}
        return subprocess.run(words, check=check, **how)

    def _neighbours(self, host):
        for number, link in enumerate(self.links):
            if host in link.ends:
                yield number, link.ends[1 - link.ends.index(host)]

    def _ways(self, host):
        """By other host, the link that is the shortest way there."""
        ways = {}
        reached = [(other, number) for number, other in self._neighbours(host)]
        while reached:
            other, number = reached.pop(0)
            if other != host and other not in ways:
                ways[other] = number
                reached += [(further, number) for _, further in self._neighbours(other)]
        return ways

    def _configure(self, host):
        here = self.address(host)
        lines = [f"address add {here}/32 dev lo", "link set lo up"]
        for number, _ in self._neighbours(host):
            # Without an address of IPv6 it says nothing by itself; and no packet gets lost on its
            # way to the link, which counts what it drops.
            device = f"link set link{number}"
            lines += [f"{device} addrgenmode none", f"{device} txqueuelen 10000", f"{device} up"]
        for other, number in self._ways(host).items():
            lines.append(f"route add {self.address(other)} dev link{number} src {here}")
        self._ground.run("ip", "-n", self._names[host], "-batch", "-", stdin="\n".join(lines))
        self.run(host, ["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"])
