"""Whatever breaks between the ends, in all three patterns at once: it is noticed in time, and frames
come again by themselves once nothing stands in the way. The figures stand in the report."""

import itertools

import pytest
from harness.ports import Listener

ENDS_ORDERS = [order for order in itertools.permutations(("server", "viewer", "camera"))]


def test_server_killed_and_restarted(stage):
    running = stage("both")
    fault = running.fault("server killed, back after 6 s")
    running.server.stop()
    fault.noticed()
    fault.lasts(6)
    running.server.start()
    fault.over()


def test_session_killed(stage):
    running = stage("both")
    fault = running.fault("session process killed")
    running.server.kill_sessions()
    fault.noticed()
    fault.over(since=fault.begin)


def test_server_stopped(stage):
    """Its kernel goes on acknowledging: only the silence of the server itself tells."""
    running = stage("both")
    fault = running.fault("server stopped (SIGSTOP) for 10 s")
    running.server.pause()
    try:
        fault.noticed()
        fault.lasts(10)
    finally:
        running.server.resume()
    fault.over()


def test_link_down(stage):
    running = stage("both")
    fault = running.fault("link down for 10 s")
    for end in ("camera", "viewer"):
        running.network.set_link(end, "down")
    fault.noticed()
    fault.lasts(10)
    for end in ("camera", "viewer"):
        running.network.set_link(end, "up")
    fault.over()


def test_packets_dropped(stage):
    """Neither end hears from its kernel that anything has happened."""
    ends = {"both": ("camera", "viewer"), "gate": ("camera",), "viewer": ("viewer",)}
    stages = {way: stage(way) for way in ends}
    faults = {way: running.fault("packets dropped for 30 s") for way, running in stages.items()}
    for way, running in stages.items():
        running.network.drop_silently(ends[way])
    for fault in faults.values():
        fault.noticed()
    for way, fault in faults.items():
        fault.lasts(30)
        stages[way].network.let_through(ends[way])
        fault.over()


def test_address_changed(stage):
    running = stage("both")
    fault = running.fault("the camera's address changed", ends=("camera",))
    running.network.remove_address(running.network.camera, running.network.ends["camera"])
    running.network.add_address(running.network.camera, "10.77.1.9")
    fault.noticed()
    fault.over(since=fault.begin)


@pytest.mark.parametrize("way", ["both", "gate"])
@pytest.mark.parametrize("end", ["viewer", "camera"])
def test_end_restarted(end, way, stage):
    running = stage(way)
    fault = running.fault(f"{end} restarted", ends=())
    running.kill(end)
    running.start_ends(end)
    fault.over()


def test_server_that_says_nothing(stage):
    running = stage("both")
    fault = running.fault("a server that takes connections and says nothing for 10 s")
    running.server.stop()
    silent = [Listener(port=running.server.port)]
    fault.noticed()
    fault.lasts(10)
    silent[0].close()
    running.server.start()
    fault.over()


def test_keys_exchanged_every_megabyte(stage):
    running = stage("both", options=["RekeyLimit 1M"])
    running.goes_on(300)
