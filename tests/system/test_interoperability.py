"""The matrix: every way in which NetGear peers and Sightline's ends, the library's and the Python
module's, can meet; and everything that can travel between them."""

import pytest
from harness import matrix, streams

NETGEAR = [("netgear", "library"), ("library", "netgear")]
OTHERS = [
    ("library", "library"),
    ("library", "python"),
    ("python", "library"),
    ("netgear", "python"),
    ("python", "netgear"),
]


@pytest.fixture
def meet(makers, record_property):
    def go_through(cell, names, codings):
        met = [*cell, " to ".join(names)]
        record_property(matrix.TITLE, met)
        camera, viewer = (makers[name] for name in names)
        met += streams.go_through_cell(cell, {"camera": camera, "viewer": viewer}, codings)

    return go_through


@pytest.mark.parametrize("ends", NETGEAR, ids=" to ".join)
@pytest.mark.parametrize("cell", matrix.CELLS, ids=str)
def test_netgear_and_the_library(cell, ends, meet):
    meet(cell, ends, matrix.codings)


@pytest.mark.parametrize("ends", OTHERS, ids=" to ".join)
@pytest.mark.parametrize("cell", matrix.CELLS, ids=str)
def test_others(cell, ends, meet):
    meet(cell, ends, matrix.few_codings)
