"""Rates drawn: the rate over time, and the latency at each rate of a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .panels import finish, linear_rates, log_durations, stack
from .recording import Recording, of_loads, warnings
from .run_file import LoadRun, Moment, Saturation
from .spread import MARKS
from .styles import LINES, MARKERS, Style, line
from .units import duration, rate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: An interval shorter than this share of the median one has no rate.
FRAGMENT = 0.2


def draw_over_time(style: Style, recordings: Sequence[Recording]) -> Figure:
    """Commands per second, and below them the latency of the commands answered in the same interval."""
    loads = [(recording, load) for recording, load in of_loads(recordings) if load.over_time]
    several = len(loads) > 1
    titles = ["commands per second", "latency (log scale)"]
    if several:
        titles = ["commands answered per second", "p99 latency (log scale)"]
    figure, axes_of = stack(style, titles, "seconds since the start")
    rates, latencies = axes_of.values()
    if several:
        for recording, load in loads:
            edges, (_, answered) = edges_of(load.over_time), per_second(load.over_time)
            drawn = {"label": recording.name, "linewidth": 1.5, **line(style, recording.number)}
            rates.stairs(answered, edges, baseline=None, **drawn)
            latencies.stairs(latency(load.over_time, "p99"), edges, baseline=None, **drawn)
    else:
        _one_over_time(style, loads[0][1], rates, latencies)
    linear_rates(rates, "y")
    if any(moment.answered for _, load in loads for moment in load.over_time):
        log_durations(latencies, "y")
    else:
        latencies.set_yticks([])
        latencies.text(0.5, 0.5, "nothing was answered", color=style.ink, ha="center", transform=latencies.transAxes)
    rates.set_xlim(0, max(load.over_time[-1].s for _, load in loads))
    shown = [recording for recording, _ in loads]
    notes = [*(["p99: 99 % of the commands took at most this long."] if several else []), *warnings(shown)]
    finish(figure, style, "Rate and round trip latency over time", notes)
    return figure


def _one_over_time(style: Style, load: LoadRun, rates: Axes, latencies: Axes) -> None:
    edges = edges_of(load.over_time)
    sent, answered = per_second(load.over_time)
    rates.stairs(answered, edges, baseline=None, label="answered", linewidth=1.5, **line(style, 0))
    dashed = {**line(style, 1), "linestyle": LINES[1]}  # the two lines usually lie on each other
    rates.stairs(sent, edges, baseline=None, label="sent", linewidth=1.5, **dashed)
    if load.asked is not None:
        ends = [0, load.settings.get("seconds") or edges[-1]]
        rates.plot(ends, load.asked, color=style.muted, linewidth=1, linestyle=LINES[2], label="asked for")
    for number, name in enumerate(("p50", "p99", "max"), start=2):
        values = latency(load.over_time, name)
        latencies.stairs(values, edges, baseline=None, label=MARKS[name][1], linewidth=1.5, **line(style, number))


def edges_of(moments: Sequence[Moment]) -> NDArray[np.float64]:
    """The bounds of the intervals, in seconds."""
    return np.array([0.0, *(moment.s for moment in moments)])


def per_second(moments: Sequence[Moment]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Commands sent and answered per second in each interval; NaN for a very short one."""
    lengths = np.diff(edges_of(moments))
    whole = lengths > FRAGMENT * np.median(lengths)
    counts = np.array([[moment.sent for moment in moments], [moment.answered for moment in moments]], float)
    sent, answered = np.divide(counts, lengths, out=np.full(counts.shape, np.nan), where=whole)
    return sent, answered


def latency(moments: Sequence[Moment], name: str) -> NDArray[np.float64]:
    """In ns; NaN, a gap in the line, if nothing was answered in the interval."""
    values = [max(getattr(moment, name), 1) if moment.answered else np.nan for moment in moments]
    return np.array(values, float)


def draw_saturation(style: Style, recordings: Sequence[Recording]) -> Figure:
    """Latency over the rate that was sent; a marker is hollow if the rate was lower than asked for."""
    from matplotlib.lines import Line2D

    searches = [(each, load.saturation) for each, load in of_loads(recordings) if load.saturation is not None]
    y = "latency" if len(searches) == 1 else "p99 latency"
    figure, axes_of = stack(style, [""], "commands sent per second", f"{y} (log scale)")
    (axes,) = axes_of.values()
    if len(searches) == 1:
        for number, (name, (_, meaning)) in enumerate(MARKS.items()):
            _draw_steps(axes, style, number, meaning, searches[0][1], name)
    else:
        for recording, search in searches:
            _draw_steps(axes, style, recording.number, recording.name, search, "p99")
    for limit in sorted({search.limit_p99_ns for _, search in searches}):
        name = f"limit that p99 must keep: {duration(limit)}"
        axes.axhline(limit, color=style.ink, linewidth=1, linestyle=LINES[1], label=name)
    for recording, search in searches:
        if search.highest_rate:
            alone = len(searches) == 1
            colour = style.ink if alone else line(style, recording.number)["color"]
            whose = "highest rate that keeps it" if alone else f"{recording.label}: highest rate"
            label = f"{whose}: {rate(search.highest_rate)}"
            axes.axvline(search.highest_rate, color=colour, linewidth=1, linestyle=LINES[2], label=label)
    linear_rates(axes, "x")
    log_durations(axes, "y")
    short = any(not step.reached for _, search in searches for step in search.steps)
    hollow = Line2D([], [], linestyle="", marker="o", markerfacecolor=style.ground, markeredgecolor=style.ink)
    marks = [(hollow, "sent over 1 % less than asked for")] if short else []
    notes = warnings([recording for recording, _ in searches])
    finish(figure, style, "Round trip latency at each rate", notes, marks)
    return figure


def _draw_steps(axes: Axes, style: Style, number: int, label: str, search: Saturation, name: str) -> None:
    steps = sorted(search.steps, key=lambda step: step.sent_per_s)
    x, y = [step.sent_per_s for step in steps], [max(getattr(step, name), 1) for step in steps]
    drawn, marker = line(style, number), MARKERS[number % len(MARKERS)]
    axes.plot(x, y, label=label, linewidth=1.5, marker=marker, markersize=5, **drawn)
    short = [index for index, step in enumerate(steps) if not step.reached]
    axes.plot(
        [x[index] for index in short], [y[index] for index in short], linestyle="", marker=marker, markersize=5,
        markerfacecolor=style.ground, markeredgecolor=drawn["color"],
    )  # fmt: skip
