"""Where NetGear is wrong or unsafe: what Sightline does instead, row by row."""

import pathlib
import re

import numpy
import pytest
from harness import certificates, netgear
from harness.netgear import PATTERNS
from harness.ports import free_port
from harness.processes import ROOT

FOLDER = pathlib.Path(__file__).parent
CAMERA = "pattern:64x48@60"

# How the rows of docs/MIGRATION.md begin, and the tests that show them; the Python module's are in
# test_python_instead.py.
ROWS = {
    "an option with a wrong type": ["test_usage.test_refused", "test_instead.test_mistyped_security"],
    "after a time-out the socket": [
        "test_security.test_reconnection_stays_secure",
        "test_security.test_viewer_stays_secure_for_senders_that_come_again",
        "test_security.test_nothing_starts",
    ],
    "makes certificates when there are none": ["test_security.test_nothing_starts"],
    "leaves secret certificates readable": [
        "../unit/link/test_keyring.what_others_could_read_or_write_is_not_used",
    ],
    "only the configured address": ["test_instead.test_secure_camera_with_another_address"],
    "accepts an unknown SSH host key": [
        "test_host_keys.test_unknown_key_is_refused",
        "test_host_keys.test_pinned_key_is_enough",
        "test_host_keys.test_new_key_is_accepted_recorded_and_held_to",
        "test_host_keys.test_changed_key_is_refused_even_when_new_ones_are_accepted",
    ],
    "IPv4 only": [
        "test_instead.test_any_port_and_address",
        "test_ssh_logins.test_host_by_address_and_name",
        "test_ways.test_way_over_ipv6_alone",
    ],
    "sets the tunnel up once": [
        "test_reconnection.test_killed_session",
        "test_faults.test_lasting_faults",
        "test_supervision.test_silence_is_no_loss_while_the_server_answers",
    ],
    "SSH excludes several": [
        "test_several_peers.test_client_tunnel_falls_and_returns",
        "test_several_peers.test_server_tunnel_falls_and_returns",
    ],
    "a queue of 96 frames": [
        "test_freshness.test_slow_reader_sees_new_frames_over_pubsub",
        "test_slow_sinks.test_film_arrives_whole_at_a_slow_reader",
        "test_slow_sinks.test_live_source_waits_for_a_slow_reader",
    ],
    "retries are never counted down": ["../unit/stream/test_lockstep.counts_retries_in_a_row"],
    "asks for a missing password": ["test_prompts.test_nobody_to_ask"],
    "a bad JPEG or JSON": [
        "test_hostile_peers.test_bad_messages_between_good_ones",
        "test_hostile_peers.test_bad_messages_over_pubsub",
    ],
}


def test_every_row_of_the_document_is_here():
    text = (ROOT / "docs" / "MIGRATION.md").read_text(encoding="utf-8")
    table = text.split("## What changes, and why")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)[2:]  # without its head
    assert len(rows) == len(ROWS)
    for row in rows:
        assert any(row.startswith(beginning) for beginning in ROWS), row


@pytest.mark.parametrize("row", ROWS)
def test_row_has_its_tests(row):
    for name in ROWS[row]:
        module, function = name.rsplit(".", 1)
        (path,) = FOLDER.glob(f"{module}.*")
        text = path.read_text(encoding="utf-8")
        assert re.search(rf"^(def|static void) {function}\(", text, re.M), f"there is no {name}"


@pytest.mark.parametrize("option", ["secure_mod=1", "secure_mode=3", "secure_mode=yes"])
@pytest.mark.parametrize("words", [("view", "--sink", "null"), ("send", CAMERA)])
def test_mistyped_security(words, option, plain):
    """It never means plain text."""
    plain(*words, "-o", option).expect(2).sentence("secure_mode")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_secure_camera_with_another_address(pattern, folder, view, peer):
    """Than the viewer's own, or any that was ever told to it."""
    known = certificates.Location(folder).make()
    viewer = view(pattern, *known.words(2))
    place = f"tcp://127.0.0.7:0;127.0.0.1:{viewer.port()}"
    sender = peer(netgear.subscribed_sender(place, pattern, certificates.Camera(known)))
    sender.send(numpy.zeros((4, 4), numpy.uint8))
    viewer.after(1)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
def test_any_port_and_address(address, sightline, sshd):
    """Ports with a 47 in them too, through a tunnel and without."""
    place = ["--address", address, "--port", free_port(digits="47"), "--pattern", "pair"]
    for tunnel in ([], sshd().options()):
        viewer = sightline("view", *place, "--sink", "null")
        viewer.ready()
        sightline("send", CAMERA, *place, *tunnel, "--frames", 3).end()
        assert viewer.end()["frames"] == 3

