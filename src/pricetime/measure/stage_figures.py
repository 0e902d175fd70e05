"""Phases side by side: the stages of the pipeline, and the intervals of a load."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .frames import canvas, legend, linear_rates, log_durations
from .recording import ALL, Recording, of_pipelines
from .run_file import INTERVALS, Percentiles, Stage
from .styles import Style, dress, line
from .units import rate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Of each row these are drawn, from left to right.
MARKS = {"p50": "o", "p99": "D", "p99_9": "|", "max": "x"}

MARK: Mapping[str, Any] = {"markersize": 7, "markeredgewidth": 1.5}

#: Height, in inches, of what is not rows; of a row, and of each further run in it.
FRAME, ROW, FURTHER = 1.1, 0.55, 0.22

#: A name of a row is broken behind so many characters.
WRAP = 26

#: Widths of the panels of rates and of latencies, which want more names on their axis.
SHARES = (4, 5)

Rows = Mapping[str, Mapping[int, Any]]


def draw_stages(style: Style, recordings: Sequence[Recording]) -> Figure:
    """Of each stage its rate, as a bar that begins with 0, and beside it its latencies on a logarithmic axis."""
    runs = [recording for recording, _ in of_pipelines(recordings)]
    rows: dict[str, dict[int, Stage]] = {}
    for number, (_, run) in enumerate(of_pipelines(recordings)):
        for stage in run.stages:
            rows.setdefault(stage.name, {})[number] = stage
    latencies = {
        name: {number: stage.latency_ns for number, stage in row.items() if stage.latency_ns is not None}
        for name, row in rows.items()
    }
    figure = canvas(style, _height(rows, len(runs)))
    if any(latencies.values()):
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=SHARES)
        dress(right, style, "latency", "x")
        draw_spread(right, style, latencies, runs, named=False)  # the bars have the names
    else:
        left = figure.subplots()
    dress(left, style, "orders a second", "x")
    draw_bars(left, style, rows, runs)
    _name_rows(left, rows)
    legend(figure, style, _marks(style) if any(latencies.values()) else [])
    return figure


def draw_intervals(style: Style, recordings: Sequence[Recording]) -> Figure:
    """Of each interval the latencies of all commands, from the innermost interval out."""
    rows: dict[str, dict[int, Percentiles]] = {}
    for interval, name in INTERVALS.items():
        for number, recording in enumerate(recordings):
            if ALL in recording.latency(interval):
                rows.setdefault(name, {})[number] = recording.latency(interval)[ALL]
    figure = canvas(style, _height(rows, len(recordings)))
    axes = figure.subplots()
    dress(axes, style, "latency", "x")
    draw_spread(axes, style, rows, recordings, named=len(recordings) > 1)
    _name_rows(axes, rows)
    legend(figure, style, _marks(style))
    return figure


def draw_bars(axes: Axes, style: Style, rows: Mapping[str, Mapping[int, Stage]], runs: Sequence[Recording]) -> None:
    """A bar for each stage of each run, with its figure beside it."""
    height, most = 0.8 / len(runs), max(stage.orders_per_s for of_runs in rows.values() for stage in of_runs.values())
    for number, recording in enumerate(runs):
        places = [place(row, number, len(runs)) for row, of_runs in enumerate(rows.values()) if number in of_runs]
        values = [of_runs[number].orders_per_s for of_runs in rows.values() if number in of_runs]
        colour, label = line(style, recording.number)["color"], recording.name if len(runs) > 1 else None
        bars = axes.barh(places, values, height * 0.9, color=colour, label=label)
        figures = [rate(value, beside=most) for value in values]
        axes.bar_label(bars, figures, padding=4, color=style.ink, fontsize=9, bbox=_plate(style))
    axes.margins(x=0.4)  # for the figures beside the bars
    linear_rates(axes, "x")


def draw_spread(
    axes: Axes,
    style: Style,
    rows: Mapping[str, Mapping[int, Percentiles]],
    runs: Sequence[Recording],
    *,
    named: bool,
) -> None:
    """A line from the median to the slowest for each row of each run, and a mark for each percentile."""
    across = axes.get_yaxis_transform()
    for row, of_runs in enumerate(rows.values()):
        if not of_runs:
            axes.text(
                0, row, "not timed", transform=across, va="center", color=style.muted, fontsize=9, bbox=_plate(style)
            )
        for number, latency in of_runs.items():
            values = [max(float(getattr(latency, name)), 1.0) for name in MARKS]
            y, drawn = place(row, number, len(runs)), line(style, runs[number].number)
            label = runs[number].name if named else None
            axes.hlines(y, 0, 1, style.faint, transform=across, linewidth=0.8, zorder=0.5)  # from the name to the marks
            axes.plot([values[0], values[-1]], [y, y], linewidth=1.5, alpha=0.6, label=label, **drawn)
            for value, marker in zip(values, MARKS.values(), strict=True):
                axes.plot(value, y, linestyle="", marker=marker, color=drawn["color"], **MARK)
    log_durations(axes, "x")


def place(row: int, number: int, runs: int) -> float:
    """Where on the y axis a run is in a row: the first run above."""
    return row + 0.8 * ((number + 0.5) / runs - 0.5)


def _height(rows: Rows, runs: int) -> float:
    return FRAME + len(rows) * (ROW + FURTHER * (runs - 1))


def _name_rows(axes: Axes, rows: Rows) -> None:
    axes.set_yticks(range(len(rows)), [textwrap.fill(name, WRAP) for name in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)


def _plate(style: Style) -> dict[str, Any]:
    """Behind a text, so that no line of the grid goes through it."""
    return {"facecolor": style.ground, "edgecolor": "none", "pad": 1}


def _marks(style: Style) -> list[tuple[Any, str]]:
    """What the marks mean."""
    from matplotlib.lines import Line2D

    names = {"p99_9": "p99.9"}
    return [
        (Line2D([], [], linestyle="", marker=marker, color=style.ink, **MARK), names.get(name, name))
        for name, marker in MARKS.items()
    ]
