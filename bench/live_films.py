"""What the cameras see: test patterns, and real footage in the size and rate that a row asks for."""

import dataclasses
import pathlib
import subprocess
import tempfile
import time

STREET = "/usr/share/doc/opencv-doc/examples/data/vtest.avi"
PHONE = "/usr/share/forensics-samples/original-files/movie1/VID_20191220_170832.mp4"
SHOTS = {  # name → file, and how many frames of it
    "street": (STREET, 300),  # people walking, seen from above
    "phone": (PHONE, 41),  # held in a hand, with all that a telephone's sensor gives
}
NAMES = ("pattern", *SHOTS)
MANY_PIXELS = 100e6  # a second, from which on Sightline's encoder begins with less effort
FEW, MANY = 20, 100  # frames: what both take longer for than for few is no start-up


@dataclasses.dataclass(frozen=True)
class Film:
    name: str
    source: str
    width: int
    height: int
    fps: int
    stored: bool

    def for_command(self):
        """The words for it after `sightline send`."""
        return [self.source, *(["--loop", "-o", "draw_timecode=true"] if self.stored else [])]

    def for_program(self):
        """The words for it after bench-film, which draws the timecode anyway."""
        return [self.source, *(["loop=true"] if self.stored else [])]


def ffmpeg(*words):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, words)], check=True)


def film(name, size, folder):
    """By its name, in a size of (width, height, frames a second). Footage is stored in `folder`
    once, as the JPEGs that a USB camera gives, and goes forwards and backwards in turn, so that
    there is no cut where it begins again."""
    width, height, fps = size
    if name == "pattern":
        return Film(name, f"pattern:{width}x{height}@{fps}", *size, stored=False)
    shot, frames = SHOTS[name]
    path = pathlib.Path(folder) / f"{name}-{width}x{height}@{fps}.mkv"
    if not path.exists():
        half = path.with_suffix(".part.mkv")
        turn = (
            f"trim=end_frame={frames},scale={width}:{height}:flags=lanczos,split"
            "[a][b];[b]reverse[c];[a][c]concat"
        )
        ffmpeg("-r", fps, "-i", shot, "-an", "-filter_complex", turn, "-r", fps, "-c:v", "mjpeg",
               "-q:v", 2, "-pix_fmt", "yuvj420p", half)  # fmt: skip
        half.rename(path)
    return Film(name, str(path), *size, stored=True)


def seconds_for(*words):
    begun = time.monotonic()
    ffmpeg(*words)
    return time.monotonic() - begun


def codec_ms(of, program):
    """Milliseconds that one frame takes libx264 to encode, as Sightline has it do that, and to
    decode, by ffmpeg: what is over of a frame's age beyond that is Sightline's. `program` is
    bench-film."""
    with tempfile.TemporaryDirectory(prefix="sl-live-") as folder:
        raw, coded = pathlib.Path(folder, "raw.y4m"), pathlib.Path(folder, "coded.mkv")
        make = subprocess.Popen([program, *of.for_program(), "unpaced=true"], stdout=subprocess.PIPE)
        with make:
            words = ["-f", "yuv4mpegpipe", "-i", "-", "-frames:v", str(MANY), str(raw)]
            subprocess.run(["ffmpeg", "-v", "error", "-y", *words], stdin=make.stdout, check=True)
            make.stdout.close()
            make.kill()
        preset = "ultrafast" if of.width * of.height * of.fps > MANY_PIXELS else "superfast"
        code = ["-c:v", "libx264", "-preset", preset, "-tune", "zerolatency", "-crf", 18]

        def each(*before, after):
            took = [seconds_for(*before, "-frames:v", count, *after) for count in (FEW, MANY)]
            return max(0.0, took[1] - took[0]) / (MANY - FEW) * 1000

        nothing = ["-f", "null", "-"]
        read_ms = each("-i", raw, after=["-c:v", "rawvideo", *nothing])
        encode_ms = each("-i", raw, after=[*code, *nothing]) - read_ms
        ffmpeg("-i", raw, *code, coded)
        decode_ms = each("-thread_type", "slice", "-i", coded, after=nothing)
    return max(0.0, encode_ms) + decode_ms
