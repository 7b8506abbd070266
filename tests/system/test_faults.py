"""Whatever breaks between the ends, in all patterns at once: it is noticed in time, and frames come
again by themselves once nothing stands in the way. The figures stand in the report."""

import itertools

import pytest
from harness.netgear import PATTERNS

ENDS = ("camera", "viewer")


def test_faults_that_the_kernel_tells_of(stage):
    """Sooner than any silence could."""
    running = stage("both", camera=["-o", "ssh_alive_timeout=600"])
    with running.fault("session processes killed") as fault:
        running.server.kill_sessions()
    fault.noticed().over(since=fault.begin)
    with running.fault("the camera's address changed", ends=["camera"]) as fault:
        running.network.change_address("camera", "10.77.1.9")
    fault.noticed().over(since=fault.begin)


def test_server_stopped_with_its_buffers_full(stage):
    """Its kernel takes more than the question waits behind, and then no more: that is no life."""
    running = stage("both", camera=["--raw"])
    with running.fault("server stopped (SIGSTOP), much on its way") as fault:
        running.server.pause()
    fault.noticed()
    running.server.resume()
    fault.over()


@pytest.mark.parametrize("way", ["both", "gate"])
def test_ends_restarted(way, stage):
    running = stage(way, patterns=[*PATTERNS, "live"])
    for end in ENDS:
        with running.fault(f"{end} restarted", ends=()) as fault:
            running.kill(end)
        running.start_ends(end)
        fault.over()


@pytest.mark.limit(300)
def test_start_in_any_order(stage):
    running = stage("both", start=False, camera=["--persist"], viewer=["--persist"])
    for order in itertools.permutations(("server", *ENDS)):
        running.server.stop()
        fault = running.fault(f"started in order: {', '.join(order)}", ends=())
        for what in order:
            running.server.start() if what == "server" else running.start_ends(what, ready=False)
        fault.over()
        for end in ENDS:
            running.kill(end)


def set_links(running, state):
    for end in ENDS:
        running.network.set_link(end, state)


def restart_server(running):
    running.server.stop()
    running.server.start()


LASTING = {
    "server killed": (lambda running: running.server.stop(), restart_server),
    # Its kernel goes on acknowledging: only the silence of the server itself tells.
    "server stopped (SIGSTOP)": (
        lambda running: running.server.pause(),
        lambda running: running.server.resume(),
    ),
    "server takes connections and says nothing": (
        lambda running: running.server.fall_silent(),
        restart_server,
    ),
    "link down": (
        lambda running: set_links(running, "down"),
        lambda running: set_links(running, "up"),
    ),
}


def begin(stages, name, strike):
    """The same fault on each stage; its name may hold the stage's."""
    faults = {}
    for title, running in stages.items():
        with running.fault(name.format(title)) as faults[title]:
            strike(title, running)
    return faults


def end(stages, faults, seconds, heal):
    """One after the other."""
    for title, fault in faults.items():
        fault.noticed().lasts(seconds)
        heal(title, stages[title])
        fault.over()


@pytest.mark.limit(300)
def test_lasting_faults(stage):
    """Side by side, each on a stage of its own: whatever lasts for ten seconds does so while packets
    are dropped elsewhere for thirty. Of those neither end hears from its kernel."""
    ends = {"both": ENDS, "gate": ["camera"], "viewer": ["viewer"], "sender": ["camera"]}
    dark = {way: stage(way) for way in ends}
    dropped = begin(dark, "packets dropped for 30 s",
                    lambda way, running: running.network.drop_silently(ends[way]))  # fmt: skip
    moved = viewer_with_another_address(stage)
    struck = {name: stage("both") for name in LASTING}
    faults = begin(struck, "{} for 10 s", lambda name, running: LASTING[name][0](running))
    end(struck, faults, 10, lambda name, running: LASTING[name][1](running))
    end(dark, dropped, 30, lambda way, running: running.network.let_through(ends[way]))
    moved.over(since=moved.begin, limit=30)


def viewer_with_another_address(stage):
    """The server takes its dead session for alive until it has asked in vain, and keeps the port
    for it so long: that takes OpenSSH's longer than it says, while frames come for it."""
    running = stage("both", options=["ClientAliveInterval 1", "ClientAliveCountMax 2"])
    name = "the viewer's address changed, its port held till the server gives the old one up"
    with running.fault(name, ends=["viewer"]) as fault:
        running.network.change_address("viewer", "10.77.2.9")
    return fault.noticed()


def test_keys_exchanged_every_megabyte(stage):
    """Five times at least, in each of the six sessions."""
    running = stage("both", options=["RekeyLimit 1M"], camera=["--raw"])
    for pair in running.pairs.values():
        pair.ends["viewer"].after(120)
    for pair in running.pairs.values():
        for end in ENDS:
            assert pair.ends[end].next_stats()["tunnel"]["reconnects"] == 0
    assert len(running.server.logged("SSH2_MSG_NEWKEYS received")) >= 6 * (1 + 5)
