"""Real footage from Debian packages, small films made on the spot, and their true pixels."""

import functools
import json
import subprocess

import cv2
import numpy
import pytest


@functools.lru_cache(maxsize=None)
def packaged(package, ending):
    """The file of a Debian package whose path ends so; skips the test where it is not installed."""
    listing = subprocess.run(["dpkg", "-L", package], capture_output=True, text=True, check=False)
    for path in listing.stdout.splitlines():
        if path.endswith(ending):
            return path
    pytest.skip(f"the Debian package {package} is not installed")


def pedestrians():
    """768x576, 10 frames/s, 795 frames."""
    return packaged("opencv-doc", "examples/data/vtest.avi")


def phone():
    """1920x1080 H.264 from a telephone, 30 frames/s, 41 frames, with sound."""
    return packaged("forensics-samples-files", "VID_20191220_170832.mp4")


def run(*words, data=None):
    return subprocess.run(
        [str(word) for word in words], input=data, capture_output=True, check=True
    ).stdout


def ffmpeg(*words, data=None):
    return run("ffmpeg", "-hide_banner", "-v", "error", "-y", *words, data=data)


def make_film(path, *output, picture="testsrc=size=320x240:rate=25", frames=50):
    """A film of a generated picture; `output` is ffmpeg's words for its codec."""
    ffmpeg("-f", "lavfi", "-i", picture, "-frames:v", frames, *output, path)
    return path


def exact_film(path, source, frames):
    """The first frames of a film, stored uncompressed as BGR so that decoding changes nothing."""
    ffmpeg("-i", source, "-an", "-frames:v", frames, "-pix_fmt", "bgr24", "-c:v", "rawvideo", path)
    return path


def pixels(path, frames=None):
    """A film's frames as BGR arrays."""
    film = cv2.VideoCapture(str(path))
    pictures = []
    while frames is None or len(pictures) < frames:
        good, picture = film.read()
        if not good:
            break
        pictures.append(picture)
    film.release()
    return pictures


def likeness_db(one, other):
    """Peak signal-to-noise ratio of two pictures; the greater, the more alike."""
    error = numpy.mean((one.astype(numpy.float64) - other.astype(numpy.float64)) ** 2)
    return 99.0 if error == 0 else 10 * numpy.log10(255.0**2 / error)


def probe(path):
    """ffprobe's view of a film's picture: codec, size, and the frames it counted by decoding."""
    text = run(
        "ffprobe", "-v", "error", "-select_streams", "v:0", "-count_frames", "-of", "json",
        "-show_entries", "stream=codec_name,width,height,nb_read_frames,pix_fmt", path,
    )  # fmt: skip
    stream = json.loads(text)["streams"][0]
    stream["frames"] = int(stream.get("nb_read_frames", 0))
    return stream
