"""The stages of the pipeline side by side: the rate of each, and its latencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .panels import LABELS, canvas, finish, linear_rates
from .recording import Recording, of_pipelines, warnings
from .run_file import Stage
from .spread import draw_spread, height, marks, name_rows, place
from .styles import SMALL, Style, dress, line
from .units import rate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: How thick a bar is, in inches.
BAR = 0.17


def draw_stages(style: Style, recordings: Sequence[Recording]) -> Figure:
    """The rate of each stage as a bar that begins at 0, and beside it its latencies on a logarithmic axis."""
    runs = list(of_pipelines(recordings))
    rows: dict[str, dict[int, Stage]] = {}
    for number, (_, run) in enumerate(runs):
        for stage in run.stages:
            rows.setdefault(stage.name, {})[number] = stage
    timed = any(stage.latency_ns for row in rows.values() for stage in row.values())
    figure = canvas(style, LABELS + height(len(rows), len(runs)))
    if timed:
        left, right = figure.subplots(1, 2, sharey=True)
        dress(right, style, "", "x")
        right.set_xlabel("latency (log scale)")
        drawn = [line(style, recording.number) for recording, _ in runs]
        latencies = {
            name: [(row[number].latency_ns if number in row else None, drawn[number]) for number in range(len(runs))]
            for name, row in rows.items()
        }
        draw_spread(right, style, latencies)
    else:
        left = figure.subplots()
    dress(left, style, "", "x")
    left.set_xlabel("orders per second")
    draw_bars(left, style, rows, [recording for recording, _ in runs])
    name_rows(left, style, rows)
    what = "Rate and latency" if timed else "Rate"
    notes = warnings([recording for recording, _ in runs])
    finish(figure, style, f"{what} of each pipeline stage", notes, marks(style) if timed else [])
    return figure


def draw_bars(axes: Axes, style: Style, rows: Mapping[str, Mapping[int, Stage]], runs: Sequence[Recording]) -> None:
    """A bar for each stage of each run, with its figure beside it."""
    most = max(stage.orders_per_s for of_runs in rows.values() for stage in of_runs.values())
    for number, recording in enumerate(runs):
        places = [place(row, number, len(runs)) for row, of_runs in enumerate(rows.values()) if number in of_runs]
        values = [of_runs[number].orders_per_s for of_runs in rows.values() if number in of_runs]
        colour, label = line(style, recording.number)["color"], recording.name if len(runs) > 1 else None
        bars = axes.barh(places, values, BAR / height(1, len(runs)), color=colour, label=label)
        figures = [rate(value, beside=most) for value in values]
        axes.bar_label(bars, figures, padding=4, color=style.ink, size=SMALL, bbox=plate(style))
    axes.margins(x=0.55)  # for the figures beside the bars
    linear_rates(axes, "x")


def plate(style: Style) -> dict[str, Any]:
    """Behind a text, so that no grid line goes through it."""
    return {"facecolor": style.ground, "edgecolor": "none", "pad": 1}
