"""The page in a real Chromium, as somebody sees it who looks at cameras."""

import base64
import contextlib
import http.client
import http.server
import os
import re
import statistics
import threading
import urllib.parse

import pytest
from harness import browser
from harness.footage import ffmpeg, pedestrians, phone, probe
from harness.processes import ROOT
from harness.webserver import Web

pytestmark = pytest.mark.skipif(browser.why_not() is not None, reason=str(browser.why_not()))

PATTERN = "pattern:640x480@20"
SHOTS = ROOT / "build" / "test-logs" / "page"
DESKTOP, PHONE = (1280, 800), (390, 844)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    made = browser.Browser(tmp_path_factory.mktemp("chromium"))
    yield made
    made.finish()


@pytest.fixture
def look(chromium):
    """Opens a page; afterwards its console must be clean, but for what is expected there."""
    with contextlib.ExitStack() as stack:

        def start(link, expected=(), **how):
            page = chromium.open(link, **how)
            stack.callback(page.close)
            stack.callback(lambda: check_console(page, expected))
            return page

        yield start


def check_console(page, expected):
    said = [line for line in page.said() if not any(word in line for word in expected)]
    assert not said, "\n".join(said)


@pytest.fixture
def viewer(view):
    """A viewer with a page: viewer(…) gives it and the page's link."""

    def start(*words, at="127.0.0.1:0"):
        running = view(None, "--web", at, *words)
        return running, running.ready()["web"]

    return start


@pytest.fixture
def cameras(send):
    """Starts senders of patterns to a viewer."""

    def start(running, count=1, *words, source=PATTERN):
        return [send(source, running.port(), None, *words) for _ in range(count)]

    return start


def figures(page, camera):
    return next(view for view in page.api("api/cameras") if view["id"] == camera)


def ages(page, camera):
    """Medians, in milliseconds: of the pixels' age when they were drawn, of the age that the page
    shows, and of the viewer's own figure."""
    drawn = page.watch(camera, 3)
    numbers = [picture["number"] for picture in drawn]
    assert len(numbers) > 3 and numbers == sorted(numbers), drawn
    told = (re.match(r"(\d+) ms", picture["shown"]) for picture in drawn)
    shown = [float(found[1]) for found in told if found]
    age = statistics.median(picture["age"] for picture in drawn)
    own = figures(page, camera)["latency_ms"]["p50"]
    return age, statistics.median(shown or [float("inf")]), own


@pytest.mark.parametrize("codec, words", [("h264", []), ("jpeg", ["--jpeg"])])
def test_pictures_move_and_are_as_fresh_as_the_viewer_says(viewer, cameras, look, codec, words):
    running, link = viewer()
    cameras(running, 1, *words)
    page = look(link)
    (camera,) = page.wait_cameras(1)
    assert figures(page, camera)["codec"] == codec
    for _ in range(8):  # a busy machine draws late
        pixels, shown, own = ages(page, camera)
        if own is not None and abs(pixels - own) <= 100 and abs(shown - own) <= 100:
            return
    raise AssertionError(f"pixels are {pixels} ms old, shown are {shown}, and the viewer has {own}")


LARGE = "() => document.querySelector('.camera.enlarged')?.dataset.camera ?? 'none'"


IN_COLUMN = """() => new Set([...document.querySelectorAll(".camera")].map(
    (camera) => Math.round(camera.getBoundingClientRect().left))).size === 1"""


def test_three_cameras_by_mouse_and_by_keys(viewer, cameras, look):
    running, link = viewer()
    cameras(running, 3)
    page = look(link)
    first, second, third = page.wait_cameras(3)
    page.wait_text("#summary", "3 cameras")
    for camera in (first, second, third):
        page.wait_moving(camera)
    assert all_in_sight(page) and not page.evaluate(IN_COLUMN)
    page.resize(480, 900)
    page.wait(IN_COLUMN)
    page.resize(*DESKTOP)
    page.wait(f"() => !({IN_COLUMN})()")

    page.click(f"[data-camera='{second}'] .look")
    assert page.evaluate(LARGE) == second
    page.press("Escape")
    assert page.evaluate(LARGE) == "none"
    page.press("1")
    assert page.evaluate(LARGE) == first
    page.press("ArrowRight", "ArrowRight")
    assert page.evaluate(LARGE) == third
    page.press("Escape", "ArrowLeft", "ArrowUp", "Enter")  # from the focus, which has stayed
    assert page.evaluate(LARGE) in (first, second)
    page.press("Escape", "?")
    page.wait_text("#keys", "another camera")
    page.press("Escape")
    assert look(f"{link}#camera={third}").wait(f"() => ({LARGE})() === '{third}'")
    assert look(f"{link}#camera=%").wait_cameras(3)  # nobody's


FULL = """() => { const full = document.fullscreenElement;
    return full && (full.closest(".camera")?.dataset.camera ?? full.localName); }"""


def test_full_screen_of_the_wall_and_of_one_camera(viewer, cameras, look):
    running, link = viewer()
    cameras(running, 2)
    page = look(link)
    first, _ = page.wait_cameras(2)
    page.press("f")
    page.wait(f"() => ({FULL})() === 'html'")
    page.press("f")
    page.wait(f"() => !({FULL})()")
    page.click(f"[data-camera='{first}'] .look")
    page.click(f"[data-camera='{first}'] .full")
    page.wait(f"() => ({FULL})() === '{first}'")
    page.click(f"[data-camera='{first}'] .full")
    page.wait(f"() => !({FULL})()")


NOTE_FETCHES = """
const get = fetch;
window.fetched = [];
window.fetch = (path, ...rest) => (fetched.push(path), get(path, ...rest));
"""


def test_many_cameras_share_a_few_connections(viewer, cameras, look):
    running, link = viewer()
    cameras(running, 7, source="pattern:320x240@5")
    page = look(link, script=NOTE_FETCHES)
    several = page.wait_cameras(7)
    assert any("api/streams?camera=" in path for path in page.evaluate("() => fetched"))
    for camera in (several[0], several[-1]):
        page.wait_moving(camera)
    page.press("7")  # what is out of sight, or comes into it, changes who shares
    page.wait_cameras(7)
    page.wait_moving(several[-1])


KNOWS_ALL_BUT_THE_FIRST = """
let asked = 0;
VideoDecoder.isConfigSupported = async () => ({ supported: asked++ > 0 });
"""


ANSWERS = """(seconds) => Promise.race([
  fetch("healthz").then((answer) => answer.ok),
  new Promise((done) => setTimeout(() => done(false), 1000 * seconds))])"""


def test_images_take_their_share_of_the_connections(viewer, cameras, look):
    running, link = viewer()
    cameras(running, source="pattern:320x240@5")
    page = look(link, script=NOTE_FETCHES + KNOWS_ALL_BUT_THE_FIRST)
    page.wait("() => document.querySelector('.look img')?.naturalWidth === 320")
    cameras(running, 4, source="pattern:320x240@5")
    page.wait_cameras(5)
    assert page.evaluate(ANSWERS, 20), "there is no connection left for all else"
    assert any("api/streams?camera=" in path for path in page.evaluate("() => fetched"))


# Sizes of pictures, and of the windows that they are looked at in.
SIZES = ["640x480", "640x360", "360x640", "1280x360"]
WINDOWS = [(1280, 713), (844, 390), (568, 320), (390, 844), (700, 660)]

# What of the picture and of the line under it is not in sight, and how much of the room the picture
# takes in the direction in which it takes more. Null until it has that shape.
FIT = """async (shape) => {
  for (const _ of [1, 2]) await new Promise(requestAnimationFrame); // laid out after a new size
  const camera = document.querySelector(".camera");
  const canvas = camera.querySelector(".look canvas");
  const known = camera.style.getPropertyValue("--own-shape");
  if (canvas.width / canvas.height !== shape || known !== shape.toFixed(4)) return null;
  const hidden = [...camera.querySelectorAll(".picture, .caption, .name, .figures, .tools button")]
    .filter((element) => element.checkVisibility())
    .filter((element) => {
      const { top, left, right, bottom } = element.getBoundingClientRect();
      return top < -1 || left < -1 || right > innerWidth + 1 || bottom > innerHeight + 1;
    });
  const { width, height } = canvas.getBoundingClientRect();
  const room = document.getElementById("main").getBoundingClientRect();
  const wide = Math.min(width, height * shape);
  return {
    hidden: hidden.map((element) => element.className),
    fills: Math.max(wide / room.width, wide / shape / room.height),
  };
}"""


def check_fit(page, size, how):
    width, height = map(int, size.split("x"))
    for window in WINDOWS:
        page.resize(*window)
        seen = page.wait(FIT, width / height)
        assert not seen["hidden"] and seen["fills"] > 0.5, (size, how, window, seen)


def test_a_camera_and_the_line_under_it_fit(viewer, cameras, look):
    """Whatever shape its pictures have, alone and enlarged."""
    running, link = viewer()
    page = look(link)
    for size in SIZES:
        (sender,) = cameras(running, source=f"pattern:{size}@10")
        page.wait_cameras(1)
        check_fit(page, size, "alone")
        page.press("1")
        check_fit(page, size, "enlarged")
        page.press("Escape")
        sender.kill()


def all_in_sight(page):
    return page.evaluate(
        """() => [...document.querySelectorAll(".camera")].every((camera) => {
            const { top, left, right, bottom } = camera.getBoundingClientRect();
            return top >= 0 && left >= 0 && right <= innerWidth && bottom <= innerHeight; })"""
    )


@pytest.mark.sanitized
def test_a_camera_that_stops_is_marked_and_comes_back(viewer, cameras, look):
    running, link = viewer()
    (sender,) = cameras(running)
    page = look(link)
    (camera,) = page.wait_cameras(1)
    sender.kill()
    page.wait_text(".stale-for", "No picture for")
    page.wait_text(".stale-why", "its sender is gone since")
    page.wait_text("#summary", "1 without a picture")
    assert page.evaluate("() => document.querySelector('.look canvas').width") == 640  # the last
    page.screenshot(SHOTS / "stale.png")
    assert not page.barriers()
    cameras(running)
    assert page.wait_cameras(1) == [camera]
    page.wait_moving(camera)


STATE = "(state) => document.querySelector('.camera').dataset.state === state"


def test_a_lost_camera_is_told_from_a_sender_that_is_gone(viewer, send, look, started):
    device = Web()
    started.callback(device.stop)
    device.start()
    running, link = viewer()
    send(device.url("/camera"), running.port(), None)
    page = look(link)
    page.wait_cameras(1)
    device.stop()
    page.wait_text(".stale-why", "camera lost since")
    assert "the source is gone" in page.text(".stale-why")
    page.wait_text("#summary", "1 without a picture")
    device.start()
    page.wait(STATE, "live")
    page.wait_cameras(1)


CODEC = """([kind, text]) => import("./codecs.js").then(
    ({ codecString }) => codecString(kind, Uint8Array.from(atob(text), (c) => c.charCodeAt(0))))"""


def coded(*words):
    made = ffmpeg("-f", "lavfi", "-i", "testsrc=size=320x240", "-frames:v", 1, *words, "-")
    return base64.b64encode(made).decode("ascii")


def test_what_a_decoder_is_told_is_read_from_the_video(viewer, look):
    _, link = viewer()
    page = look(link)
    h264 = coded("-c:v", "libx264", "-profile:v", "high", "-pix_fmt", "yuv420p", "-level", "3.1",
                 "-f", "h264")  # fmt: skip
    assert page.evaluate(CODEC, [1, h264]) == "avc1.64001f"
    hevc = coded("-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params", "log-level=0",
                 "-f", "hevc")  # fmt: skip
    assert re.fullmatch(r"hev1\.1\.6\.L60(\.[0-9A-F]{1,2}){1,6}", page.evaluate(CODEC, [3, hevc]))
    assert page.evaluate(CODEC, [1, base64.b64encode(bytes(99)).decode("ascii")]) is None


RECORDS = """async ([size, head]) => {
  const { records } = await import("./records.js");
  const all = new Uint8Array(2 * (28 + 300));
  for (const at of [0, 328]) {
    const view = new DataView(all.buffer, at);
    view.setUint32(0, 300);
    [1, 1].forEach((value, i) => view.setUint8(4 + i, value));
    [640, 480, 3].forEach((value, i) => view.setUint16(6 + 2 * i, value));
    view.setBigUint64(12, 1796056314268665n);
    all.fill(7 + at, at + 28, at + 328);
  }
  if (head) all.fill(255, 0, 4);
  const body = new ReadableStream({
    start(stream) {
      for (let at = 0; at < all.length; at += size) stream.enqueue(all.slice(at, at + size));
      stream.close();
    },
  });
  const found = [];
  try {
    for await (const { data, ...record } of records(body))
      found.push({ ...record, first: data[0], size: data.length });
  } catch (error) {
    found.push(error.message);
  }
  return found;
}"""


def test_frames_are_put_together_however_they_come(viewer, look):
    _, link = viewer()
    page = look(link)
    record = {"length": 300, "kind": 1, "keyframe": True, "width": 640, "height": 480,
              "camera": 3, "captured": 1796056314268.665, "size": 300}  # fmt: skip
    expected = [{**record, "first": 7}, {**record, "first": (7 + 328) % 256}]
    for size in (1, 13, 28, 329, 1000):
        assert page.evaluate(RECORDS, [size, False]) == [*expected, "the stream has ended"]
    assert page.evaluate(RECORDS, [50, True]) == ["not a stream of frames"]


def test_nobody_who_looks_is_told_how_to_send(viewer, look):
    _, link = viewer()
    page = look(link)
    page.wait_text("#empty", "sightline send 0 --ssh")
    page.screenshot(SHOTS / "empty.png")
    assert not page.barriers()


HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_hidden_page_lets_the_camera_rest(viewer, cameras, look):
    running, link = viewer()
    cameras(running)
    page = look(link)
    (camera,) = page.wait_cameras(1)
    page.wait(STATE, "live")
    page.evaluate(HIDE, True)
    page.wait(STATE, "unwatched")
    page.evaluate(HIDE, False)
    page.wait(STATE, "live")
    page.wait_moving(camera)
    page.evaluate(HIDE, True)  # a glance elsewhere
    page.evaluate(HIDE, False)
    page.wait_moving(camera)


def test_a_browser_without_webcodecs_gets_jpegs(viewer, cameras, look):
    running, link = viewer()
    cameras(running)
    page = look(link, script="delete window.VideoDecoder")
    page.wait("() => document.querySelector('.look img')?.naturalWidth === 640")


def test_a_page_whose_viewer_is_gone_says_so_and_comes_back(viewer, cameras, look):
    running, link = viewer()
    cameras(running)
    expected = ["ERR_CONNECTION", "ERR_INCOMPLETE", "ERR_EMPTY", "Failed to load"]
    page = look(link, expected, scheme="light")
    page.wait_cameras(1)
    running.kill()
    page.wait_text("#trouble", "Connection to the viewer lost")
    page.wait_text(".stale-why", "the connection to the viewer is lost")
    assert not page.barriers()
    again, _ = viewer(at=f"127.0.0.1:{urllib.parse.urlsplit(link).port}")
    cameras(again)
    page.wait("() => document.getElementById('trouble').hidden")
    page.wait_cameras(1)


def test_outside_loopback_a_token_is_asked_for(viewer, cameras, look):
    running, link = viewer(at="0.0.0.0:0")
    cameras(running)
    port = urllib.parse.urlsplit(link).port
    token = urllib.parse.urlsplit(link).query
    here = f"http://127.0.0.1:{port}/"
    stranger = look(here, expected=["401"])
    assert stranger.status == 401
    assert "token" in stranger.text("body")
    assert not stranger.barriers()
    page = look(f"{here}?{token}")
    page.wait_cameras(1)
    assert page.evaluate("() => location.search") == ""  # nobody reads it over a shoulder


def answer_to(link, **headers):
    place = urllib.parse.urlsplit(link)
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=20)
    connection.request("GET", "/", headers=headers)
    return connection.getresponse().status


def test_another_name_is_refused(viewer):
    _, link = viewer()
    assert answer_to(link) == 200
    assert answer_to(link, Host="evil.example") == 403
    assert answer_to(link, Origin="http://evil.example") == 403


class AnotherPage(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def another_site():
    """The link to an empty page of a site of its own."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), AnotherPage) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()


SHOW = "(link) => document.body.append(Object.assign(new Image(), { src: link }))"
SHOWN = "() => [...document.images].map((image) => `${image.naturalWidth}x${image.naturalHeight}`)"
FETCHED = "(link) => fetch(link).then((answer) => answer.status, () => 'refused')"


def test_pages_of_other_sites_get_pictures_alone(viewer, cameras, look, another_site):
    running, link = viewer()
    cameras(running)
    (camera,) = look(link).wait_cameras(1)
    page = look(another_site, expected=["CORS", "Failed to load"])
    for picture in ("stream", "snapshot.jpg"):
        page.evaluate(SHOW, f"{link}api/cameras/{camera}/{picture}")
    page.wait(f"() => ({SHOWN})().join() === '640x480,640x480'")
    assert page.evaluate(FETCHED, f"{link}api/cameras") == "refused"


def test_buttons_make_files(viewer, cameras, look, folder):
    running, link = viewer("--record", folder / "kept", "--record-before", 2)
    cameras(running)
    page = look(link)
    (camera,) = page.wait_cameras(1)
    name = page.download(".snapshot", folder / "snapshot.jpg")
    assert name.endswith(".jpg")
    picture = probe(folder / "snapshot.jpg")
    assert (picture["codec_name"], picture["width"], picture["height"]) == ("mjpeg", 640, 480)

    page.click(".record")
    page.wait_text(".recording", "REC")
    page.wait("() => /REC [3-9] s/.test(document.querySelector('.recording').innerText)")
    page.click(".record")
    page.wait("() => document.querySelector('.recording').hidden")
    films = list((folder / "kept").rglob("*.mkv"))  # another size of the pictures begins another
    assert films and all(camera in film.name for film in films)
    assert sum(probe(film)["frames"] for film in films) > 5


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_nobody_is_kept_out(viewer, cameras, look, scheme):
    running, link = viewer()
    cameras(running, 3)
    page = look(link, scheme=scheme)
    page.wait_cameras(3)
    page.screenshot(SHOTS / f"desktop-{scheme}.png")
    assert not page.barriers()
    page.press("2")
    page.wait_cameras(3)
    page.screenshot(SHOTS / f"one-{scheme}.png")
    assert not page.barriers()
    page.press("?")
    assert not page.barriers()

    phone = look(link, size=PHONE, scheme=scheme, phone=True)
    phone.wait("() => document.querySelectorAll('.camera.seen').length > 0")
    phone.screenshot(SHOTS / f"phone-{scheme}.png")
    assert not phone.barriers()
    assert phone.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


# A sender is called by its machine's name, and root's may have one of its own.
NAMED = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"']


@pytest.mark.skipif(os.geteuid() != 0, reason="cameras get names of their own from root alone")
def test_the_picture_of_the_readme(viewer, send, look):
    """Shows the page with real pictures; docs/page.png is one of these."""
    running, link = viewer()
    page = look(link)
    for name, source in {
        "gate": [pedestrians(), "--loop"],
        "hall": [phone(), "--loop", "--size", "1280x720"],
        "bench": ["pattern:1280x720@15"],
    }.items():
        film, *words = source
        send(film, running.port(), None, *words, prefix=[*NAMED, name])
        page.wait_text(".camera .name", name)
    page.wait_cameras(3)
    page.screenshot(SHOTS / "readme.png")
