"""Pictures for a peer to send: each knows its number, and none looks like another."""

import numpy

from harness import footage, netgear


def picture(number, width=320, height=240):
    """A smooth BGR picture with a bright block that moves with its number."""
    rows, columns = numpy.mgrid[0:height, 0:width]
    frame = numpy.empty((height, width, 3), numpy.uint8)
    frame[:, :, 0] = 40 + columns * 120 // width
    frame[:, :, 1] = 60 + rows * 120 // height
    frame[:, :, 2] = 40 + (columns + rows) * 100 // (width + height)
    left = number * 12 % (width - 48)
    frame[height // 3 : height // 3 + 48, left : left + 48] = (30, 200, 220)
    return frame


def gray(frame):
    """The luma of a BGR picture, as JPEG and television weigh it."""
    weights = numpy.array([0.114, 0.587, 0.299])
    return numpy.rint(frame.astype(numpy.float64) @ weights).astype(numpy.uint8)


def arranged(frame, colorspace):
    """A BGR picture with its pixels reordered as a JPEG colour space says."""
    if colorspace == "GRAY":
        return gray(frame)
    if colorspace == "CMYK":
        return numpy.dstack([255 - frame[:, :, ::-1], gray(frame) // 4])
    red, green, blue, width = netgear.ORDERS[colorspace]
    out = numpy.full((*frame.shape[:2], width), 255, numpy.uint8)
    out[:, :, red], out[:, :, green], out[:, :, blue] = (frame[:, :, i] for i in (2, 1, 0))
    return out


def film(folder, count=12, numbers=None):
    """The pictures, or those of these numbers, as an uncompressed BGR film of 25 a second; returns
    its path and the pictures."""
    frames = [picture(number) for number in numbers or range(count)]
    path = folder / "pictures.nut"
    footage.ffmpeg(
        "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", "320x240", "-r", "25", "-i", "pipe:0",
        "-c:v", "rawvideo", "-pix_fmt", "bgr24", path,
        data=b"".join(frame.tobytes() for frame in frames),
    )  # fmt: skip
    return path, frames
