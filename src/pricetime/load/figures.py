"""The figures of a report: latency by percentile, rate and latency over time, and latency at each rate of a search.

With one run each line is a kind of command or a percentile; with several each line is a run, of all its commands.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..extras import require
from ..native.histogram import Histogram
from .recording import Recording
from .run import total
from .run_file import INTERVALS, Moment, Saturation
from .units import duration, rate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


#: Make a file depend on its input only, and a dollar sign in a name plain text.
SETTINGS = {
    "svg.hashsalt": "pricetime", "text.parse_math": False, "font.family": "DejaVu Sans", "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.5, "figure.constrained_layout.use": True,
}  # fmt: skip

#: After every ten series the line style changes, so that no two have the same line.
LINES = ("-", "--", ":", "-.")

#: Points of a line of percentiles.
PLACES = 300

#: An interval shorter than this share of the median one has no rate.
FRAGMENT = 0.2


@dataclass(frozen=True)
class Picture:
    """One figure as SVG; equal runs give equal bytes."""

    name: str
    title: str
    caption: str  #: how to read it
    svg: bytes


def pictures(recordings: Sequence[Recording]) -> list[Picture]:
    """Every picture that these runs have figures for. Raises MissingExtra."""
    with drawing():
        return [*_of_percentiles(recordings), *_over_time(recordings), *_of_searches(recordings)]


@contextmanager
def drawing() -> Iterator[None]:
    """The context in which figures are drawn. Raises MissingExtra."""
    require("matplotlib", "report", "a report")
    from matplotlib import style

    with style.context(["default", "tableau-colorblind10", SETTINGS]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # such a glyph is drawn as a box
        yield


def _of_percentiles(recordings: Sequence[Recording]) -> Iterator[Picture]:
    for interval, name in INTERVALS.items():
        lines = _histograms(recordings, interval)
        if lines:
            title = f"Percentiles of the {name} latency"
            caption = "The share of the commands that took at most so long. Each nine leaves ten times fewer commands."
            yield _picture(f"percentiles-{interval.replace('_', '-')}", title, caption, draw_percentiles(lines))


def _histograms(recordings: Sequence[Recording], interval: str) -> dict[str, tuple[int, Histogram]]:
    """The number and histogram of each line, by its label."""
    found = {each.name: (each.number, each.histograms.get(interval, {})) for each in recordings}
    lines = {name: (number, total(kinds)) for name, (number, kinds) in found.items()}
    if len(recordings) == 1:
        ((_, kinds),) = found.values()
        lines = {"all": (0, total(kinds))} | {
            kind: (at, each) for at, (kind, each) in enumerate(kinds.items(), start=1)
        }
    return {name: (number, histogram) for name, (number, histogram) in lines.items() if histogram.count}


def draw_percentiles(lines: Mapping[str, tuple[int, Histogram]]) -> Figure:
    """Latency over an axis of nines, which ends where one command is left."""
    figure, (axes,) = _panels(["took at most"], "share of the commands")
    for label, (number, histogram) in lines.items():
        nines = np.geomspace(min(2, histogram.count), histogram.count, PLACES)
        shares = 100 - 100 / nines
        shares[-1] = 100  # the slowest command
        _plot(axes, number, label, nines, histogram.percentiles(shares))
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda nines, _: f"{100 - 100 / nines:.12g} %")
    axes.tick_params(axis="x", rotation=30)
    _times(axes)
    return _finished(figure)


def _over_time(recordings: Sequence[Recording]) -> Iterator[Picture]:
    timed = [each for each in recordings if each.run.over_time]
    if timed:
        caption = (
            "Commands per second, and the latency of the commands answered in the same interval. A gap: none were."
        )
        yield _picture("over-time", "Rate and round trip latency over time", caption, draw_over_time(timed))


def draw_over_time(recordings: Sequence[Recording]) -> Figure:
    """Commands per second, and below them the latency of the commands answered in the same interval."""
    alone = len(recordings) == 1
    titles = ["per second", "latency"] if alone else ["answered per second", "p99"]
    figure, (rates, latencies) = _panels(titles, "seconds since the start")
    for each in recordings:
        for axes, first, names in ((rates, 0, ("answered", "sent")), (latencies, 2, ("p99", "p50", "max"))):
            for at, name in enumerate(names if alone else names[:1], start=first):
                values, edges = over_time(each.run.over_time, name), [0.0, *(moment.s for moment in each.run.over_time)]
                label, number = (name, at) if alone else (each.name, each.number)
                axes.stairs(values, edges, baseline=None, label=label, **_line(number))
    rates.set_ylim(bottom=0)
    rates.yaxis.set_major_formatter(lambda per_s, _: rate(per_s))
    _times(latencies)
    return _finished(figure)


def over_time(moments: Sequence[Moment], name: str) -> NDArray[np.float64]:
    """Values of each interval: counts per second, or times in ns. NaN for a very short interval, or no answer."""
    lengths = np.diff([0.0, *(moment.s for moment in moments)])
    values = np.array([getattr(moment, name) for moment in moments], float)
    if name in {"sent", "answered"}:
        whole = lengths > FRAGMENT * np.median(lengths)
        values[~whole] = np.nan
        return values / np.where(whole, lengths, 1)
    return np.where([moment.answered > 0 for moment in moments], np.maximum(values, 1), np.nan)


def _of_searches(recordings: Sequence[Recording]) -> Iterator[Picture]:
    searches = {each: each.run.saturation for each in recordings if each.run.saturation and each.run.saturation.steps}
    if searches:
        caption = "Each marker is one step of the search, at the rate that was sent."
        yield _picture("saturation", "Round trip latency at each rate", caption, draw_searches(searches))


def draw_searches(searches: Mapping[Recording, Saturation]) -> Figure:
    """Latency over the rate that was sent, the limit, and the highest rate within it."""
    alone = len(searches) == 1
    figure, (axes,) = _panels(["latency" if alone else "p99"], "commands sent per second")
    for each, search in searches.items():
        steps = sorted(search.steps, key=lambda step: step.sent_per_s)
        sent = [step.sent_per_s for step in steps]
        for at, name in enumerate(("p99", "p50", "max") if alone else ("p99",)):
            label, number = (name, at) if alone else (each.name, each.number)
            _plot(axes, number, label, sent, [getattr(step, name) for step in steps], marker="o")
        if search.highest_rate:
            label = f"highest rate{'' if alone else f' of {each.label}'}: {rate(search.highest_rate)}"
            axes.axvline(search.highest_rate, color=_line(each.number)["color"], linestyle=":", label=label)
    for limit in sorted({search.limit_p99_ns for search in searches.values()}):
        axes.axhline(limit, color="black", linestyle="--", label=f"limit of p99: {duration(limit)}")
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(lambda per_s, _: rate(per_s))
    _times(axes)
    return _finished(figure)


def _panels(titles: Sequence[str], x: str) -> tuple[Figure, list[Axes]]:
    """A figure with one panel for each title, below each other, over the same x axis."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 2 + 2 * len(titles)))
    panels = list(figure.subplots(len(titles), 1, sharex=True, squeeze=False)[:, 0])
    for axes, title in zip(panels, titles, strict=True):
        axes.set_title(title, loc="left", fontsize="medium")
    panels[-1].set_xlabel(x)
    return figure, panels


def _plot(axes: Axes, number: int, label: str, x: ArrayLike, times_ns: ArrayLike, **more: Any) -> None:
    axes.plot(x, np.maximum(times_ns, 1), label=label, **_line(number), **more)


def _line(number: int) -> dict[str, Any]:
    """Colour and line style of the series with this number."""
    return {"color": f"C{number % 10}", "linestyle": LINES[number // 10 % len(LINES)]}


def _times(axes: Axes) -> None:
    """Make the y axis one of times, with a logarithmic scale."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_yscale("log")
    if axes.get_ylim()[0] <= 0:  # nothing was drawn
        axes.set_ylim(1, 10)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(lambda ns, _: duration(ns))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _finished(figure: Figure) -> Figure:
    """Add a legend below the panels, with each label once."""
    labels = {
        label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(labels.values(), labels.keys(), loc="outside lower left", ncols=3, frameon=False)
    return figure


def _picture(name: str, title: str, caption: str, figure: Figure) -> Picture:
    out = BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return Picture(name, title, caption, out.getvalue())
