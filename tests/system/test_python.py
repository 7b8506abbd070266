"""The Python module: arrays, calls, waiting and ends, between its own ends and with NetGear peers."""

import contextlib
import signal
import threading
import time
import weakref

import numpy
import pytest
from harness import netgear, ports
from harness.gears import NetGear, aside, pair, receiver, sender
from harness.waiting import wait_until

from sightline.gears import ends, modes

RAW = {"jpeg_compression": False}
PATTERNS = {0: "pair", 1: "reqrep", 2: "pubsub"}


def picture(number=0, height=48, width=64):
    """One that can still be told from others after JPEG: it is of one gray."""
    return numpy.full((height, width, 3), 3 * number, numpy.uint8)


def number_of(frame):
    return round(frame.mean() / 3)


def spread(*shape):
    return numpy.arange(numpy.prod(shape), dtype=numpy.int64).reshape(shape)


@contextlib.contextmanager
def handled(number, handler):
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("this test was not given the main thread, which alone may handle signals")
    before = signal.signal(number, handler)
    yield
    signal.signal(number, before)


@pytest.fixture
def addresses(monkeypatch):
    """Where in memory the frames are that the library hands out: (address, size) of each."""
    seen = []

    def look(slot):
        seen.append((int(ends.ffi.cast("uintptr_t", slot[0].planes[0])), slot[0].size))
        return convert(slot)

    convert = modes.to_array
    monkeypatch.setattr(modes, "to_array", look)
    return seen


@pytest.mark.parametrize("compression", [False, "BGR", "GRAY"])
def test_received_array_is_the_librarys_memory(compression, addresses):
    with pair(jpeg_compression=compression) as (here, there):
        sent = picture(9) if compression != "GRAY" else picture(9)[:, :, 0]
        here.send(sent)
        array = there.recv()
    assert not array.flags.owndata
    assert (array.__array_interface__["data"][0], array.nbytes) == addresses[0]
    assert array.shape == sent.shape and number_of(array) == 9
    array[0, 0] = 7  # nobody else's


def test_received_arrays_stay_valid():
    kept = []
    with pair(**RAW) as (here, there):
        for number in range(8):
            here.send(picture(number))
            kept.append(there.recv())
    assert all(numpy.array_equal(array, picture(number)) for number, array in enumerate(kept))


def test_memory_goes_back_when_nobody_looks_at_it(addresses):
    with pair(**RAW) as (here, there):
        for _ in range(40):
            here.send(picture(0, 720, 1280))
            part = there.recv()[:10]
        assert part.max() == 0
    assert len({address for address, _ in addresses}) < 20


def test_iterating_keeps_no_frame(monkeypatch):
    """What the program has let go is gone before the next is asked for."""
    gone = []
    with pair(**RAW) as (here, there):
        recv = there.recv

        def look():
            gone.extend(frame() is None for frame in seen)
            return recv()

        seen = []
        monkeypatch.setattr(there, "recv", look)
        for number in range(3):
            here.send(picture(number))
        here.close()
        for frame in there:
            seen.append(weakref.ref(frame))
            del frame
    assert gone == [True] * 6


def test_contiguous_arrays_are_not_copied(monkeypatch):
    lent = []

    class Loan(ends.Loan):
        def __init__(self, array):
            lent.append(array)
            super().__init__(array)

    monkeypatch.setattr(ends, "Loan", Loan)
    frame = picture()
    with pair() as (here, there):
        here.send(frame)
        here.send(frame[:, ::2])
        assert there.recv().shape == frame.shape
        assert there.recv().shape == frame[:, ::2].shape
    assert lent[0].ctypes.data == frame.ctypes.data
    assert lent[1].ctypes.data != frame.ctypes.data


@pytest.mark.parametrize("compression", [True, False])
@pytest.mark.parametrize("pattern", [0, 1])
def test_one_array_may_be_filled_again_and_again(pattern, compression):
    """What was sent is what was in it then; and with these patterns each frame arrives."""
    frame = picture(0, 240, 320)
    with pair(pattern, jpeg_compression=compression) as (here, there), aside(list, there) as got:
        for number in range(60):
            frame[:] = picture(number, 1, 1)
            here.send(frame)
        here.close()
    assert [number_of(each) for each in got[0]] == list(range(60))


def test_raw_array_is_copied_where_nobody_waits():
    """Over pubsub a slow receiver leaves pixels with the library: what comes is never a mixture."""
    frame = numpy.zeros((1080, 1920, 3), numpy.uint8)
    with pair(2, **RAW) as (here, there), aside(list, there) as got:
        for number in range(40):
            frame[:] = number
            here.send(frame)
        here.close()
    assert got[0]
    assert all(each.min() == each.max() for each in got[0])


@pytest.mark.parametrize(
    "dtype", ["uint8", "uint16", "int32", "float32", "float64", ">u2", ">f8", "bool", "complex64"]
)
@pytest.mark.parametrize("shape", [(12,), (3, 4), (2, 3, 2), (1, 2, 3, 2)])
def test_raw_arrays_of_every_kind(dtype, shape):
    sent = spread(*shape).astype(dtype)
    with pair(**RAW) as (here, there):
        here.send(sent)
        got = there.recv()
    assert got.dtype == sent.dtype and numpy.array_equal(got, sent)


@pytest.mark.parametrize("pattern", [0, 1, 2])
@pytest.mark.parametrize("colorspace", [None, "BGR", "RGBA", "GRAY"])
def test_with_netgear_peers(pattern, colorspace, peer):
    """Once as the receiver of a NetGear sender, once the other way round."""
    depth = {None: 3, "BGR": 3, "RGBA": 4}.get(colorspace)
    sent = numpy.full((48, 64) + ((depth,) if depth else ()), 99, numpy.uint8)
    if colorspace == "RGBA":
        sent[:, :, 3] = 255
    options = {"jpeg_compression": colorspace or False}
    with receiver(pattern, **options) as there:
        camera = netgear.subscribed_sender(
            f"tcp://127.0.0.1:{there.stats.port}", PATTERNS[pattern]
        )
        peer(camera)
        with aside(camera.send, sent, colorspace):
            assert numpy.array_equal(there.recv(), sent)
    viewer = peer(netgear.Receiver(PATTERNS[pattern]))
    with sender(viewer.port, pattern, **options) as here, aside(viewer.recv) as got:
        while not got:
            here.send(sent)
            time.sleep(0.01)
    assert numpy.array_equal(got[0], sent)


def test_pubsub_gives_the_newest_or_every_frame():
    for every in (False, True):
        with receiver(2, every_frame=every) as there, sender(there.stats.port, 2) as here:
            while not here.stats.connected or there.stats.frames == 0:
                here.send(picture(0))
                with contextlib.suppress(TimeoutError):
                    there.recv(timeout=0.05)
            for number in range(1, 9):
                before = here.stats.bytes
                here.send(picture(number, 480, 640))
                # It has left, which no smaller one makes look so: a busy sender would skip some.
                wait_until(lambda: here.stats.bytes > before + 3000)
            wait_until(lambda: there.stats.bytes >= here.stats.bytes)  # before the first is taken
            here.close()
            numbers = [number_of(frame) for frame in there]
            while numbers and numbers[0] == 0:
                numbers.pop(0)
        assert numbers[-1] == 8 and numbers == sorted(set(numbers))
        assert (len(numbers) == 8) if every else (len(numbers) < 8)


def test_end_of_the_stream_and_figures():
    with pair() as (here, there):
        assert here.send(picture()) is None
        assert there.recv().shape == (48, 64, 3)
        here.close()
        assert there.recv() is None and there.recv() is None
    for end in (here, there):
        assert end.stats.frames == 1 and end.stats.bytes > 0 and end.stats.tunnel == "none"
    here.close()
    with pytest.raises(RuntimeError, match="closed"):
        here.send(picture())


def test_waiting_lets_other_threads_run():
    with receiver() as there:
        counted = 0

        def count():
            nonlocal counted
            while not done.is_set():
                counted += 1

        done = threading.Event()
        with aside(count):
            begun = time.monotonic()
            with pytest.raises(TimeoutError, match="0.3 s"):
                there.recv(timeout=0.3)
            assert 0.25 < time.monotonic() - begun < 5
            done.set()
    assert counted > 1000


def test_close_ends_what_another_thread_waits_for():
    with receiver() as there, aside(there.recv) as got:
        there.close()
    assert got == [None]


def test_interrupt_ends_recv():
    with receiver() as there:
        timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
        timer.start()
        assert there.recv() is None
        assert there.recv() is None


def test_wrong_ends_and_wrong_frames():
    with pair() as (here, there):
        with pytest.raises(ValueError, match="receive_mode"):
            there.send(picture())
        with pytest.raises(ValueError, match="receive_mode"):
            here.recv()
        with pytest.raises(TypeError, match="array"):
            here.send(None)
        for wrong in (picture().astype("float32"), picture()[:, :, :2], numpy.zeros(5, "uint8")):
            with pytest.raises(ValueError, match="JPEG"):
                here.send(wrong)
        here.send(picture())
        assert there.recv() is not None  # none of this has harmed it
        with pytest.raises(ValueError, match="JPEG"):
            here.send(numpy.zeros((65536, 1), numpy.uint8))
    with pair(**RAW) as (here, there):
        with pytest.raises(ValueError, match="dtype"):
            here.send(numpy.array([{}]))


@pytest.mark.parametrize("compression", [True, False])
def test_arrays_without_elements_are_refused(compression):
    """And harm nothing, whichever way they were to go."""
    with pair(jpeg_compression=compression, bidirectional_mode=True) as (here, there):
        for shape in ((0, 64), (48, 0, 3)):
            with pytest.raises(ValueError, match="without elements"):
                here.send(numpy.zeros(shape, numpy.uint8))
            with pytest.raises(ValueError, match="without elements"):
                there.recv(numpy.zeros(shape, numpy.uint8))
        with aside(there.recv) as got:
            here.send(picture(9))
        assert number_of(got[0][1]) == 9


def test_message_that_is_nested_too_deep():
    message = []
    for _ in range(100_000):
        message = [message]
    with pair(bidirectional_mode=True) as (here, there):
        with pytest.raises(ValueError, match="too deep"):
            here.send(picture(), message=message)
        with pytest.raises(ValueError, match="too deep"):
            there.recv(message)


def test_array_as_a_message_is_dropped(caplog):
    with pair() as (here, there):
        here.send(picture(), message=numpy.zeros(3))
        assert there.recv().shape == (48, 64, 3)
    assert "message was dropped" in caplog.text


def test_port_in_use():
    with receiver() as there, pytest.raises(RuntimeError, match="in use|taken"):
        NetGear("127.0.0.1", port=there.stats.port, pattern=1, receive_mode=True)


def test_closed_ssh_port():
    closed = ports.free_port()
    with pytest.raises(AssertionError, match=str(closed)):
        NetGear("127.0.0.1", pattern=2, ssh_tunnel_mode=f"nobody@127.0.0.1:{closed}")


def test_a_signal_handler_may_close_what_is_waited_for():
    """Its thread is inside the very call."""
    with receiver() as there, sender(ports.free_port()) as here:
        for end, call in ((there, there.recv), (here, lambda: here.send(picture()))):
            with handled(signal.SIGUSR1, lambda *_, end=end: end.close()):
                threading.Timer(0.1, signal.raise_signal, [signal.SIGUSR1]).start()
                with contextlib.suppress(RuntimeError):  # sending, it says that it was closed
                    assert call() is None


def test_a_signal_handler_may_close_what_is_looked_at(monkeypatch):
    read = ends.read_stats
    with receiver() as there:

        def interrupted(figures):
            monkeypatch.undo()
            there.close()
            return read(figures)

        monkeypatch.setattr(ends, "read_stats", interrupted)
        with aside(lambda: there.stats) as stats:
            pass
        assert stats[0].port == there.stats.port
