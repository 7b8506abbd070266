"""Programs in Python: those of the guide to NetGear's tunnel, the module as it is installed, and
sources."""

import pathlib
import shutil
import signal
import subprocess
import time

import cv2
import pytest
from harness import footage, ports
from harness.gears import PYTHON
from harness.processes import ROOT, Process, command_path
from harness.waiting import allow

from sightline.gears import Backend, VideoGear

LIBRARY = pathlib.Path(command_path()).parent / "libsightline.so"
DEBIANS_PYTHON = "/usr/bin/python3"

VIEWER = """
from sightline.gears import NetGear
import cv2

client = NetGear(address="127.0.0.1", port="{port}", pattern=2, receive_mode=True, logging=True)
while True:
    frame = client.recv()
    if frame is None:
        break
    cv2.imshow("Output Frame", frame)
    key = cv2.waitKey(1) & 0xFF
    if key == ord("q"):
        break
cv2.destroyAllWindows()
client.close()
"""

CAMERA = """
from sightline.gears import VideoGear
from sightline.gears import NetGear

options = {{"ssh_tunnel_mode": "someone@127.0.0.1:{ssh_port}", "ssh_tunnel_pwd": "pas$wd"}}
stream = VideoGear(source={source!r}).start()
server = NetGear(address="127.0.0.1", port="{port}", pattern=2, logging=True, **options)
while True:
    try:
        frame = stream.read()
        if frame is None:
            break
        server.send(frame)
    except KeyboardInterrupt:
        break
stream.stop()
server.close()
"""


@pytest.fixture
def script(environment, folder, programs):
    """Runs a program with Debian's Python and the module of the checkout."""

    def run(text, **how):
        environs = {**environment, "PYTHONPATH": str(PYTHON), "PYTHONDONTWRITEBYTECODE": "1"}
        process = Process([DEBIANS_PYTHON, "-c", text], {**environs, **how.pop("extra", {})},
                          folder, **how)
        programs.append(process)
        return process

    return run


@pytest.fixture
def password_host(password_server, home):
    """An SSH server that takes the guide's password, with its key where users have it."""
    server = password_server("pas$wd")
    shutil.copy(server.known_hosts, home / ".ssh" / "known_hosts")
    return server


def wait_for_window(display, title, *programs):
    """OpenCV's windows change while they are made, which a search that waits doesn't get over."""
    deadline = time.monotonic() + allow(20)
    while not display.xdotool("search", "--onlyvisible", "--name", title, check=False):
        account = "\n".join(program.account() for program in programs)
        assert time.monotonic() < deadline, account
        assert all(program.running() for program in programs), account
        time.sleep(0.05)


def test_the_guides_scripts(script, display, password_host):
    """A picture is on the viewer's screen; Ctrl-C at the camera ends both."""
    places = {"port": ports.free_port(), "ssh_port": password_host.port}
    viewer = script(VIEWER.format(**places), extra=display.environment)
    viewer.wait_said("receiving at port")
    camera = script(CAMERA.format(**places, source="pattern:320x240@30"))
    wait_for_window(display, "Output Frame", viewer, camera)
    camera.signal(signal.SIGINT)
    camera.expect(0)
    viewer.expect(0)


def test_the_guides_camera_with_an_unknown_host_key(script, password_host, home):
    (home / ".ssh" / "known_hosts").unlink()
    camera = script(CAMERA.format(port=1, ssh_port=password_host.port, source="pattern:"))
    camera.expect(1)
    camera.sentence("Error", "host key", 'ssh_host_key_policy="accept-new"')


def test_a_program_that_forgets_to_close(script):
    """The other end is told nevertheless, and nothing hangs or crashes."""
    port = ports.free_port()
    viewer = script(
        "from sightline.gears import NetGear\n"
        f"frames = list(NetGear('127.0.0.1', {port}, receive_mode=True))\n"
        "assert len(frames) == 3, len(frames)"
    )
    camera = script(
        "from sightline.gears import NetGear\n"
        "import numpy\n"
        f"camera = NetGear('127.0.0.1', {port})\n"
        "for _ in range(3): camera.send(numpy.zeros((48, 64, 3), 'uint8'))"
    )
    camera.expect(0)
    viewer.expect(0)


def test_installed_with_pip(folder, environment):
    """From the folder, without a network; it finds the library that it is told."""
    source, target = folder / "python", folder / "installed"
    shutil.copytree(PYTHON, source, ignore=shutil.ignore_patterns("__pycache__"))
    words = [DEBIANS_PYTHON, "-m", "pip", "install", "--no-build-isolation", "--no-index",
             "--no-deps", "--target", target, source]  # fmt: skip
    subprocess.run(words, env=environment, check=True, capture_output=True)
    program = (
        "import sightline, importlib.metadata as m; from sightline.gears import NetGear, VideoGear;"
        "assert m.version('sightline') == sightline.__version__; print(sightline.__file__)"
    )
    places = {"PYTHONPATH": str(target), "SIGHTLINE_LIBRARY": str(LIBRARY)}
    done = subprocess.run(
        [DEBIANS_PYTHON, "-c", program], cwd=folder,
        env={**environment, **places}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.startswith(str(target)), done.stdout
    assert (target / "sightline" / "py.typed").exists()


def test_library_that_is_not_there(script):
    process = script("import sightline", extra={"SIGHTLINE_LIBRARY": "/no/such/library"})
    process.expect(1)
    process.sentence("ImportError", "SIGHTLINE_LIBRARY", "/no/such/library")


def test_declarations_are_those_of_the_headers():
    subprocess.run([ROOT / "tools" / "declarations", "--check"], check=True)


def test_frames_of_a_file():
    """All of them, in order, with the pixels that OpenCV reads; as fast as they are asked for."""
    reader = cv2.VideoCapture(footage.pedestrians())
    with VideoGear(source=footage.pedestrians()) as stream:
        assert stream.framerate == 10
        for number, frame in enumerate(stream):
            if number < 5:
                assert abs(frame.astype(int) - reader.read()[1]).mean() < 2
                first = frame
    assert number == 794 and stream.read() is None
    assert first.shape == (576, 768, 3) and first.any()  # still there


@pytest.mark.parametrize(
    "options, shape",
    [
        ({"resolution": (320, 240)}, (240, 320, 3)),
        ({"CAP_PROP_FRAME_WIDTH": 320, "CAP_PROP_FRAME_HEIGHT": 240}, (240, 320, 3)),
        ({"colorspace": "COLOR_BGR2GRAY"}, (576, 768)),
        ({"colorspace": "COLOR_BGR2BGRA"}, (576, 768, 4)),
        ({"stabilize": True}, (576, 768, 3)),
        ({"stabilize": True, "BORDER_SIZE": 10}, (596, 788, 3)),
        ({"stabilize": True, "BORDER_SIZE": 9, "CROP_N_ZOOM": True, "BORDER_TYPE": "replicate"},
         (576, 768, 3)),
        ({"filter": "crop=100:80"}, (80, 100, 3)),
    ],
)  # fmt: skip
def test_options_of_sources(options, shape, caplog):
    with VideoGear(source=footage.pedestrians(), **options).start() as stream:
        assert [stream.read().shape for _ in range(2)] == [shape] * 2
    assert caplog.messages == []


def test_rate_of_a_source():
    with VideoGear(source=footage.pedestrians(), framerate=25) as stream:
        assert stream.framerate == 25
        frames = [stream.read() for _ in range(6)]
        begun = time.monotonic()
        frames += [stream.read() for _ in range(5)]
        assert time.monotonic() - begun > 0.1  # paced, not as fast as it can be read


def test_wrong_sources(caplog):
    with pytest.raises(RuntimeError, match="/no/such/film"):
        VideoGear(source="/no/such/film")
    with pytest.raises(RuntimeError, match="video"):
        VideoGear(source=63)
    with pytest.raises(RuntimeError, match="video"):
        VideoGear(api=Backend.PIGEAR, camera_num=62)
    with pytest.raises(TypeError, match="Backend"):
        VideoGear(api=True)
    with pytest.raises(ValueError, match="stream_mode"):
        VideoGear(source="https://example.org", stream_mode=True)
    with VideoGear(source="pattern:64x48", colorspace="COLOR_NONE", THREADED_QUEUE_MODE=False,
                   CAP_PROP_HUE=5) as stream:  # fmt: skip
        assert stream.read().shape == (48, 64, 3)
    assert "COLOR_NONE" in caplog.text and "CAP_PROP_HUE" in caplog.text
    assert "THREADED" not in caplog.text
