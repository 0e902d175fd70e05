"""Latencies drawn: their distribution, their percentiles, and rows that compare kinds of command and intervals.

A picture of one run has a line for each kind of command. A picture of several runs has a line for each run, of all its
commands; ``draw_kinds`` compares their kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..native.buckets import Buckets
from ..native.latency import NAMES
from .panels import LABELS, canvas, finish, log_durations, stack
from .recording import ALL, Recording, warnings
from .run_file import INTERVALS, Latency, Percentiles
from .spread import draw_spread, height, marks, name_rows
from .styles import LINES, MARKERS, Style, dress, line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Bins of the histogram for each power of ten: a bin is 8 % wide.
BINS = 30

#: Height of the panel of the histogram, in inches.
DISTRIBUTION = 2.0

#: Places along the axis of percentiles at which a latency is drawn.
PLACES = 300

#: Names of the kinds as they are shown.
KIND_NAMES = {
    ALL: "all commands", "rests": "add that rests", "trades": "add that trades", "cancel": "cancel or reduce"
}  # fmt: skip

#: What each interval measures, in a sentence.
MEASURES = {
    "match": "Match: from the moment the engine takes the command from the ring until it has written the reports.",
    "tick_to_trade": (
        "Tick to trade: from the moment the server receives the order until it hands the datagram with its last report "
        "to the system."
    ),
    "round_trip": (
        "Round trip: from the moment a command was due until the load generator read its answer, so a stall counts "
        "for every command that it delayed."
    ),
}


@dataclass(frozen=True, eq=False)
class Curve:
    """One line of a picture: the latencies of one kind of command of one run."""

    label: str
    number: int  #: of its colour; -1 for all kinds of a single run together, which has the colour of the text
    recording: Recording
    interval: str
    kind: str

    @property
    def histogram(self) -> Buckets | None:
        return self.recording.histograms.get(self.interval, {}).get(self.kind)

    @property
    def latency(self) -> Latency | None:
        return self.recording.latency(self.interval).get(self.kind)

    def style(self, style: Style) -> dict[str, Any]:
        if self.number < 0:  # it lies beneath the kinds, one of which may be all there is
            return {"color": style.ink, "linestyle": LINES[0], "linewidth": 2.5}
        return {"linewidth": 1.5, **line(style, self.number)}


def has(recording: Recording, interval: str) -> bool:
    """Does this run have latencies of this interval?"""
    return interval in recording.histograms or ALL in recording.latency(interval)


def curves(recordings: Sequence[Recording], interval: str) -> list[Curve]:
    """Of one run a curve for each kind, of several runs a curve for each run."""
    if len(recordings) > 1:
        return [Curve(each.name, each.number, each, interval, ALL) for each in recordings]
    return [
        Curve(kind_name(kind), NAMES.index(kind) if kind in NAMES else -1, recordings[0], interval, kind)
        for kind in kinds(recordings, interval)
    ]


def kinds(recordings: Sequence[Recording], interval: str) -> list[str]:
    """The kinds of command that any of these runs has latencies of."""
    return [
        kind
        for kind in (ALL, *NAMES)
        if any(kind in each.histograms.get(interval, {}) or kind in each.latency(interval) for each in recordings)
    ]


def kind_name(kind: str) -> str:
    return KIND_NAMES.get(kind, kind)


def draw_histogram(style: Style, recordings: Sequence[Recording], interval: str) -> Figure:
    """The share of the commands in each bin of 8 %, and below it the percentiles of each line."""
    shown = [each for each in recordings if interval in each.histograms]
    drawn = curves(shown, interval)
    edges = bins([curve.histogram for curve in drawn if curve.histogram])
    strip = height(len(drawn), 1)
    figure = canvas(style, LABELS + DISTRIBUTION + strip)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[DISTRIBUTION, strip])
    dress(above, style, "share of the commands in each bin")
    dress(below, style, "", "x")
    rows: dict[str, list[tuple[Percentiles | None, Any]]] = {}
    for curve in drawn:
        if curve.histogram is not None:
            shares = curve.histogram.shares(edges)
            above.stairs(np.where(shares > 0, shares, np.nan), edges, **curve.style(style))
        rows[curve.label] = [(curve.latency, curve.style(style))]
    draw_spread(below, style, rows)
    name_rows(below, style, rows)
    above.set_ylim(bottom=0)
    above.yaxis.set_major_formatter(lambda share, _: f"{share:g} %")
    below.set_xlabel(f"{INTERVALS[interval]} latency (log scale)")
    notes = [MEASURES[interval], "A bin is 8 % wide.", *warnings(shown)]
    finish(figure, style, f"How {INTERVALS[interval]} latencies are distributed", notes, marks(style))
    return figure


def draw_percentiles(style: Style, recordings: Sequence[Recording], interval: str) -> Figure:
    """Latency over an axis of nines, which ends where one command is left."""
    shown = [each for each in recordings if has(each, interval)]
    drawn = {curve: percentile_curve(curve) for curve in curves(shown, interval)}
    figure, axes_of = stack(style, [""], "share of the commands", "took at most (log scale)")
    (axes,) = axes_of.values()
    most = max(float(places[-1]) for places, _ in drawn.values())
    for curve, points in drawn.items():
        marker = "None" if curve.histogram is not None else MARKERS[curve.number % len(MARKERS)]
        axes.plot(*points, label=curve.label, marker=marker, **curve.style(style))
    axes.set_xscale("log")
    axes.set_xlim(1, max(most, 2) * 1.1)
    named = nines(most)
    axes.set_xticks(list(named), list(named.values()), rotation=40, ha="right", rotation_mode="anchor")
    log_durations(axes, "y")
    notes = [
        MEASURES[interval],
        "Each further nine leaves ten times fewer commands above it. A line ends at its slowest command.",
        *rough(shown, interval),
        *warnings(shown),
    ]
    finish(figure, style, f"Percentiles of the {INTERVALS[interval]} latency", notes)
    return figure


def rough(recordings: Sequence[Recording], interval: str) -> list[str]:
    """A note if only the recorded percentiles of some runs are known."""
    found = [each.label for each in recordings if interval not in each.histograms]
    return [f"{', '.join(found)}: no histogram; markers show the recorded percentiles."] if found else []


def draw_kinds(style: Style, recordings: Sequence[Recording], interval: str) -> Figure:
    """A row for each kind of command, with the latencies of each run in it."""
    shown = [each for each in recordings if each.latency(interval)]
    names = {kind: kind_name(kind) for kind in kinds(shown, interval)}
    rows = {
        name: [(each.latency(interval).get(kind), line(style, each.number)) for each in shown]
        for kind, name in names.items()
    }
    notes = [MEASURES[interval], *warnings(shown)]
    title = f"{INTERVALS[interval].capitalize()} latency by kind of command"
    return _draw_rows(style, rows, shown, title, notes)


def draw_intervals(style: Style, recordings: Sequence[Recording]) -> Figure:
    """A row for each interval, from the shortest to the longest, with the latencies of all commands of each run."""
    rows = {
        name: [(each.latency(interval).get(ALL), line(style, each.number)) for each in recordings]
        for interval, name in INTERVALS.items()
        if any(ALL in each.latency(interval) for each in recordings)
    }
    notes = [*MEASURES.values(), *warnings(recordings)]
    return _draw_rows(style, rows, recordings, "Where the time of a command goes", notes)


def _draw_rows(
    style: Style,
    rows: dict[str, list[tuple[Latency | None, dict[str, Any]]]],
    recordings: Sequence[Recording],
    title: str,
    notes: Sequence[str],
) -> Figure:
    figure = canvas(style, LABELS + height(len(rows), len(recordings)))
    axes = figure.subplots()
    dress(axes, style, "", "x")
    axes.set_xlabel("latency (log scale)")
    draw_spread(axes, style, rows)
    name_rows(axes, style, rows)
    for each in recordings if len(recordings) > 1 else ():
        axes.plot([], [], label=each.name, linewidth=1.5, **line(style, each.number))
    finish(figure, style, title, notes, marks(style))
    return figure


def nines(most: float) -> dict[float, str]:
    """Where the ticks of the axis of nines are, up to the last that is reached: 50 %, 90 %, 99 %, 99.9 %, ..."""
    ticks = {2.0: "50 %"}
    for digits in range(1, int(np.log10(most * 1.000001)) + 1):
        ticks[10.0**digits] = f"{100 - 100 / 10**digits:.{max(digits - 2, 0)}f} %"
    return ticks


def percentile_curve(curve: Curve) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places on the axis of nines, 1 / (1 - p), and latencies in ns. The last place is the number of commands.

    A histogram gives ``PLACES`` of them, a run without one its recorded percentiles.
    """
    if curve.histogram is not None:
        count = curve.histogram.count
        places = np.geomspace(1, max(count, 1.0001), PLACES)
        ranks = np.floor(count * (1 - 1 / places) + 0.5)
        return places, np.maximum(curve.histogram.at(np.clip([*ranks[:-1], count], 1, count)), 1.0)
    recorded = curve.recording.latency(curve.interval)[curve.kind]
    points = {
        1 / (1 - percentage / 100): float(getattr(recorded, name))
        for name, percentage in Percentiles.POINTS.items()
        if percentage < 100 and 1 / (1 - percentage / 100) <= recorded.count
    }
    points[float(max(recorded.count, 1))] = recorded.max
    return np.array(list(points)), np.maximum(list(points.values()), 1.0)


def bins(drawn: Sequence[Buckets]) -> NDArray[np.float64]:
    """Edges, in ns, that hold all of them: whole numbers, each about 8 % above the one before."""
    least = min(int(buckets.least[0]) for buckets in drawn)
    most = max(int(buckets.least[-1]) for buckets in drawn)
    low, high = np.floor(np.log10(max(least, 1)) * BINS), np.ceil(np.log10(most + 2) * BINS)
    return np.unique(np.round(10 ** (np.arange(low, high + 1) / BINS)))
