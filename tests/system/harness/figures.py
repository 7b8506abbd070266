"""The figures of faults: how soon each was noticed, and how soon frames came again after it."""

import json

from harness.processes import ROOT

FOLDER = ROOT / "build" / "test-logs"
ROWS = []


class Row:
    """The figures of one fault, for all patterns; of several for one, the largest counts."""

    def __init__(self, fault, way):
        self.fault, self.way = fault, way
        self.seconds = {"noticed": {}, "flowing": {}}

    def put(self, what, pattern, seconds):
        known = self.seconds[what]
        known[pattern] = round(max(seconds, known.get(pattern, 0)), 2)

    def cells(self, what):
        known = self.seconds[what]
        return " / ".join(f"{value:.1f}" for value in known.values()) or "–"


def add(fault, way):
    ROWS.append(Row(fault, way))
    return ROWS[-1]


def table():
    """Lines of a Markdown table."""
    lines = [
        "| fault | who dials | noticed after (s) | frames again after (s) |",
        "| --- | --- | --- | --- |",
    ]
    for row in ROWS:
        cells = [row.fault, row.way, row.cells("noticed"), row.cells("flowing")]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def write():
    """Leaves them in the build folder, for people and for programs."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "faults.md").write_text("\n".join(table()) + "\n", encoding="utf-8")
    rows = [{"fault": row.fault, "way": row.way, **row.seconds} for row in ROWS]
    (FOLDER / "faults.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="ascii")
