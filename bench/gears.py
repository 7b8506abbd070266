"""Both ends of a measurement in Python, as fast as frames are taken; frames are made before the
clock starts. Takes the words of bench-send and bench-view, and prints what they print.

    gears.py send FRAMES 0 SECONDS [KEY=VALUE…]
    gears.py view [KEY=VALUE…]
"""

import json
import pathlib
import re
import sys
import time

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))

from sightline.gears import NetGear  # noqa: E402

WARM_S = 0.5
PATTERNS = {"pair": 0, "reqrep": 1, "pubsub": 2}
WORDS = {"true": True, "false": False}


def netgear(words, **more):
    options = dict(word.split("=", 1) for word in words)
    pattern = PATTERNS[options.pop("pattern")]
    options = {name: WORDS.get(value, value) for name, value in options.items()}
    return NetGear(pattern=pattern, **options, **more)


def load(path):
    width, height = map(int, re.search(r"(\d+)x(\d+)", path).groups())
    return list(numpy.fromfile(path, numpy.uint8).reshape(-1, height, width, 3))


def send(path, _rate, seconds, *words):
    frames, sent = load(path), 0
    with netgear(words) as camera:
        while not camera.stats.connected:
            time.sleep(0.01)
        begun = time.monotonic()
        while time.monotonic() - begun < float(seconds):
            camera.send(frames[sent % len(frames)])
            sent += 1
        print(json.dumps({"sent": sent, "seconds": time.monotonic() - begun}))


def view(*words):
    times, size = [], 0
    with netgear(words, receive_mode=True) as viewer:
        print(json.dumps({"port": viewer.stats.port}), flush=True)
        for frame in viewer:
            times.append(time.monotonic())
            size = frame.nbytes
            del frame  # before the next is asked for, as bench-view does
    times = [moment for moment in times if moment - times[0] >= WARM_S]
    fps = (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0
    print(json.dumps({"fps": fps, "bytes_per_s": fps * size}))


if __name__ == "__main__":
    {"send": send, "view": view}[sys.argv[1]](*sys.argv[2:])
