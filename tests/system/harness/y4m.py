"""Reads and writes YUV4MPEG2, the format of `--sink -`."""

from concurrent import futures

import numpy

from harness.waiting import allow

CHROMA = {"420": (2, 2), "422": (2, 1), "444": (1, 1), "mono": None}


class Reader:
    """Frames out of a Y4M stream, one `read` at a time."""

    def __init__(self, stream):
        self._stream = stream
        header = stream.readline().decode("ascii", "replace").split()
        assert header and header[0] == "YUV4MPEG2", f"no Y4M header: {header!r}"
        self.tags = {word[0]: word[1:] for word in header[1:]}
        self.width, self.height = int(self.tags["W"]), int(self.tags["H"])
        kind = self.tags.get("C", "420")
        name = next((name for name in CHROMA if kind.startswith(name)), None)
        assert name is not None, f"a chroma format this reader does not know: {kind}"
        self._planes = [(self.height, self.width)]
        if CHROMA[name] is not None:
            across, down = CHROMA[name]
            plane = (-(-self.height // down), -(-self.width // across))
            self._planes += [plane, plane]

    def read(self):
        """The planes of the next frame, or None at the end of the stream."""
        line = self._stream.readline()
        if not line:
            return None
        assert line.startswith(b"FRAME"), f"no frame header: {line[:40]!r}"
        planes = []
        for rows, columns in self._planes:
            data = self._stream.read(rows * columns)
            if len(data) < rows * columns:
                return None
            planes.append(numpy.frombuffer(data, numpy.uint8).reshape(rows, columns))
        return planes

    def full_range(self, planes):
        """The planes with luma stretched to 0..255 where the stream's is not."""
        if self.tags.get("X") == "COLORRANGE=FULL" or self.tags.get("C", "") == "420jpeg":
            return planes
        stretched = (planes[0].astype(numpy.float64) - 16) * 255 / 219
        return [numpy.clip(stretched, 0, 255), *planes[1:]]

    def luma(self):
        planes = self.read()
        return None if planes is None else planes[0]

    def rest(self):
        """How many whole frames are left; reads them all."""
        count = 0
        while self.read() is not None:
            count += 1
        return count


class Collector:
    """Reads a stream in a thread of its own, so that whoever writes it is never held up."""

    def __init__(self, stream):
        self._pool = futures.ThreadPoolExecutor(1)
        self._frames = self._pool.submit(self._collect, stream)

    @staticmethod
    def _collect(stream):
        reader = Reader(stream)
        frames = []
        while (planes := reader.read()) is not None:
            frames.append(reader.full_range(planes))
        return frames

    def frames(self, seconds=30):
        """All frames, each a list of planes, once the stream has ended."""
        self._pool.shutdown(wait=False)
        return self._frames.result(allow(seconds))


def write(stream, frames, rate="25:1"):
    """Writes grey luma planes (2-dimensional arrays of one shape) as 4:2:0."""
    for number, luma in enumerate(frames):
        height, width = luma.shape
        if number == 0:
            stream.write(f"YUV4MPEG2 W{width} H{height} F{rate} Ip A1:1 C420jpeg\n".encode())
        chroma = numpy.full(((height + 1) // 2) * ((width + 1) // 2) * 2, 128, numpy.uint8)
        stream.write(b"FRAME\n" + luma.tobytes() + chroma.tobytes())
    stream.flush()
