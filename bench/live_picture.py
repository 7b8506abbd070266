"""Draws a row: how old each frame was, and below it what the link passed, and who used it."""

import matplotlib

matplotlib.use("Agg")

import numpy  # noqa: E402
from matplotlib import pyplot  # noqa: E402
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # noqa: E402

STEP_S = 0.5
WIDE = 3  # times what was sent: more of a link is not drawn
SAW_MS = 100
LEAST_MS = 1  # what is younger is drawn as that: the axis is logarithmic
COLOURS = {
    "GStreamer UDP": ["#8c6bb1"],
    "GStreamer TCP": ["#d95f0e"],
    "NetGear pair": ["#252525"],
    "NetGear pubsub": ["#636363"],
    "NetGear reqrep": ["#a6761d"],
    "Sightline": ["#0868ac", "#1b9e77", "#41b6c4"],
}
ORDER = list(COLOURS)  # Sightline last, above the others


def colours(runs):
    """One for each run, by its sender and, of the same sender, by turns."""
    taken, found = {}, {}
    for run in runs:
        own = COLOURS[run.name]
        found[run.who] = own[taken.get(run.name, 0) % len(own)]
        taken[run.name] = taken.get(run.name, 0) + 1
    return found


def draw(row, runs, path):
    pictured = sorted(runs, key=lambda run: ORDER.index(run.name))
    colour = colours(pictured)
    figure, (ages, rates, names) = pyplot.subplots(
        3, 1, figsize=(12, 8.6), gridspec_kw={"height_ratios": (3, 2, 0.6)}, layout="constrained"
    )
    figure.suptitle(f"Row {row.number}: {row.title}", fontsize=14)
    draw_ages(ages, row, pictured, colour)
    draw_rates(rates, row, pictured, colour)
    names.axis("off")
    names.legend(
        *ages.get_legend_handles_labels(), loc="center", ncols=2, frameon=False, markerscale=3
    )
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def draw_ages(axes, row, runs, colour):
    for run in runs:
        label = f"{run.who}: 95th {run.seen.age(95):.0f} ms, {run.seen.fps:.1f} frames/s"
        axes.plot(run.seen.captured_s, numpy.maximum(run.seen.beyond_ms, LEAST_MS), ".", markersize=3,
                  color=colour[run.who], label=label)  # fmt: skip
    at_s, waits = smooth(runs[0].seen.way.waits_ms())
    axes.plot(at_s, numpy.maximum(waits, LEAST_MS), color="black", linewidth=0.9,
              label="the best possible, for a frame captured then")  # fmt: skip
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("age of a frame beyond the path's\n"
                    f"{row.delay_ms:g} ms, when it is decoded (ms)")  # fmt: skip
    axes.set_xlim(0, row.seconds)
    axes.tick_params(labelbottom=False)
    axes.grid(True, which="major", alpha=0.4)
    axes.grid(True, which="minor", alpha=0.12)


def smooth(waits):
    """(times in s, means) over a few milliseconds each: between two packets it is a saw."""
    count = len(waits) // SAW_MS
    means = waits[: count * SAW_MS].reshape(count, SAW_MS).mean(axis=1)
    return (numpy.arange(count) + 0.5) * SAW_MS / 1000, numpy.where(
        numpy.isfinite(means), means, numpy.nan
    )


def draw_rates(axes, row, runs, colour):
    edges_s, could_bps, _ = runs[0].seen.way.rates(STEP_S)
    axes.stairs(could_bps / 1e6, edges_s, fill=True, color="#d9d9d9")
    most = 0.0
    for run in runs:
        passed_bps = run.seen.way.rates(STEP_S)[2]
        axes.stairs(passed_bps / 1e6, edges_s, baseline=None, color=colour[run.who], linewidth=1.3)
        most = max(most, passed_bps.max())
    top = min(max(most, could_bps.max()), WIDE * most)
    axes.set_ylim(0, 1.08 * max(top, 1) / 1e6)
    axes.set_ylabel("rate (Mbit/s):\ngrey what the link passes,\nlines what was delivered")
    axes.set_xlim(0, row.seconds)
    axes.set_xlabel("time (s), of frames when they were captured")
    axes.grid(True, alpha=0.3)
