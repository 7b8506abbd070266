"""The matrix: every way in which a NetGear peer and an end of Sightline's can meet, in both roles,
and everything that can travel between them."""

import pytest
from harness import matrix, streams

MAKERS = [("netgear", "library"), ("library", "netgear")]


@pytest.mark.parametrize("ends", MAKERS, ids=" to ".join)
@pytest.mark.parametrize("cell", matrix.CELLS, ids=str)
def test_cell(cell, ends, makers, record_property):
    camera, viewer = (makers[name] for name in ends)
    met = [*cell, " to ".join(ends)]
    record_property(matrix.TITLE, met)
    met += streams.go_through_cell(cell, {"camera": camera, "viewer": viewer})
