"""Latencies drawn: how they are spread, and what the slowest of them come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .buckets import Buckets
from .frames import frame, legend, log_durations, spaced
from .latency import NAMES
from .recording import ALL, Recording
from .run_file import INTERVALS, Percentiles
from .styles import LINES, MARKERS, Style, line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Bins of the histogram for each power of ten: a bin is 8 % wide.
BINS = 30

#: Height of the panel of a kind, in inches.
EACH = 1.6

#: Places along the axis of nines at which a percentile is drawn.
PLACES = 400

#: Names of the kinds as they are shown.
KIND_NAMES = {ALL: "all", "rests": "add, rests", "trades": "add, trades", "cancel": "cancel, reduce"}


@dataclass(frozen=True, eq=False)
class Curve:
    """One line of a picture: the latencies of one kind of one run."""

    label: str
    number: int  #: of its colour; all kinds together have none, but ink
    recording: Recording
    interval: str
    kind: str

    @property
    def histogram(self) -> Buckets | None:
        return self.recording.histograms.get(self.interval, {}).get(self.kind)

    def style(self, style: Style) -> dict[str, Any]:
        return {"color": style.ink, "linestyle": LINES[0]} if self.number < 0 else line(style, self.number)


def together(recording: Recording, interval: str) -> list[Curve]:
    """One run: a curve for each kind."""
    return [
        Curve(kind_name(kind), NAMES.index(kind) if kind in NAMES else -1, recording, interval, kind)
        for kind in _kinds([recording], interval)
    ]


def panels(recordings: Sequence[Recording], interval: str) -> dict[str, list[Curve]]:
    """Several runs: a panel for each kind with a curve for each run."""
    return {
        kind_name(kind): [
            Curve(recording.name, recording.number, recording, interval, kind)
            for recording in recordings
            if kind in recording.histograms.get(interval, {}) or kind in recording.latency(interval)
        ]
        for kind in _kinds(recordings, interval)
    }


def _kinds(recordings: Sequence[Recording], interval: str) -> list[str]:
    return [
        kind
        for kind in (ALL, *NAMES)
        if any(kind in each.histograms.get(interval, {}) or kind in each.latency(interval) for each in recordings)
    ]


def kind_name(kind: str) -> str:
    return KIND_NAMES.get(kind, kind)


def draw_histogram(style: Style, recordings: Sequence[Recording], interval: str) -> Figure:
    """The share of the commands in each bin of 8 %, a panel for each kind. Both axes logarithmic, nothing cut."""
    shown = [each for each in recordings if interval in each.histograms]
    alone = {curve.label: [curve] for curve in together(shown[0], interval)}
    found = panels(shown, interval) if len(shown) > 1 else alone
    edges = bins([curve.histogram for curves in found.values() for curve in curves if curve.histogram])
    figure, axes_of = frame(style, list(found), f"{INTERVALS[interval]} latency", "share of the commands", each=EACH)
    for title, axes in axes_of.items():
        for curve in found[title]:
            if curve.histogram is not None:
                shares = curve.histogram.shares(edges)
                seen = np.where(shares > 0, shares, np.nan)
                axes.stairs(seen, edges, label=curve.label, linewidth=1.5, **curve.style(style))
        axes.set_yscale("log")
        log_durations(axes, "x")
        axes.yaxis.set_major_formatter(lambda share, _: f"{share:.10g} %")
    if len(shown) > 1:
        legend(figure, style)
    return figure


def draw_percentiles(style: Style, recordings: Sequence[Recording], interval: str) -> Figure:
    """Latency over an axis of nines, which ends where one command is left."""
    shown = [each for each in recordings if each.latency(interval) or interval in each.histograms]
    found = panels(shown, interval) if len(shown) > 1 else {"": together(shown[0], interval)}
    x, y = "of the commands took at most", f"{INTERVALS[interval]} latency"
    figure, axes_of = frame(style, list(found), x, y, each=EACH)
    drawn = {curve: percentile_curve(curve) for curves in found.values() for curve in curves}
    most = max(float(places[-1]) for places, _ in drawn.values())
    for title, axes in axes_of.items():
        for curve in found[title]:
            marked: dict[str, Any] = (
                {} if curve.histogram is not None else {"marker": MARKERS[curve.number % len(MARKERS)]}
            )
            width = 2.5 if curve.number < 0 else 1.5  # it lies beneath the kinds, one of which may be all there is
            axes.plot(*drawn[curve], label=curve.label, linewidth=width, **marked, **curve.style(style))
        axes.set_xscale("log")
        axes.set_xlim(1, max(most, 2) * 1.1)
        named = spaced(axes, nines(most))
        axes.set_xticks(list(named), list(named.values()))
        log_durations(axes, "y")
    legend(figure, style)
    return figure


def nines(most: float) -> dict[float, str]:
    """Where the ticks of the axis of nines are, up to the last that is reached: 50 %, 90 %, 99 %, 99.9 %, ..."""
    ticks = {2.0: "50 %"}
    for digits in range(1, int(np.log10(most * 1.000001)) + 1):
        ticks[10.0**digits] = f"{100 - 100 / 10**digits:.{max(digits - 2, 0)}f} %"
    return ticks


def percentile_curve(curve: Curve) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places on the axis of nines, 1 / (1 - p), and latencies in ns.

    Of a histogram many; of a run without one the recorded percentiles. The last place is the number of commands.
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
    """Edges, in ns, that hold all of them: whole numbers, each about 8 % over the one before."""
    least = min(int(buckets.least[0]) for buckets in drawn)
    most = max(int(buckets.least[-1]) for buckets in drawn)
    low, high = np.floor(np.log10(max(least, 1)) * BINS), np.ceil(np.log10(most + 2) * BINS)
    return np.unique(np.round(10 ** (np.arange(low, high + 1) / BINS)))
