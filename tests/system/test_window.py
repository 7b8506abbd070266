"""The window: its title, its keys, its cameras, its end."""

import signal
import time

import pytest
from PIL import Image

from harness.waiting import allow

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


# Three cameras, each of one colour, and where in the window of all of them each is: at hundredths of
# its width and height, beside what is written.
COLORS = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255)}
PLACES = {"red": (25, 10), "lime": (75, 10), "blue": (50, 60)}
SIZE = "640x360"


class Wall:
    """A viewer's window, and a sender for each colour."""

    def __init__(self, viewer, display, send, folder):
        self.viewer, self.display = viewer, display
        self._send, self._shot = send, folder / "shot.png"
        self.senders = {}
        self.window = display.window()
        for color in COLORS:  # one after the other: the first is number 1
            self.start(color)
            self.wait(lambda now, color=color: color in self.colors(now))

    def start(self, color):
        words = ["--filter", f"drawbox=color={color}:t=fill"]
        self.senders[color] = self._send(f"pattern:{SIZE}@20", self.viewer.port(), "live", *words)

    def sees(self, picture, place):
        """What is there: the name of a colour, "grey", or another colour's numbers."""
        across, down = place
        seen = picture.getpixel((picture.width * across // 100, picture.height * down // 100))
        for name, color in COLORS.items():
            if all(abs(one - other) < 40 for one, other in zip(seen, color)):
                return name
        return "grey" if max(seen) - min(seen) < 12 and max(seen) > 4 else seen

    def colors(self, picture):
        tenths = range(5, 100, 10)
        return {self.sees(picture, (across, down)) for across in tenths for down in tenths}

    def wait(self, done, seconds=20):
        """Looks at the window until `done` says that this is it."""
        deadline = time.monotonic() + allow(seconds)
        while True:
            picture = self.display.look(self.window, self._shot)
            if done(picture):
                return picture
            assert time.monotonic() < deadline, self.viewer.account()

    def shows(self, **expected):
        """Waits until at each place is what is expected; where nothing is said, its own colour."""
        wanted = {color: expected.get(color, color) for color in COLORS}
        self.wait(lambda now: {c: self.sees(now, PLACES[c]) for c in COLORS} == wanted)

    def shows_alone(self, color):
        corners = [(1, 40), (99, 40), (1, 99), (99, 99)]
        self.wait(lambda now: {self.sees(now, place) for place in corners} == {color})

    def press(self, key):
        self.display.press(self.window, key)

    def has_letters(self, picture, place):
        """Whether something is written, in white, around a place."""
        x, y = picture.width * place[0] // 100, picture.height * place[1] // 100
        part = picture.crop((x - 60, y - 30, x + 60, y + 30))
        return sum(count for count, color in part.getcolors(7200) if min(color) > 200) > 60


@pytest.fixture
def wall(display, view, send, folder):
    viewer = view("live", sink="window", extra=display.environment)
    made = Wall(viewer, display, send, folder)
    made.shows()
    return made


def test_cameras_stand_side_by_side(wall, folder):
    wall.press("2")
    wall.shows_alone("lime")
    wall.wait(lambda _: SIZE in wall.display.title(wall.window))
    wall.press("Right")
    wall.shows_alone("blue")
    wall.press("Escape")  # back to all, not the end
    wall.shows()
    wall.wait(lambda _: "3 cameras" in wall.display.title(wall.window))
    wall.display.click(wall.window, *PLACES["red"])
    wall.shows_alone("red")
    wall.display.click(wall.window, 50, 50)
    wall.shows()
    wall.press("s")
    wall.wait(lambda _: len(list(folder.glob("sightline-*.png"))) == 3)
    wall.press("q")
    assert wall.viewer.end()["reason"] == "window closed"


def test_full_screen_without_a_window_manager(wall):
    """The window fills it by itself, all cameras are there, and then it is where it was."""
    place = wall.display.place(wall.window)
    for whole in (True, False):
        wall.press("f")
        wall.wait(lambda now, whole=whole: (now.size == (1024, 768)) == whole)
        wall.wait(lambda now: set(COLORS) <= wall.colors(now))
    wall.shows()
    assert wall.display.place(wall.window) == place
    wall.press("q")
    assert wall.viewer.end()["reason"] == "window closed"


def test_stale_pictures_say_so(wall):
    """A camera that stops is grey and marked while it is away, and another place tells of one that
    has ended."""
    middle = (50, 75)
    assert not wall.has_letters(wall.wait(lambda _: True), middle)
    wall.senders["blue"].signal(signal.SIGSTOP)
    wall.shows(blue="grey")
    wall.wait(lambda now: wall.has_letters(now, middle))
    wall.senders["red"].signal(signal.SIGINT)
    wall.senders["red"].end()
    wall.shows(blue="grey", red="grey")
    wall.senders["blue"].signal(signal.SIGCONT)
    wall.shows(red="grey")
    wall.wait(lambda now: not wall.has_letters(now, middle))
    wall.start("red")
    wall.shows()


def test_key_that_shows_figures(wall):
    below = (6, 47)  # of the first camera's picture
    assert not wall.has_letters(wall.wait(lambda _: True), below)
    wall.press("i")
    wall.wait(lambda now: wall.has_letters(now, below))
    wall.press("i")
    wall.wait(lambda now: not wall.has_letters(now, below))


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
