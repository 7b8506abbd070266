"""The link laboratory keeps to its settings.

Datagrams carry when they were sent, and the kernel notes when they came: how soon the receiver was
given a turn, on a busy machine, does not matter. What the emulator itself was too late for is in its
own counters. Medians and quartiles are looked at, and a machine that was too busy even for these
gets another try.
"""

import csv
import json
import os
import pathlib
import re
import stat
import statistics
import subprocess
import sys
import time

import pytest
from harness.processes import command_path

TOOL = pathlib.Path(__file__).resolve().parents[1] / "netlab"
sys.path.insert(0, str(TOOL))

import traces  # noqa: E402
from laboratory import Lab, Link, emulator, why_not  # noqa: E402

SIZE = 1228  # of a datagram; with its headers 1256
PACKET = SIZE + 28
PORT = 5000
TRIES = 8


RECEIVE = f"""
import socket, struct
port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
port.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS
port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
port.bind(("0.0.0.0", {PORT}))
print("here", flush=True)
while True:
    data, more, _, _ = port.recvmsg({SIZE}, 64)
    number, sent = struct.unpack_from("=qq", data)
    if number < 0:
        break
    seconds, nanoseconds = struct.unpack("qq", more[0][2])
    print(number, sent, seconds * 10**9 + nanoseconds)
"""

# So many, a while apart; then word of the end, again and again until it has been heard.
SEND = f"""
import socket, struct, sys, time
host, count, apart = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
port.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
port.connect((host, {PORT}))
begin = time.monotonic()
for number in range(count):
    time.sleep(max(0, begin + number * apart - time.monotonic()))
    port.send(struct.pack("=qq", number, time.time_ns()).ljust({SIZE}, b"."))
while True:
    time.sleep(0.1)
    port.send(struct.pack("=qq", -1, 0))
"""


@pytest.fixture
def joined(started):
    """Makes a laboratory of the links, or has the test skipped where there can be none."""

    def make(*links):
        if (why := why_not()) is not None:
            pytest.skip(why)
        return started.enter_context(Lab(*links))

    return make


def python(lab, host, program, *words, **channels):
    words = [*lab.prefix(host), sys.executable, "-c", program, *(str(word) for word in words)]
    return subprocess.Popen(words, text=True, **channels)


def send(lab, near, far, count, apart=0.0, meanwhile=lambda: None):
    """(number, sent, arrived) of each datagram that came, in seconds."""
    with python(lab, far, RECEIVE, stdout=subprocess.PIPE) as receiver:
        assert receiver.stdout.readline() == "here\n"
        words = [lab.address(far), count, apart]
        with python(lab, near, SEND, *words, stderr=subprocess.DEVNULL) as sender:
            meanwhile()
            lines = receiver.stdout.read().splitlines()
            sender.kill()
    rows = [[int(number) for number in line.split()] for line in lines]
    return [(number, sent / 1e9, arrived / 1e9) for number, sent, arrived in rows]


def burst(lab, link, count):
    """The same with all of them waiting when the link starts, in seconds after that: how fast a
    sender is does not matter."""

    def start():
        while link.counters()["forward"]["in"]["packets"] < count:
            time.sleep(0.01)
        link.start()

    link.start()
    link.set("forward", "rate=0 queue=10M")
    rows = send(lab, *link.ends, count, meanwhile=start)
    begin = link.counters()["forward"]["start_us"] / 1e6 + time.time() - time.monotonic()
    return [(number, sent - begin, arrived - begin) for number, sent, arrived in rows]


def comes_to(expected, within, measure):
    """What is measured is that, at least once: a busy machine may spoil some."""
    tries = []
    for _ in range(TRIES):
        tries.append(measure())
        if abs(tries[-1] - expected) <= within:
            return
    assert False, f"{expected} ± {within}, but measured {tries}"


def rate(rows):
    """Bits a second, as the median of what each half of them in a row took: some may be late."""
    half = len(rows) // 2
    took = [later[2] - earlier[2] for earlier, later in zip(rows, rows[half:])]
    return half * PACKET * 8 / statistics.median(took)


def test_rates_are_kept_and_steps_come_in_time(joined):
    link = Link("camera", "viewer", "rate=8M queue=2M @250ms rate=2M", "rate=3M queue=2M")
    lab = joined(link)
    step = int(8e6 * 0.25 / 8 / PACKET)  # so many are through by then

    def worst_share():
        rows = burst(lab, link, step + 100)
        shares = rate(rows[:step]) / 8e6, rate(rows[step + 1 :]) / 2e6
        return max(shares, key=lambda share: abs(share - 1))

    comes_to(1, 0.01, worst_share)
    comes_to(3e6, 3e4, lambda: rate(send(lab, "viewer", "camera", 150)))


def test_delays_are_kept_in_both_directions(joined):
    lab = joined(Link("camera", "viewer", "delay=25ms", "delay=40ms rate=50M"))

    def delay(near, far):
        rows = send(lab, near, far, 50, apart=0.003)
        return statistics.quantiles(arrived - sent for _, sent, arrived in rows)[0]

    comes_to(0.025, 0.001, lambda: delay("camera", "viewer"))
    comes_to(0.0402, 0.001, lambda: delay("viewer", "camera"))


def test_jitter_keeps_order(joined):
    lab = joined(Link("camera", "viewer", "delay=10ms jitter=30ms"))
    rows = send(lab, "camera", "viewer", 100, apart=0.002)
    assert [number for number, _, _ in rows] == list(range(100))
    delays = [arrived - sent for _, sent, arrived in rows]
    assert min(delays) >= 0.0099
    assert max(delays) - min(delays) > 0.01


def test_a_trace_is_followed(joined, folder):
    path = folder / "trace"
    traces.write(path, 4e6, 1, seed=5)
    stamps = [stamp / 1000 for stamp in traces.stamps(4e6, 1, seed=5)]
    link = Link("camera", "viewer", f"trace={path}")
    lab = joined(link)
    # It repeats from its end; an opportunity carries 1500 bytes, of any number of packets.
    times = [stamp + turn for turn in range(3) for stamp in stamps]

    def wrong():
        rows = burst(lab, link, len(stamps) * 3 // 2)
        due = [times[-(-(number + 1) * PACKET // 1500) - 1] for number, _, _ in rows]
        assert len(rows) == len(stamps) * 3 // 2
        return statistics.median(abs(row[2] - at) for row, at in zip(rows, due))

    comes_to(0, 0.001, wrong)
    counted = link.counters()["forward"]
    turns, rest = divmod(counted["seconds"], 1)
    could = int(turns) * len(stamps) + sum(1 for stamp in stamps if stamp <= rest)
    assert counted["capacity_bytes"] / 1500 == pytest.approx(could, abs=2)


def test_what_could_have_passed_is_told(joined):
    link = Link("camera", "viewer", "rate=4M @1s rate=1M @2s rate=0", "")
    joined(link)
    assert link.capacity("forward", 3, every_ms=500) == [
        0, 250000, 500000, 562500, 625000, 625000, 625000
    ]  # fmt: skip
    assert link.capacity("backward", 1)[-1] is None
    with pytest.raises(ValueError, match="capacity takes"):
        link.capacity("forward", 1, every_ms=0)


def test_what_is_missing_is_counted_and_logged(joined, folder):
    log = folder / "log"
    link = Link("camera", "viewer", "loss=10% rate=800k queue=30k", "", seed=3, log=log)
    lab = joined(link)
    rows = send(lab, "camera", "viewer", 200)
    counted = link.counters()["forward"]
    assert counted["lost"]["packets"] > 5
    assert counted["dropped"]["packets"] > 50
    assert counted["queue_peak_bytes"] <= 30000
    with open(log, encoding="ascii") as lines:
        logged = list(csv.DictReader(lines))
    data = [row for row in logged if int(row["bytes"]) == PACKET]
    fates = {fate: [row for row in data if row["fate"] == fate] for fate in ("lost", "dropped")}
    assert len(data) == 200
    assert len(rows) == 200 - len(fates["lost"]) - len(fates["dropped"])
    for row in data:
        if row["fate"] == "delivered":
            assert int(row["arrived_us"]) < int(row["served_us"]) <= int(row["delivered_us"])


def test_hosts_in_a_row_reach_each_other_through_the_middle(joined):
    lab = joined(Link("camera", "middle", "delay=5ms"), Link("middle", "viewer", "delay=7ms"))
    rows = send(lab, "camera", "viewer", 20)
    assert len(rows) == 20
    assert min(arrived - sent for _, sent, arrived in rows) >= 0.0119
    for link in lab.links:
        assert link.counters()["forward"]["out"]["packets"] >= 20
    routes = lab.run("camera", ["ip", "route", "show", "default"]).stdout
    assert routes == "", "there is a way out of the laboratory"


def test_nothing_stays_when_it_is_over():
    if (why := why_not()) is not None:
        pytest.skip(why)
    with Lab(Link("camera", "viewer")) as lab:
        name = lab.prefix("camera")[-1]
        assert name in os.listdir("/run/netns")
    assert name not in os.listdir("/run/netns")


def test_a_setting_that_is_none_is_refused(joined):
    with pytest.raises(RuntimeError, match="rate takes bits a second"):
        joined(Link("camera", "viewer", "rate=fast"))
    link = Link("camera", "viewer", "rate=1M")
    joined(link)
    with pytest.raises(ValueError, match="loss takes a share"):
        link.set("forward", "loss=often")
    link.set("backward", "loss=1% rate=none")


def command(*words, prefix=()):
    words = [*prefix, str(TOOL / "netlab"), *(str(word) for word in words)]
    environment = {**os.environ, "SIGHTLINE": command_path()}
    return subprocess.run(words, capture_output=True, text=True, env=environment, check=False)


TALK = """
import os, socket, sys
listening = socket.create_server((os.environ["NETLAB_HERE"], 5001))
peer, _ = listening.accept()
peer.sendall(b"x" * 100000)
"""
HEAR = """
import os, socket, time
while True:
    try:
        peer = socket.create_connection((os.environ["NETLAB_PEER"], 5001))
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
while data := peer.recv(65536):
    print(len(data))
raise SystemExit(7)
"""


def check_command(folder, prefix=()):
    """Both ends run, meet, and what they say, return and send is told."""
    (folder / "talk").write_text(TALK, encoding="ascii")
    counters = folder / "counters"
    words = ["--rate", "8M", "--delay", "5ms", "--back", "rate=4M", "--counters", counters]
    far = ["--far", f"exec {sys.executable} {folder / 'talk'}"]
    done = command(*words, *far, "--", sys.executable, "-c", HEAR, prefix=prefix)
    assert done.returncode == 7, done.stderr
    assert sum(int(line) for line in done.stdout.split()) == 100000
    assert re.search(r"^netlab: backward .* Mbit/s", done.stderr, re.M)
    counted = json.loads(counters.read_text(encoding="ascii"))
    assert counted["backward"]["out"]["bytes"] > 100000
    assert counted["backward"]["path_ms"]["median"] >= 5


def test_the_command_runs_both_ends(folder):
    if (why := why_not()) is not None:
        pytest.skip(why)
    check_command(folder)


def test_the_command_needs_no_root(folder):
    if os.geteuid() != 0:
        pytest.skip("the other tests have shown it")
    # Somebody who may open the devices, as anybody may where udev made them.
    mounts = []
    for name, number in (("net/tun", os.makedev(10, 200)), ("null", os.makedev(1, 3))):
        node = folder / pathlib.Path(name).name
        try:
            os.mknod(node, stat.S_IFCHR, number)
        except PermissionError:
            pytest.skip("devices can't be made here")
        node.chmod(0o666)
        mounts.append(f"mount --bind {node} /dev/{name}")
    become = 'exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"'
    prefix = ["unshare", "--mount", "sh", "-c", " && ".join([*mounts, become]), "sh"]
    folder.chmod(0o777)
    tried = ["unshare", "--user", "--map-root-user", "sh", "-c", f"test -x {emulator()}"]
    done = subprocess.run([*prefix, *tried], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"user namespaces, or the program, are not for everybody here: {done.stderr}")
    check_command(folder, prefix)


def test_the_command_says_what_it_does_not_take():
    if (why := why_not()) is not None:
        pytest.skip(why)
    done = command("--delay", "soon", "--", "true")
    assert done.returncode == 1
    assert done.stderr == 'netlab: delay takes a time up to a day, such as 25ms or 1.5s, not "soon"\n'
