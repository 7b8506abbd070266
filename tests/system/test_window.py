"""The window: its title, its keys, its end."""

import signal
import time

import pytest
from PIL import Image

SOURCE = "pattern:320x240@30"


@pytest.fixture
def shown(display, view, send):
    """A viewer with its window on the screen, and the stream's sender."""

    def start(source=SOURCE, *words):
        viewer = view("pubsub", *words, sink="window", extra=display.environment)
        sender = send(source, viewer.port(), "pubsub")
        viewer.after(1)
        return viewer, sender, display.window()

    return start


def press_until(display, window, key, done, attempts=10):
    """Presses a key, again if it came before the window was listening."""
    for _ in range(attempts):
        display.press(window, key)
        if done():
            return True
    return False


def ends(viewer, sender):
    """Whether the viewer ends before the sender has told of another second."""

    def check():
        sender.next_stats()
        return not viewer.running()

    return check


@pytest.mark.parametrize("key", ["q", "Escape"])
def test_key_that_quits(key, display, shown):
    viewer, sender, window = shown()
    assert press_until(display, window, key, ends(viewer, sender)), viewer.account()
    assert viewer.end()["reason"] == "window closed"
    sender.signal(signal.SIGINT)
    sender.end()


def test_title_says_size_rate_and_age(display, shown):
    viewer, sender, window = shown(SOURCE, "--timecode")
    viewer.after(60)
    viewer.next_stats()
    title = display.title(window)
    assert "320x240" in title and "frames/s" in title and "ms" in title, title
    sender.kill()
    viewer.signal(signal.SIGTERM)
    viewer.end()


def test_key_that_saves_a_picture(display, folder, shown):
    viewer, sender, window = shown()

    def saved():
        sender.next_stats()
        return list(folder.glob("*.png"))

    assert press_until(display, window, "s", saved), viewer.account()
    viewer.signal(signal.SIGINT)
    viewer.end()
    with Image.open(saved()[0]) as picture:
        assert picture.size == (320, 240)
        assert len(picture.convert("RGB").getcolors(100000) or range(100)) > 10
    sender.kill()


def test_full_screen_key_without_a_window_manager(display, shown):
    viewer, sender, window = shown()
    for _ in range(2):  # there is nobody to make it so, but the stream goes on
        display.press(window, "f")
        seen = viewer.next_stats()["frames"]
        viewer.next_stats(lambda event, seen=seen: event["frames"] > seen)
    assert press_until(display, window, "q", ends(viewer, sender)), viewer.account()
    viewer.end()
    sender.kill()


def test_window_shows_what_was_sent(display, folder, shown):
    viewer, sender, window = shown("pattern:640x480@30")
    viewer.after(20)
    shot = folder / "shot.png"
    display.capture(shot)
    with Image.open(shot) as picture:
        colors = picture.convert("RGB").getcolors(1024 * 768)
    assert len(colors) > 20, "nothing on the screen"
    sender.kill()
    viewer.signal(signal.SIGINT)
    viewer.end()


def test_end_of_the_stream_closes_the_window(display, view, send):
    viewer = view("pair", sink="window", extra=display.environment)
    send(SOURCE, viewer.port(), "pair", "--frames", 20).end()
    assert viewer.end()["reason"] == "peer ended"


def test_window_without_a_screen(view):
    begin = time.monotonic()
    viewer = view("pair", sink="window", extra={"SDL_VIDEODRIVER": "x11"})
    viewer.expect(3)
    viewer.sentence("window")
    assert time.monotonic() - begin < 15
