"""Streams from HTTP and RTSP servers, and servers that go away and come back."""

import signal

import pytest
from harness import footage, pictures
from harness.rtsp import Rtsp
from harness.webserver import Web


@pytest.fixture
def web(started):
    def make(film=None):
        server = Web(film)
        started.callback(server.stop)
        return server.start()

    return make


def test_film_over_http(folder, web, view, send):
    path = footage.make_film(
        folder / "film.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart"
    )
    viewer = view("pair")
    send(web(path).url("/film.mp4"), viewer.port(), "pair", "--frames", 20).end()
    assert viewer.end()["frames"] == 20


def test_missing_page(web, sightline):
    url = web().url("/nowhere.mp4")
    sender = sightline("send", url, "--address", "127.0.0.1", "--port", 9)
    sender.expect(3).sentence(url)


def test_http_camera(web, view, send):
    viewer = view("pair")
    send(web().url("/camera"), viewer.port(), "pair", "--frames", 20).end()
    assert viewer.end()["frames"] == 20


def test_http_camera_that_comes_back(web, view, send):
    server = web()
    viewer = view("pubsub")
    sender = send(server.url("/camera"), viewer.port(), "pubsub")
    viewer.after(10)
    server.stop()
    frames = viewer.next_stats()["frames"]
    server.start()
    viewer.event("stats", lambda event: event["frames"] >= frames + 20, 40)
    sender.signal(signal.SIGINT)
    sender.end()
    viewer.end()


def test_rtsp_camera(started, folder, view, send):
    path, _ = pictures.film(folder, 50)
    server = Rtsp(path)
    started.callback(server.close)
    viewer = view("pair")
    sender = send(server.url, viewer.port(), "pair", "--frames", 20)
    assert sender.end()["frames"] == 20
    assert viewer.end()["frames"] == 20
