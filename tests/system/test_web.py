"""The page's server: streams for many, and what strangers do to it."""

import io
import json
import os
import re
import resource
import shlex
import signal
import socket
import subprocess
import threading
from concurrent import futures

import pytest
from harness.browsers import Page, Reader, Stream
from harness.processes import ROOT
from harness.waiting import allow
from PIL import Image

SOURCE = "pattern:320x240@30"
LIVELY = "pattern:1280x720@30"
BROWSERS = 20


@pytest.fixture
def serve(view):
    """Starts a viewer with a page, at loopback unless told another place."""

    def start(*words, place="127.0.0.1:0", pattern="live"):
        viewer = view(pattern, "--web", place, *words)
        return viewer, viewer.ready()["web"]

    return start


@pytest.fixture
def scene(serve, send):
    """A viewer with a page, and a camera that it knows: (page, viewer, sender, the camera's path)."""

    def start(source=SOURCE, *words, **how):
        viewer, link = serve(**how)
        sender = send(source, viewer.port(), how.get("pattern", "live"), *words)
        page = Page(link)
        return page, viewer, sender, page.first_camera()

    return start


def check_order(records):
    """No frame is missing but before a keyframe, as for who was slow."""
    assert records[0][1], "it does not begin with a keyframe"
    for before, after in zip(records, records[1:]):
        assert after[2] == before[2] + 1 or (after[1] and after[2] > before[2])


@pytest.mark.sanitized
def test_a_page_of_video(scene):
    page, viewer, sender, camera = scene()
    response = page.ask("/")
    assert response.status == 200 and b"<html" in response.content.lower()
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    stream = page.stream(camera + "/stream?as=frames")
    assert stream.headers["content-type"] == "application/vnd.sightline.frames"
    records = Reader(stream.record, lambda taken: len(taken) >= 30).wait()
    check_order(records)
    assert {record[0] for record in records} == {1}
    told = json.loads(page.ask("/api/cameras").content)[0]
    assert (told["codec"], told["width"], told["height"]) == ("h264", 320, 240)
    assert told["state"] == "live" and told["frames"] >= 30
    stream.close()
    for program in (sender, viewer):
        program.signal(signal.SIGINT)
        program.expect(0)


def test_jpegs_come_as_they_were_sent(scene):
    page, _, _, camera = scene(SOURCE, "--jpeg")
    frames = page.stream(camera + "/stream?as=frames")
    pictures = page.stream(camera + "/stream")
    assert pictures.headers["content-type"].startswith("multipart/x-mixed-replace")
    records = Reader(frames.record, lambda taken: len(taken) >= 20).wait()
    parts = dict(Reader(pictures.part, lambda taken: len(taken) >= 20).wait())
    assert {record[0] for record in records} == {2}
    same = [record for record in records if (when := stamp(record[3])) in parts
            and parts[when] == record[4]]  # fmt: skip
    assert same, "no frame came in both streams"
    assert page.figures()["sightline_coded_pictures_total"] == 0


def stamp(captured_us):
    return f"{captured_us // 1000000}.{captured_us % 1000000:06}"


def test_arrays_come_as_jpegs(scene):
    page, _, _, camera = scene(SOURCE, "--raw", pattern="pair")
    kind, keyframe, _, _, content = page.stream(camera + "/stream?as=frames").record()
    assert (kind, keyframe) == (2, True)
    assert Image.open(io.BytesIO(content)).size == (320, 240)


def test_twenty_browsers_and_one_that_reads_nothing(scene):
    """All are served from the same memory; who takes nothing is cut off, and nobody else notices."""
    page, _, _, camera = scene(LIVELY)
    path = camera + "/stream?as=frames"
    stuck = Stream(page, path, receive_buffer=4096)
    page.stream(path).record()
    before = page.figures()
    gone = threading.Event()
    readers = [
        Reader(page.stream(path).record, lambda taken: gone.is_set() and len(taken) >= 30)
        for _ in range(BROWSERS)
    ]
    page.wait_figure("sightline_browsers_cut_off_total", lambda value: value == 1)
    gone.set()
    for reader in readers:
        check_order(reader.wait())
    after = page.figures()
    assert after["sightline_coded_pictures_total"] == before["sightline_coded_pictures_total"] == 0
    assert after["sightline_browsers_cut_off_total"] == 1
    assert stuck.ended()


def test_pictures_are_coded_once_for_twenty_browsers(scene):
    page, _, _, camera = scene()
    streams = [page.stream(camera + "/stream") for _ in range(BROWSERS)]
    readers = [Reader(stream.part, lambda taken: len(taken) >= 20) for stream in streams]
    pictures = {}
    for reader in readers:
        for when, content in reader.wait():
            assert pictures.setdefault(when, content) == content
    coded = page.figures()["sightline_coded_pictures_total"]
    # Each was coded for whoever was there; those that nobody's twenty held came before or later.
    assert len(pictures) <= coded < BROWSERS * 20
    assert Image.open(io.BytesIO(next(iter(pictures.values())))).size == (320, 240)


def test_snapshots(scene):
    page, _, sender, camera = scene()
    # Nobody watches: it wakes the camera, and waits for its picture to be decoded.
    response = page.ask(camera + "/snapshot.jpg?download")
    assert response.status == 200 and response.headers["X-Sightline-Age-Ms"] is None
    assert Image.open(io.BytesIO(response.content)).size == (320, 240)
    assert response.headers["Content-Disposition"].endswith('Z.jpg"')
    sender.signal(signal.SIGINT)
    sender.expect(0)
    page.wait_figure(f'sightline_camera_up{{camera="{camera.split("/")[-1]}"}}',
                     lambda value: value == 0)  # fmt: skip
    old = page.ask(camera + "/snapshot.jpg")
    assert old.status == 200 and int(old.headers["X-Sightline-Age-Ms"]) >= 0
    assert Image.open(io.BytesIO(old.content)).size == (320, 240)
    assert page.status("/api/cameras/nobody/snapshot.jpg") == 404


def test_figures_pass_promtool_and_agree_with_stats(scene):
    page, viewer, _, camera = scene()
    stream = page.stream(camera + "/stream?as=frames")
    reader = Reader(stream.record, lambda taken: len(taken) >= 60)
    before = viewer.after(10)
    text = page.ask("/metrics").content
    told = page.figures()
    of_it = f'{{camera="{camera.split("/")[-1]}"}}'
    frames = told["sightline_frames_total" + of_it]
    after = viewer.next_stats(lambda event: event["cameras"][0]["frames"] >= frames)
    for figure, key in {"frames": "frames", "received_bytes": "bytes", "dropped_frames": "dropped"}.items():
        low, high = (event["cameras"][0][key] for event in (before, after))
        assert low <= told[f"sightline_{figure}_total{of_it}"] <= high
    assert told["sightline_reconnects_total"] == after["reconnects"]
    assert 0 < told["sightline_frame_age_seconds_count" + of_it] <= frames
    reader.wait()
    check = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                           check=False)  # fmt: skip
    assert check.returncode == 0, check.stdout + check.stderr
    assert not check.stderr.strip(), check.stderr


def test_others_reach_it_with_the_token_alone(serve):
    _, link = serve(place="0.0.0.0:0")
    page = Page(link)
    assert len(page.token) == 32
    near = Page(f"http://127.0.0.1:{page.port}/")
    assert near.status("/") == near.status("/metrics") == near.status("/api/cameras") == 401
    assert near.status("/healthz") == 200
    assert near.status("/?token=" + "0" * 32) == 401
    let_in = near.ask("/?token=" + page.token)
    assert (let_in.status, let_in.headers["Location"]) == (303, "/")
    cookie = let_in.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Secure" not in cookie
    assert near.status("/", Cookie=cookie.split(";")[0]) == 200
    assert near.status("/metrics", Authorization=f"Bearer {page.token}") == 200


def test_other_names_and_origins_are_refused(serve):
    _, link = serve("-o", "web_hosts=cameras.example")
    page = Page(link)
    port = page.port
    assert page.status("/", Host=f"localhost:{port}") == 200
    assert page.status("/", Host="cameras.example") == 200
    assert page.status("/", Host="evil.example") == 403
    assert page.status("/", Host=f"192.0.2.1:{port}") == 403
    assert page.status("/api/cameras", Origin="http://evil.example") == 403
    assert page.status("/api/cameras", Origin=f"http://127.0.0.1:{port}") == 200
    assert page.status("/api/cameras", Sec_Fetch_Site="cross-site") == 403
    post = {"method": "POST", "body": "action=start"}
    assert page.status("/api/cameras/a/record", **post) == 403
    assert page.status("/api/cameras/a/record", X_Sightline="1", **post) == 404


def make_certificate(folder):
    certificate, key = folder / "page.pem", folder / "page.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out",
         certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    key.chmod(0o600)
    return certificate, key


@pytest.mark.sanitized
def test_by_https(serve, send, folder, plain):
    certificate, key = make_certificate(folder)
    words = ["-o", f"web_certificate={certificate}", "-o", f"web_key={key}", "-o",
             "web_token=abcdefgh"]  # fmt: skip
    viewer, link = serve(*words)
    assert link.startswith("https://")
    page = Page(link, trusted=certificate)
    assert "; Secure" in page.ask("/?token=abcdefgh").headers["Set-Cookie"]
    send(SOURCE, viewer.port(), "live")
    camera = page.first_camera(Authorization="Bearer abcdefgh")
    stream = page.stream(f"{camera}/stream?as=frames&token=abcdefgh")
    check_order(Reader(stream.record, lambda taken: len(taken) >= 10).wait())
    stream.close()
    with socket.create_connection((page.host, page.port), allow(60)) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP/1.1 200" not in read_all(stranger)
    certificate.write_text("nonsense", encoding="ascii")
    refused = plain("view", "--address", "127.0.0.1", "--port", 0, "--sink", "null", "--web",
                    "127.0.0.1:0", *words)  # fmt: skip
    assert refused.wait() == 2
    refused.sentence("certificate", certificate)


def read_all(connection):
    """What comes until the other end closes."""
    content = b""
    try:
        while more := connection.recv(65536):
            content += more
    except ConnectionError:
        pass
    return content


STRANGE = [
    b"\r\n\r\n\r\n",
    b"\x00" * 4096,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xaa" * 512,
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET  /  HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"get / http/1.1\r\nhost: localhost\r\n\r\n",
    b"GET /%zz%00%ff HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: " + b"y" * 100000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 20000 + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"a=b; " * 5000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost localhost\r\n: \r\n folded\r\n\r\n",
    b"POST /api/cameras/a/record HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    b"POST /api/cameras/a/record HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999"
    b"99999999\r\n\r\n",
    b"POST /api/cameras/a/record HTTP/1.1\r\nHost: localhost\r\nX-Sightline: 1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /api/cameras/a/record HTTP/1.1\r\nHost: localhost\r\nX-Sightline: 1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2000\r\n" + b"a" * 8192 + b"\r\n0\r\n\r\n",
    b"POST /api/cameras/a/record HTTP/1.1\r\nHost: localhost\r\nX-Sightline: 1\r\n"
    b"Content-Length: 100000\r\n\r\n" + b"a" * 100000,
    b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: evil\r\n\r\n",
    b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /api/cameras/..%2f..%2fetc/stream HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /metricz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 500,
]


def tell(page, request):
    """What is answered to these bytes, which are all that comes."""
    with page.connect() as stranger:
        stranger.settimeout(allow(60))
        try:
            stranger.sendall(request)
            stranger.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has closed
        return read_all(stranger)


def drip(page):
    """Sends a byte a second, which is no request, however long it goes on."""
    with page.connect() as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        slow.settimeout(1)
        for _ in range(int(allow(90))):
            try:
                slow.sendall(b"a")
                assert not slow.recv(1)
                return
            except TimeoutError:
                continue
            except ConnectionError:
                return
    raise AssertionError("it may go on for ever")


@pytest.mark.sanitized
def test_strange_requests(serve):
    viewer, link = serve()
    page = Page(link)
    with futures.ThreadPoolExecutor(len(STRANGE) + 1) as strangers:
        slow = strangers.submit(drip, page)
        for answer in strangers.map(lambda request: tell(page, request), STRANGE):
            assert b"root:" not in answer and b"# HELP" not in answer
        slow.result()
    assert page.status("/healthz") == 200
    assert viewer.peak_memory() < 500e6
    viewer.signal(signal.SIGINT)
    viewer.expect(0)


@pytest.mark.sanitized
def test_a_thousand_connections(serve):
    """Who has not said yet what he wants makes way; who is served stays."""
    viewer, link = serve()
    page = Page(link)
    news = page.stream("/api/events")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    strangers = []
    try:
        for _ in range(1000):
            strangers.append(page.connect())
            strangers[-1].sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert page.status("/") == 200
        news.event()
        news.event()
    finally:
        for stranger in strangers:
            stranger.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert page.status("/healthz") == 200
    assert len(os.listdir(f"/proc/{viewer.pid}/fd")) < 400
    assert viewer.peak_memory() < 500e6


def documented_lines(page, camera):
    """Those of docs/WEB.md with this viewer's place and camera, but for the one with a token."""
    text = (ROOT / "docs" / "WEB.md").read_text(encoding="utf-8")
    lines = re.findall(r"^ {4}(curl .*)$", text, re.MULTILINE)
    own = [line.replace("/api/cameras/ID", camera) for line in lines if "TOKEN" not in line]
    return [line.replace("http://127.0.0.1:8080/", page.link) for line in own]


def curl(line, folder, seconds=60):
    words = [*shlex.split(line), "-sSf", "--max-time", str(int(allow(seconds)))]
    return subprocess.run(words, cwd=folder, check="-N" not in words, capture_output=True).stdout


def test_the_documented_lines(scene, folder):
    """Each as it stands there: a list, a picture, a recording of what somebody has seen, figures."""
    page, _, _, camera = scene()
    said = {}
    for line in documented_lines(page, camera):
        if "stop" in line:
            page.wait_camera(lambda told: told["recording"]["bytes"] > 0)
        said[line] = curl(line, folder, 2 if "-N" in line else 60)
    health, cameras, _, news, started, event, ended, figures = said.values()
    assert health == b"ok\n" and json.loads(cameras)[0]["id"] == camera.split("/")[-1]
    assert Image.open(folder / "now.jpg").size == (320, 240)
    assert news.count(b"event: cameras\ndata: {") >= 1
    assert json.loads(started)["state"] in ("waiting", "on")
    assert json.loads(event)["state"] in ("waiting", "on")
    assert json.loads(ended)["state"] == "off"
    assert (folder / json.loads(ended)["path"]).stat().st_size > 0
    assert b"sightline_frames_total{" in figures
