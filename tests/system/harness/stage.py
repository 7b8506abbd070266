"""A stage: streams side by side, one a pattern, and one way in which their ends meet.

    sender   the camera dials the middle, and reaches the viewer from there
    viewer   the viewer dials the middle, and the camera finds it there
    both     both dial the middle
    gate     the camera dials the viewer's gate, through the middle's NAT

What happens to the stage happens to all streams at once: the waiting is done once.
"""

import os
import signal
import subprocess
import threading
import time

from harness import figures, gates
from harness.netgear import PATTERNS
from harness.openssh import bracketed, make_key
from harness.waiting import allow

SOURCE = "pattern:160x120@20"
FRAME = len(b"FRAME\n") + 160 * 120 * 3 // 2
LINK_PORTS = {"pair": 5601, "reqrep": 5602, "pubsub": 5603, "live": 5604}
GATE_PORTS = {"pair": 5701, "reqrep": 5702, "pubsub": 5703, "live": 5704}
LOOPBACK = {False: "127.0.0.1", True: "::1"}
DIALS = {
    "sender": ["camera"],
    "viewer": ["viewer"],
    "both": ["camera", "viewer"],
    "gate": ["camera"],
}

NOTICED_SECONDS, FLOWING_SECONDS = 5, 2


def grace():
    """Seconds for what is not the tunnel's doing: on a busy machine every program has to wait. An
    idle one gets none."""
    return os.getloadavg()[0] / os.cpu_count() / 2


class Arrivals:
    """Reads frames from a viewer's standard output, and remembers when they came."""

    def __init__(self, stream):
        self._changed = threading.Condition()
        self._times, self._bytes = [], 0
        threading.Thread(target=self._read, args=(stream.fileno(),), daemon=True).start()

    def _read(self, descriptor):
        try:
            while data := os.read(descriptor, 65536):
                with self._changed:
                    self._bytes += len(data)
                    new = self._bytes // FRAME - len(self._times)
                    self._times += [time.monotonic()] * new
                    self._changed.notify_all()
        except OSError:
            pass  # closed under the reader

    def first_after(self, moment, seconds, frames=1):
        """When the first of so many frames came that all came after a moment; None if too late."""
        deadline = time.monotonic() + allow(seconds)

        def those():
            return [at for at in self._times if at > moment]

        with self._changed:
            while len(found := those()) < frames:
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)
        return found[0]


class Pair:
    """A camera end and a viewer end. Either can be ended and started again, on the same terms."""

    def __init__(self, start, words):
        self._start, self._words = start, words
        self.ends, self.arrivals = {}, None

    def start(self, end):
        words, channels = self._words[end]()
        if end == "viewer":
            channels = {**channels, "data": True, "stdout": subprocess.PIPE}
        self.ends[end] = self._start(*words, "--log", "info", **channels)
        if end == "viewer":
            self.arrivals = Arrivals(self.ends[end].stdout)
        return self.ends[end]


class Fault:
    """Something that happens to the stage: how soon it is noticed, and how soon it is over.

    with stage.fault("server killed") as fault:
        stage.server.stop()
    fault.noticed()
    """

    def __init__(self, stage, name, ends=None):
        self._stage, self._name = stage, name
        ends = DIALS[stage.way] if ends is None else ends
        self._said = {
            (pattern, end): pair.ends[end].said.count()
            for pattern, pair in stage.pairs.items()
            for end in ends
        }
        self.begin = None
        self._figures = figures.add(name, stage.title)

    def __enter__(self):
        """It counts from before anything is done: what is done takes effect at once."""
        self.begin = time.monotonic()
        return self

    def __exit__(self, *_):
        pass

    def _hear(self, words):
        """When each tunnel that it concerns first said these words since, by pattern."""
        for (pattern, end), start in self._said.items():
            program = self._stage.pairs[pattern].ends[end]
            line, at = program.said.first(lambda text: words in text, 20, start)
            assert line, f"{self._name}: no {words!r} ({pattern}, {end})\n{program.account()}"
            yield pattern, at

    def _check(self, what, pattern, seconds, limit):
        self._figures.put(what, pattern, seconds)
        late = f"{self._name}: {what} after {seconds:.1f} s ({pattern})"
        assert seconds <= allow(limit + grace()), f"{late}\n{self._stage.account(pattern)}"

    def noticed(self):
        """Every tunnel that it concerns says that it is not up any more."""
        for pattern, at in self._hear("trying again in"):
            self._check("noticed", pattern, max(0, at - self.begin), NOTICED_SECONDS)
        return self

    def lasts(self, seconds):
        time.sleep(max(0, self.begin + seconds - time.monotonic()))

    def over(self, limit=FLOWING_SECONDS, since=None):
        """From now on nothing stands in the way: frames come again by themselves, and go on."""
        back = since or time.monotonic()
        ups = dict.fromkeys(self._stage.pairs, back)
        for pattern, at in self._hear("up again"):
            ups[pattern] = max(ups[pattern], at)
        for pattern, up in ups.items():
            first = self._stage.pairs[pattern].arrivals.first_after(up, 30)
            account = self._stage.account(pattern)
            assert first, f"{self._name}: nothing came again ({pattern})\n{account}"
            self._check("flowing", pattern, first - back, limit)
        self._stage.goes_on()


class Stage:
    """Streams under way; `start` has them so. `camera` and `viewer` are more words for the ends."""

    def __init__(self, network, start, way, server=None, folder=None, patterns=PATTERNS, **more):
        self.network, self.way, self.server = network, way, server
        self._loopback = LOOPBACK[":" in network.ends["camera"]]
        self._more = {end: list(more.get(end, ())) for end in ("camera", "viewer")}
        self.title = way
        if way == "gate":
            self._key = make_key(folder / "camera_key")
            self._authorized = gates.authorize(folder / "authorized", self._key)
            network.pass_on(GATE_PORTS.values())
        self.pairs = {
            pattern: Pair(start, self._words(pattern)) for pattern in patterns
        }

    def _login(self, end):
        return self.server.options(self.network.gates[end])

    def _words(self, pattern):
        port, place = LINK_PORTS[pattern], self._loopback
        meets = {
            "sender": (self.network.ends["viewer"], self.network.ends["viewer"]),
            "viewer": (self.network.gates["camera"], "*"),
            "both": (place, place),
            "gate": (place, place),
        }[self.way]

        def words(end, command, address, *others):
            dials = end in DIALS[self.way] and self.server
            login = self._login(end) if dials else []
            place = ["--pattern", pattern, "--address", address, "--port", port]
            prefix = self.network.prefix(self.network.host(end))
            return [*command, *place, *login, *others, *self._more[end]], {"prefix": prefix}

        def camera():
            gate = self._through_gate(pattern) if self.way == "gate" else []
            return words("camera", ["send", SOURCE], meets[0], *gate)

        def viewer():
            gate = self._with_gate(pattern) if self.way == "gate" else []
            return words("viewer", ["view", "--sink", "-"], meets[1], *gate)

        return {"camera": camera, "viewer": viewer}

    def _with_gate(self, pattern):
        place = f"{bracketed(self.network.ends['viewer'])}:{GATE_PORTS[pattern]}"
        return ["--gate", place, "--authorized-keys", self._authorized]

    def _through_gate(self, pattern):
        host = bracketed(self.network.gates["camera"])
        pin = self.pairs[pattern].ends["viewer"].ready()["gate_host_key"]
        login = ["--ssh", f"camera@{host}:{GATE_PORTS[pattern]}", "--ssh-key", self._key]
        return [*login, "--ssh-host-key", pin]

    def start(self):
        self.start_ends("viewer", ready=self.way == "gate")
        self.start_ends("camera")
        self.goes_on()
        return self

    def start_ends(self, end, ready=True):
        """Starts one end of each pair; viewers are ready when this returns, unless told not to be,
        and others far enough to say something."""
        for pair in self.pairs.values():
            pair.start(end)
        for pair in self.pairs.values():
            program = pair.ends[end]
            program.ready() if ready and end == "viewer" else program.wait_said("")

    def goes_on(self, frames=10):
        """In each pattern new frames arrive, and not just one."""
        now = time.monotonic()
        for pattern, pair in self.pairs.items():
            assert pair.arrivals.first_after(now, 30, frames), self.account(pattern)

    def fault(self, name, ends=None):
        """One begins now, which the tunnels of these ends are to notice; without them, all."""
        return Fault(self, name, ends)

    def account(self, pattern):
        return "\n".join(end.account() for end in self.pairs[pattern].ends.values())

    def kill(self, end):
        for pair in self.pairs.values():
            pair.ends[end].kill()

    def stop(self):
        """Both ends finish as they should."""
        for pair in self.pairs.values():
            pair.ends["camera"].signal(signal.SIGINT)
        for pair in self.pairs.values():
            pair.ends["camera"].end()
            pair.ends["viewer"].end()
