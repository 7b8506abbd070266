"""The axes of the interoperability matrix, what travels in it, and its table."""

import functools
import itertools
import typing

import numpy

from harness import pictures
from harness.netgear import COLORSPACES, PATTERNS, Mode
from harness.processes import ROOT

MODES = {
    "plain": Mode(),
    "bidirectional": Mode(bidirectional=True),
    "multi-server": Mode(multiserver=True),
    "multi-client": Mode(multiclient=True),
    "multi-server, bidirectional": Mode(multiserver=True, bidirectional=True),
    "multi-client, bidirectional": Mode(multiclient=True, bidirectional=True),
}
MAKES = ("netgear", "library", "python")
MEETINGS = [ends for ends in itertools.product(MAKES, repeat=2) if ends != ("netgear", "netgear")]
TUNNELED = "plain, through SSH"
SECURE = (0, 1, 2)
ORDERS = {"viewer first": ("viewer", "camera"), "camera first": ("camera", "viewer")}
CODINGS = (None, *COLORSPACES)  # raw, and JPEG in each colour space
DTYPES = ("uint8", "uint16", "int32", "float32", "float64", ">u2", ">i4", ">f8", "bool")
SHAPES = ((13,), (5, 7), (4, 6, 3), (2, 3, 4, 5))

DEEP = functools.reduce(lambda inner, _: [inner], range(200), "in here")
VALUES = (
    None, True, False, 0, -7, 2**53 + 1, 2**63 - 1, -(2**63), 0.5, -0.0, 1e-300, 1.7e308,
    "", "text", '"\\/\b\f\n\r\t', "Grüße, 漢字, עברית, 🎥", "a\0b", [], {}, [1, [2.5, [None, ["x"]]]],
    {"a": {"b": [{"c": True}, False]}, "": 0, "ключ": "значение"}, DEEP,
)  # fmt: skip
LARGE = ("x" * 2**20, "ü" * 170_000, [{"some": "x" * 1000}] * 1000)  # a MiB each, as they travel

TITLE = "interoperability"
FILE = ROOT / "build" / "test-logs" / "interoperability.md"


class Cell(typing.NamedTuple):
    """One way in which two ends can meet."""

    pattern: str
    mode: str
    secure: int

    def __str__(self):
        return f"{self.pattern}, {self.mode}, secure {self.secure}"


def allowed(pattern, mode):
    """NetGear's rules: multi modes by reqrep and pubsub, data back by pair and reqrep."""
    chosen = MODES[mode]
    multi = chosen.multiserver or chosen.multiclient
    return not (multi and pattern == "pair" or chosen.bidirectional and pattern == "pubsub")


CELLS = [
    Cell(pattern, mode, secure)
    for mode in MODES
    for pattern in PATTERNS
    for secure in SECURE
    if allowed(pattern, mode)
]

FORBIDDEN = [
    (pattern, mode) for mode in MODES for pattern in PATTERNS if not allowed(pattern, mode)
]


def every_way():
    """Each (pattern, mode, secure, ends, order, coding), forbidden ones too."""
    return set(itertools.product(PATTERNS, MODES, SECURE, MEETINGS, ORDERS, CODINGS))


@functools.lru_cache(maxsize=None)
def arrays():
    """One of each dtype and each number of dimensions, of values that fill their bytes."""
    random, made = numpy.random.default_rng(1), []
    for dtype in DTYPES:
        for shape in SHAPES:
            size = int(numpy.prod(shape)) * numpy.dtype(dtype).itemsize
            data = random.integers(0, 2 if dtype == "bool" else 256, size, numpy.uint8).tobytes()
            made.append(numpy.frombuffer(data, dtype).reshape(shape))
    return made


def large(cell, order):
    """What of the large values is tried there: each once for each pattern between two ends, with and
    without an answer. Between more ends they would go the same ways."""
    two = "multi" not in cell.mode
    return [LARGE[cell.secure]] if two and order == "viewer first" else []


@functools.lru_cache(maxsize=None)
def coded_pictures(colorspace):
    return [pictures.arranged(pictures.picture(number, 100, 75), colorspace) for number in range(2)]


def table(rows):
    """Lines of a Markdown table of [pattern, mode, secure, ends, streams, frames] each, and of how
    much of the matrix that is; a cell that failed has no figures."""
    makers = sorted({row[3] for row in rows})
    known = {tuple(row[:4]): row[4:] for row in rows}
    lines = [
        "| mode | pattern | secure | " + " | ".join(makers) + " |",
        "| --- | --- | --- |" + " --- |" * len(makers),
    ]
    for mode in (*MODES, TUNNELED):
        for pattern in PATTERNS:
            for secure in SECURE:
                cells = [known.get((pattern, mode, secure, ends)) for ends in makers]
                if any(cells):
                    told = ["–" if cell is None else tell(*cell) for cell in cells]
                    lines.append(f"| {mode} | {pattern} | {secure} | {' | '.join(told)} |")
    return [*lines, "", wholeness(rows)]


def wholeness(rows):
    tried = sum(row[4] for row in rows if row[1] in MODES and len(row) > 4)
    each = len(ORDERS) * len(CODINGS)
    return (
        f"{tried} of {len(CELLS) * len(MEETINGS) * each} streams: in each cell {each}, raw and "
        f"JPEG in each of {len(COLORSPACES)} colour spaces, in {len(ORDERS)} start orders"
    )


def tell(streams=None, frames=None):
    return f"{frames} / {streams}" if streams else "FAILED"


def write(lines):
    """Leaves the table in the build folder."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
