"""Programs in Python that fork: what the parent has open is none of the child's business."""

import subprocess
import textwrap

import pytest
from harness.gears import PYTHON
from harness.waiting import allow

OPEN = """
    import os, sys, threading
    import numpy
    from sightline.gears import NetGear, VideoGear

    RAW = {"pattern": 1, "jpeg_compression": False}

    def carry(here, there, numbers):
        for number in numbers:
            here.send(numpy.full((48, 64), number, numpy.uint8))
            assert there.recv()[0, 0] == number

    def pair():
        there = NetGear("127.0.0.1", 0, receive_mode=True, **RAW)
        return NetGear("127.0.0.1", there.stats.port, **RAW), there

    here, there = pair()
    carry(here, there, range(5))
    here.send(numpy.full((480, 640), 7, numpy.uint8))
    kept = there.recv()
    stream = VideoGear(source="pattern:64x48").start()
    assert stream.read() is not None
    idle = NetGear("127.0.0.1", 0, receive_mode=True, **RAW)
    waiting = threading.Thread(target=idle.recv, daemon=True)
    waiting.start()
"""

CHILD = """
    def child():
        global kept
        assert kept.shape == (480, 640) and (kept == 7).all()
        del kept
        for end in (here, there, idle):
            assert end.stats.port > 0
        assert there.recv() is None and stream.read() is None
        try:
            here.send(numpy.zeros((48, 64), numpy.uint8))
        except RuntimeError as error:
            assert "fork" in str(error)
        else:
            assert False
        for thing in (here, there, idle):
            thing.close()
        own = pair()
        carry(*own, range(5))
        here.close()
"""

AFTER = """
    assert (kept == 7).all()
    carry(here, there, range(5))
    assert stream.read() is not None
    print("all is well")
"""

PLAIN = """
    pid = os.fork()
    if pid == 0:
        child()
        sys.exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""

MULTIPROCESSING = """
    import multiprocessing

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    assert process.exitcode == 0
"""


@pytest.mark.parametrize("way", [PLAIN, MULTIPROCESSING], ids=["plain", "multiprocessing"])
def test_forked_child_leaves_alone_what_its_parent_has_open(way, environment):
    script = "".join(map(textwrap.dedent, (OPEN, CHILD, way, AFTER)))
    done = subprocess.run(
        ["/usr/bin/python3", "-B", "-c", script], env={**environment, "PYTHONPATH": str(PYTHON)},
        check=False, capture_output=True, text=True, timeout=allow(60),
    )  # fmt: skip
    assert done.returncode == 0 and done.stdout == "all is well\n", done.stderr
