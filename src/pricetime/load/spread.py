"""Rows of latencies to compare: a line from the median to the slowest command, with a mark for each percentile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .panels import log_durations
from .run_file import Percentiles
from .styles import SMALL, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The percentiles that are drawn, from left to right: the marker of each, and what it means.
MARKS = {
    "p50": ("o", "p50: half took at most this long"),
    "p99": ("D", "p99: 99 % took at most this long"),
    "p99_9": ("|", "p99.9: 99.9 % took at most this long"),
    "max": ("x", "max: the slowest"),
}

MARK: Mapping[str, Any] = {"markersize": 6, "markeredgewidth": 1.5}

#: Height, in inches, of the name of a row, of each of its runs, and of the space below them.
NAME, RUN, SPACE = 0.22, 0.2, 0.08


def draw_spread(axes: Axes, style: Style, rows: Mapping[str, Sequence[tuple[Percentiles | None, Any]]]) -> None:
    """Draw every row: for each run its latencies, or None if it has none, and the style of its line."""
    across = axes.get_yaxis_transform()
    for row, runs in enumerate(rows.values()):
        for number, (latency, drawn) in enumerate(runs):
            if latency is None:
                continue
            y, values = place(row, number, len(runs)), [max(float(getattr(latency, name)), 1.0) for name in MARKS]
            axes.hlines(y, 0, 1, style.faint, transform=across, linewidth=0.8, zorder=0.5)
            axes.plot([values[0], values[-1]], [y, y], alpha=0.6, **{"linewidth": 1.5} | drawn)
            for value, (marker, _) in zip(values, MARKS.values(), strict=True):
                axes.plot(value, y, linestyle="", marker=marker, color=drawn["color"], **MARK)
        if all(latency is None for latency, _ in runs):
            y = place(row, 0, len(runs))
            axes.text(0, y, "not measured", transform=across, va="center", color=style.muted, size=SMALL)
    log_durations(axes, "x")


def name_rows(axes: Axes, style: Style, rows: Mapping[str, Any]) -> None:
    """The name of each row above what is drawn in it, from the left edge of the axes on."""
    across = axes.get_yaxis_transform()
    for row, name in enumerate(rows):
        text = axes.text(0, row - 0.5, name, transform=across, va="top", color=style.ink, zorder=5)
        text.set_in_layout(False)  # it may reach into the panel beside
    axes.set_yticks([])
    axes.set_ylim(len(rows) - 0.5, -0.5)


def height(rows: int, runs: int) -> float:
    """Of so many rows with so many runs in each, in inches."""
    return rows * (NAME + RUN * runs + SPACE)


def place(row: int, number: int, runs: int) -> float:
    """Where a run of a row is on the y axis, the first run above the others."""
    return row - 0.5 + (NAME + RUN * (number + 0.5)) / height(1, runs)


def marks(style: Style) -> list[tuple[Any, str]]:
    """The marks for the legend."""
    from matplotlib.lines import Line2D

    return [
        (Line2D([], [], linestyle="", marker=marker, color=style.ink, **MARK), meaning)
        for marker, meaning in MARKS.values()
    ]
