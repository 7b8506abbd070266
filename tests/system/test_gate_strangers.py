"""Who has no business at the viewer's gate: no way in, and the camera streams on."""

import contextlib
import itertools
import pathlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import paramiko
import pytest
from harness import gates, hostile
from harness.waiting import allow, wait_until

STANDSTILL_MOST = 5  # seconds without a frame, on a machine that is busy with strangers


@contextlib.contextmanager
def camera_streams_on(opened, streaming):
    """The camera's frames keep coming, through the one connection that it has made."""
    streaming.after(10)
    start = opened.viewer.events.count()
    yield
    last = opened.viewer.next_stats()
    opened.viewer.after(last["frames"] + 30)
    counts = [each["frames"] for each in opened.viewer.events.so_far()[start:]
              if each["event"] == "stats"]  # fmt: skip
    assert len(set(counts)) > 1
    still = max(len(list(same)) for _, same in itertools.groupby(counts))
    assert still <= STANDSTILL_MOST, f"no frame for {still} s: {counts}"
    assert streaming.next_stats()["reconnects"] == 0
    assert streaming.running() and opened.viewer.running()


class Footprint:
    """What the viewer holds of the system."""

    def __init__(self, viewer):
        process = pathlib.Path(f"/proc/{viewer.pid}")
        self.threads = len(list((process / "task").iterdir()))
        self.descriptors = len(list((process / "fd").iterdir()))
        status = (process / "status").read_text(encoding="ascii")
        self.memory_kib = int(status.partition("VmRSS:")[2].split()[0])

    def __repr__(self):
        return f"{self.threads} threads, {self.descriptors} descriptors, {self.memory_kib} KiB"


def test_idle_connections(gate, camera):
    opened = gate("pair")
    with camera_streams_on(opened, camera(opened, "pair")):
        before = Footprint(opened.viewer)
        idle = [opened.connect() for _ in range(100)]
        opened.viewer.next_stats()
        assert Footprint(opened.viewer).threads <= before.threads + 2 * 16 + 1
        opened.try_ssh("-N", "-o", "PubkeyAuthentication=no")  # there is room to say who one is
        for stranger in idle:
            stranger.close()


@pytest.mark.sanitized
def test_words_out_of_turn(gate, camera):
    opened = gate("pair")
    with camera_streams_on(opened, camera(opened, "pair")):
        for name, words in gates.out_of_turn(opened.link_port).items():
            with opened.connect() as stranger:
                heard = b""
                try:
                    stranger.sendall(words)
                    stranger.shutdown(socket.SHUT_WR)
                    while piece := stranger.recv(4096):
                        heard += piece
                except OSError:
                    pass  # cut off before it was done
            assert b"\xff\0\0\0\0\0\0\0" not in heard, f"{name}: ZeroMQ spoke to a stranger"
            assert opened.viewer.running(), f"ended by {name}\n{opened.viewer.account()}"


@pytest.mark.sanitized
def test_encrypted_words_out_of_turn(gate, camera):
    """After each of them the stranger tries to reach the link."""
    opened = gate("pair")
    with camera_streams_on(opened, camera(opened, "pair")):
        for name, messages in hostile.before_log_in(opened.paramiko_key()).items():
            with contextlib.closing(hostile.Stranger(opened.port)) as stranger:
                stranger.say(*messages)
                stranger.settle()
                stranger.say(hostile.channel(opened.link_port), (hostile.DATA, 43, b"\xff"))
                assert not stranger.granted(), f"{name}: {stranger.heard}"
            assert opened.viewer.running(), f"ended by {name}\n{opened.viewer.account()}"


def test_wrong_proofs_are_counted(gate, camera):
    """The SSH library passes over a wrong signature in silence, whatever it took to check it."""
    opened = gate("pair")
    service, wrong = hostile.before_log_in(opened.paramiko_key())["a key with a wrong proof"]
    with camera_streams_on(opened, camera(opened, "pair")):
        with contextlib.closing(hostile.Stranger(opened.port)) as stranger:
            stranger.say(service, *[wrong] * 200)
            opened.viewer.wait_said("more than a log-in needs")
            stranger.settle()
            assert not stranger.is_active()


def come_in(opened):
    insider = hostile.Stranger(opened.port)
    insider.auth_publickey("camera", opened.paramiko_key())
    return contextlib.closing(insider)


@pytest.mark.sanitized
def test_words_that_a_camera_may_not_say(gate, camera):
    """Who has logged in gets a channel to the link, and nothing more for any words."""
    opened = gate("pair")
    place = ("localhost", opened.link_port)
    with camera_streams_on(opened, camera(opened, "pair")):
        for name, words in hostile.AFTER_LOG_IN.items():
            with come_in(opened) as insider:
                channel = insider.open_channel("direct-tcpip", place, ("127.0.0.1", 0))
                insider.say(*words(opened.link_port, channel.remote_chanid))
                assert insider.granted() == ["a log-in", "a channel"], f"{name}: {insider.heard}"
            assert opened.viewer.running(), f"ended by {name}\n{opened.viewer.account()}"


def test_data_after_the_end_of_a_channel(gate, camera):
    """The gate has closed the channel, and the insider never does: there is an end to what comes."""
    opened = gate("pair")
    with camera_streams_on(opened, camera(opened, "pair")), come_in(opened) as insider:
        place = ("localhost", opened.link_port)
        channel = insider.open_channel("direct-tcpip", place, ("127.0.0.1", 0))
        insider._channels.delete(channel.get_id())  # or it would be closed here too
        insider.say((hostile.DATA, channel.remote_chanid, b"GET / HTTP/1.1\r\n\r\n"),
                    (hostile.EOF, channel.remote_chanid))  # fmt: skip
        insider.wait_heard(hostile.CLOSE)
        insider.say(*[(hostile.DATA, channel.remote_chanid, bytes(30000))] * 280)
        opened.viewer.wait_said("it sends more than it may")
        insider.settle()
        assert not insider.is_active()


def test_channels_have_a_limit(gate):
    opened = gate("pair")
    with come_in(opened) as insider:
        numbers = range(100, 120)
        insider.channels_seen.update(dict.fromkeys(numbers, True))  # or their data would end it
        insider.say(*[hostile.channel(opened.link_port, number=number) for number in numbers])
        assert insider.granted().count("a channel") == 8


def test_a_session_is_a_pause_and_nothing_else(gate):
    opened = gate("pair")
    for command in ("id", "sleep", "sleep x", "sleep 1; id", "sleep 100000", "sleep -1", "sleep 0"):
        with come_in(opened) as insider, pytest.raises(paramiko.SSHException):
            insider.open_session().exec_command(command)
        assert insider.heard.count(100) == 1, f"{command}: {insider.heard}"
    with come_in(opened) as insider:
        session = insider.open_session()
        with pytest.raises(paramiko.ChannelException):
            insider.open_session()
        began = time.monotonic()
        with pytest.raises(paramiko.SSHException):
            session.exec_command("sleep 1")
        assert time.monotonic() - began >= 1
        assert insider.granted() == ["a log-in", "a channel"]


def drip(opened, at_once, slowly=b""):
    """Says something, goes on a byte at a time, and returns when the gate ends the connection."""
    with opened.connect() as stranger:
        stranger.settimeout(0.2)
        with contextlib.suppress(ConnectionError):
            stranger.sendall(at_once)
            for number in itertools.count():
                stranger.sendall(slowly[number : number + 1])
                with contextlib.suppress(TimeoutError):
                    if not stranger.recv(4096):
                        return


def stall(opened, *messages, pause_s=0, endless=False):
    """The same once keys are exchanged; `endless`: it never stops saying that."""
    stranger = hostile.Stranger(opened.port)
    stranger.line.pause_s = pause_s
    stranger.say(*messages)
    while endless and stranger.is_alive():
        stranger.say(*messages)
        time.sleep(0.05)
    stranger.join()


def test_slow_log_ins(gate, camera):
    """They end when the time for a log-in is over, whatever happens until then."""
    opened = gate("pair", "-o", "gate_login_timeout=3", "-o", "gate_max_unauthenticated=50")
    key = opened.paramiko_key()
    publickey = hostile.log_in("publickey", False, key.get_name(), key.asbytes())
    exchange = gates.BANNER + gates.key_exchange()
    slow = [
        (drip, b""),
        (drip, b"", b"SSH-2.0-" + b"x" * 200),
        (drip, gates.BANNER),
        (drip, gates.BANNER, gates.key_exchange()),
        (drip, exchange),
        (drip, exchange, gates.packet(b"\x1e" + gates.text(bytes(32)))),
        (stall,),
        (stall, hostile.SERVICE),
        (stall, hostile.SERVICE, publickey),
    ]
    with camera_streams_on(opened, camera(opened, "pair", "--persist")):
        with ThreadPoolExecutor(len(slow) + 2) as pool:
            ends = [pool.submit(each[0], opened, *each[1:]) for each in slow]
            ends.append(pool.submit(stall, opened, hostile.SERVICE, publickey, pause_s=0.2))
            ends.append(pool.submit(stall, opened, (2, b"x"), endless=True))
            for end in ends:
                end.result(allow(20))
        opened.viewer.wait_said("has not logged in within 3 s")


SHORT_VISITS = (
    b"",
    gates.BANNER,
    gates.BANNER + gates.key_exchange(),
    gates.BANNER + gates.key_exchange() + gates.packet(b"\x1e" + gates.text(b"\x09" + bytes(31))),
)


def visit(opened, visits):
    """Connects so many times, and goes at different stages; how often it was greeted."""
    greeted = 0
    for number in range(visits):
        with opened.connect() as stranger, contextlib.suppress(ConnectionError):
            stranger.sendall(SHORT_VISITS[number % len(SHORT_VISITS)])
            greeted += stranger.recv(4) == b"SSH-"
    return greeted


def test_ten_thousand_connections_in_a_row(gate, camera):
    opened = gate("pair")
    with camera_streams_on(opened, camera(opened, "pair")), ThreadPoolExecutor(4) as pool:

        def visits(count):
            before = opened.viewer.next_stats()["frames"]
            greeted = sum(pool.map(lambda _: visit(opened, count // 4), range(4)))
            assert greeted > 0.99 * count
            opened.viewer.after(before + 60)
            return Footprint(opened.viewer)

        def fits(after):
            few = after.threads <= before.threads + 2
            return after if few and after.descriptors <= before.descriptors + 8 else None

        before = visits(1000)
        visits(9000)
        after = wait_until(lambda: fits(Footprint(opened.viewer)))  # the last are still leaving
        assert after.memory_kib <= before.memory_kib + 4096, f"{before}, then {after}"
