"""Who sends over a row's links: Sightline's live pattern in its tunnel, and those beside it without
one. Each is started by what it is made with, tells of the frames that its viewers saw, and is ended
by `close`, whatever state it is in.
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

from harness.openssh import Sshd
from harness.processes import Process, Sightline, command_path
from harness.waiting import Lines

BUILD = pathlib.Path(command_path()).parent
GST_PORT = 5004  # in a namespace of the row's own, where nobody else is
START_S = 30
END_S = 20  # for what waits in the pubsub pattern's queues, too


def program(name):
    return str(BUILD / "bench" / f"bench-{name}")


def environment(folder):
    """The user's own configuration is left out."""
    return {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder),
            "XDG_STATE_HOME": str(folder)}  # fmt: skip


class Ages:
    """What a bench-ages says: frames as (time in µs, age in ms or None), and other figures."""

    def __init__(self, words, prefix=(), stdin=subprocess.DEVNULL):
        pipes = {"stdout": subprocess.PIPE, "stdin": stdin}
        self._process = Process([program("ages"), *words], prefix=prefix, **pipes)
        self._lines = Lines(self._process.stdout)

    def _wait(self, pattern, seconds):
        line = self._lines.wait_for(lambda text: re.match(pattern, text), seconds)
        if line is None:
            raise RuntimeError(f"no {pattern!r} came\n{self._process.account()}")
        return line

    def port(self):
        return json.loads(self._wait(r"\{", START_S))["port"]

    def wait_frame(self):
        self._wait(r"\d+ \d", START_S)

    def frames(self):
        """(time in µs, age in ms or None) of each so far."""
        if not self._process.running():
            raise RuntimeError(f"a viewer has ended by itself\n{self._process.account()}")
        split = [line.split() for line in self._lines.so_far() if line[:1].isdigit()]
        return [(int(at), None if age == "-" else float(age)) for at, age in split]

    def figures(self):
        """What it says at the end of its stream; nothing where that did not come in time."""
        line = self._lines.wait_for(lambda text: text.startswith('{"rejected"'), END_S)
        return json.loads(line) if line else {}

    def close(self):
        self._process.stopped_by_test = True
        self._process.finish()
        self._lines.close()


class Sender:
    """One that is under way. `viewers`: by host, what is seen there."""

    def __init__(self):
        self.viewers = {}
        self._left = contextlib.ExitStack()

    def keep(self, made):
        """Ends it with this sender."""
        self._left.callback(made.close if hasattr(made, "close") else made.finish)
        return made

    def wait_frames(self):
        for viewer in self.viewers.values():
            viewer.wait_frame()

    def told(self):
        """(time in µs, event) of what the sender told of itself meanwhile."""
        return []

    def end(self):
        """Ends the stream as its user would, and returns what its two ends say of themselves."""
        return {}

    def close(self):
        self._left.close()


class Command(Sender):
    """`sightline send` to one viewer, or to each of several. Live goes through sshd in each viewer's
    host; NetGear's patterns go directly, and stand for NetGear's own ends, which send the same
    JPEGs in the same messages."""

    def __init__(self, lab, hosts, film, pattern):
        super().__init__()
        folder = self._left.enter_context(tempfile.TemporaryDirectory(prefix="sl-live-"))
        tunnel = pattern == "live"
        ways = []
        for host in hosts:
            address = "127.0.0.1" if tunnel else lab.address(host)
            ages = Ages([f"address={address}", "port=0", f"pattern={pattern}"], lab.prefix(host))
            self.viewers[host] = self.keep(ages)
            ways.append((address, ages.port(), self._server(lab, host, folder) if tunnel else None))
        words = ["send", *film.for_command(), "--pattern", pattern, *self._places(ways)]
        self._command = self.keep(
            Sightline(words, environment(folder), folder, prefix=lab.prefix("camera"))
        )

    def _server(self, lab, host, folder):
        place = pathlib.Path(folder) / host
        place.mkdir()
        server = self.keep(
            Sshd(place, prefix=lab.prefix(host), addresses=[lab.address(host)]).start()
        )
        return server.destination(lab.address(host)), server.key, server.known_hosts

    @staticmethod
    def _places(ways):
        """The words for where it sends; those of one are the plain ones that everybody uses."""
        if len(ways) == 1:
            address, port, server = ways[0]
            words = ["--address", address, "--port", port]
            if server:
                words += ["--ssh", server[0], "--ssh-key", server[1]]
                words += ["-o", f"ssh_known_hosts={server[2]}"]
            return words
        words = []
        for address, port, server in ways:
            own = f",ssh={server[0]},key={server[1]},ssh_known_hosts={server[2]}" if server else ""
            words += ["--to", f"{address}:{port}{own}"]
        return words

    def told(self):
        """(time in µs, event) of each second's figures so far."""
        events = self._command.events
        every = [events.first(lambda event: True, 0, i) for i in range(events.count())]
        return [(int(at * 1e6), event) for event, at in every if event.get("event") == "stats"]

    def end(self):
        self._command.signal(signal.SIGINT)
        seen = {host: viewer.figures() for host, viewer in self.viewers.items()}
        sent = self._command.events.wait_for(lambda event: event.get("event") == "end", END_S)
        return {"viewers": seen, "sender": sent or {}}


class Pipeline(Sender):
    """GStreamer, H.264 at a fixed bitrate, over TCP or over RTP and UDP. A queue of one raw frame
    before the encoder has the newest win, as in Sightline; there is no jitter buffer; the stream is
    refreshed slice by slice, so that no large frame has to cross at once."""

    CODE = (
        "fdsrc fd=0 blocksize=1048576 ! y4mdec"
        " ! queue leaky=downstream max-size-buffers=1 max-size-bytes=0 max-size-time=0"
        " ! x264enc tune=zerolatency speed-preset=superfast bitrate={kbit} key-int-max=60"
        " intra-refresh=true vbv-buf-capacity=100"
        " ! video/x-h264,stream-format=byte-stream,alignment=au ! {send}"
    )
    # With direct rendering its pictures have margins, which y4menc would write, too.
    SHOW = (
        "{take} ! avdec_h264 thread-type=slice direct-rendering=false ! y4menc"
        " ! fdsink fd=1 sync=false"
    )
    RTP = "application/x-rtp,media=video,clock-rate=90000,encoding-name=H264,payload=96"
    WAYS = {
        "tcp": (
            "gdppay ! tcpclientsink host={address} port={port} sync=false",
            "tcpserversrc host={address} port={port} ! gdpdepay",
        ),
        "udp": (
            "rtph264pay config-interval=-1 aggregate-mode=zero-latency pt=96 mtu=1400"
            " ! udpsink host={address} port={port} sync=false async=false",
            f"udpsrc address={{address}} port={{port}} buffer-size=2000000 caps={RTP}"
            " ! rtph264depay ! video/x-h264,stream-format=byte-stream,alignment=au",
        ),
    }  # fmt: skip

    def __init__(self, lab, host, film, protocol, kbit):
        super().__init__()
        place = {"address": lab.address(host), "port": GST_PORT}
        send, take = (text.format(**place) for text in self.WAYS[protocol])
        show = self._launch(lab, host, self.SHOW.format(take=take), stdout=subprocess.PIPE)
        self.viewers[host] = self.keep(Ages(["-"], stdin=show.stdout))
        self._wait_bound(lab, host, protocol)
        # It ends when the pipeline, which is ended first, no longer reads.
        camera = self.keep(Process([program("film"), *film.for_program()], stdout=subprocess.PIPE))
        code = self.CODE.format(kbit=kbit, send=send)
        self._launch(lab, "camera", code, stdin=camera.stdout)

    def _launch(self, lab, host, pipeline, **pipes):
        words = ["gst-launch-1.0", "-q", *pipeline.split()]
        return self.keep(Process(words, prefix=lab.prefix(host), **pipes))

    @staticmethod
    def _wait_bound(lab, host, protocol):
        deadline = time.monotonic() + START_S
        while str(GST_PORT) not in lab.run(host, ["ss", "-Hln", f"--{protocol}"]).stdout:
            if time.monotonic() > deadline:
                raise RuntimeError("GStreamer's viewer does not listen")
            time.sleep(0.1)
