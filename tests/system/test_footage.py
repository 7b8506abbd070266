"""Real footage arrives in order and decodes to what was sent; raw frames byte by byte."""

import hashlib

import pytest
from harness import footage, netgear

FRAMES = 30


def digests(frames):
    return [hashlib.sha256(frame.tobytes()).hexdigest() for frame in frames]


def check_pictures(arrived, film, floor_db):
    """Each frame that arrived is the film's of the same number, more than any near it."""
    assert len(arrived) == len(film)
    for number, frame in enumerate(arrived):
        near = range(max(0, number - 2), min(len(film), number + 3))
        likeness = {other: footage.likeness_db(frame, film[other]) for other in near}
        assert likeness[number] >= floor_db, f"frame {number} is {likeness[number]:.1f} dB alike"
        assert likeness[number] == max(likeness.values()), f"frame {number} is out of order"


@pytest.mark.parametrize("pattern", ["pair", "reqrep"])
def test_jpeg_footage_in_order_through_a_tunnel(pattern, sshd, send, peer):
    server = sshd()
    receiver = peer(netgear.Receiver(pattern))
    words = ["--fps", "max", "--frames", FRAMES, *server.options()]
    sender = send(footage.pedestrians(), receiver.port, pattern, *words)
    check_pictures(list(receiver.frames()), footage.pixels(footage.pedestrians(), FRAMES), 30)
    assert receiver.ended
    assert sender.end()["frames"] == FRAMES


@pytest.mark.parametrize("pattern", ["pair", "reqrep"])
def test_raw_footage_is_identical_through_a_tunnel(pattern, folder, sshd, send, peer):
    film = footage.exact_film(folder / "film.nut", footage.pedestrians(), FRAMES)
    server = sshd()
    receiver = peer(netgear.Receiver(pattern))
    sender = send(film, receiver.port, pattern, "--raw", "--fps", "max", *server.options())
    arrived = digests(receiver.frames())
    assert arrived == digests(footage.pixels(film))
    assert sender.end()["reason"] == "source ended"


def test_raw_footage_over_pubsub_is_identical_and_in_order(folder, sshd, send, peer):
    film = footage.exact_film(folder / "film.nut", footage.pedestrians(), FRAMES)
    server = sshd()
    receiver = peer(netgear.Receiver("pubsub"))
    sender = send(film, receiver.port, "pubsub", "--raw", *server.options())
    arrived = digests(receiver.frames())
    sent = digests(footage.pixels(film))
    places = [sent.index(digest) for digest in arrived]
    assert places == sorted(set(places))
    assert len(places) >= FRAMES / 2, "paced footage should arrive almost whole"
    sender.end()


@pytest.mark.sanitized
def test_telephone_footage_reaches_the_viewers_pipe(folder, sshd, view, send):
    server = sshd()
    with open(folder / "seen.y4m", "wb") as output:
        viewer = view("reqrep", sink="-", stdout=output)
    words = ["--fps", "max", "--frames", FRAMES, "--size", "960x540", *server.options()]
    send(footage.phone(), viewer.port(), "reqrep", *words).end(seconds=60)
    assert viewer.end()["frames"] == FRAMES
    small = folder / "small.nut"
    footage.ffmpeg(
        "-i", footage.phone(), "-an", "-vf", "scale=960:540", "-frames:v", FRAMES,
        "-pix_fmt", "bgr24", "-c:v", "rawvideo", small,
    )  # fmt: skip
    exact = footage.exact_film(folder / "seen.nut", folder / "seen.y4m", FRAMES)
    check_pictures(footage.pixels(exact), footage.pixels(small), 27)


def test_footage_keeps_its_own_pace(view, send):
    viewer = view("pair")
    sender = send(footage.pedestrians(), viewer.port(), "pair", "--frames", 21)
    end = sender.end()
    assert end["seconds"] >= 1.8, "ten frames a second, so twenty take two seconds"
    assert viewer.end()["frames"] == 21
