"""Which pictures a set of runs gives, and their files: PNG and SVG, light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from . import latency_figures, rate_figures, stage_figures
from .recording import ALL, Recording, of_loads, of_pipelines
from .run_file import INTERVALS
from .styles import STYLES, Style, drawing, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: What each interval is, in a sentence.
WHAT_IS_IN = {
    "match": "Match: from the command taken from the ring to its reports written.",
    "tick_to_trade": (
        "Tick to trade: from the recv that returned the order until the datagram with its last report was handed on."
    ),
    "round_trip": (
        "Round trip: from the moment an order was due to its answer in the load generator. A stall counts for every "
        "order that it delayed."
    ),
}


@dataclass(frozen=True)
class Picture:
    """One picture, ready to be drawn."""

    name: str  #: of its files
    title: str
    caption: str  #: what is in it, and how to read it; what is cut, where something is
    shows: Sequence[Recording]
    draw: Callable[[Style], Figure]

    def bytes_of(self, style: str, suffix: str) -> bytes:
        """The file. The same bytes for the same runs. Raises MissingExtra."""
        out = BytesIO()
        with drawing():
            save(self.draw(STYLES[style]), out, suffix)
        return out.getvalue()


def pictures(recordings: Sequence[Recording]) -> list[Picture]:
    """All that these runs have figures for, in the order of a page."""
    return [*_of_stages(recordings), *_of_latencies(recordings), *_of_rates(recordings)]


def write(found: Sequence[Picture], folder: Path, prefix: str = "") -> list[Path]:
    """``NAME-light.svg``, ``NAME-dark.svg`` and both as PNG, for each. Raises MissingExtra and OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for picture in found:
        for style in STYLES:
            for suffix in ("svg", "png"):
                paths.append(folder / f"{prefix}{picture.name}-{style}.{suffix}")
                paths[-1].write_bytes(picture.bytes_of(style, suffix))
    return paths


def _of_stages(recordings: Sequence[Recording]) -> Iterator[Picture]:
    shown = [recording for recording, run in of_pipelines(recordings) if run.stages]
    if shown:
        yield Picture(
            "stages",
            "The pipeline, stage by stage",
            "Each stage is measured by itself; the table says what is in it. Bars begin with 0. Latencies are on a "
            "logarithmic axis, from the median to the slowest, and not of every stage.",
            shown,
            lambda style: stage_figures.draw_stages(style, shown),
        )


def _of_latencies(recordings: Sequence[Recording]) -> Iterator[Picture]:
    loads = [recording for recording, _ in of_loads(recordings)]
    several = [each for each in loads if sum(ALL in each.latency(interval) for interval in INTERVALS) > 1]
    if several:
        yield Picture(
            "intervals",
            "Where the time goes",
            " ".join(WHAT_IS_IN.values()),
            several,
            lambda style: stage_figures.draw_intervals(style, several),
        )
    for interval, name in reversed(INTERVALS.items()):
        percentiles = [each for each in loads if each.latency(interval) or interval in each.histograms]
        if percentiles:
            yield _percentiles(percentiles, interval, name)
        histograms = [each for each in percentiles if interval in each.histograms]
        if histograms:
            yield _histogram(histograms, interval, name)


def _percentiles(shown: Sequence[Recording], interval: str, name: str) -> Picture:
    from_json = [each.label for each in shown if interval not in each.histograms]
    rough = f" Of {', '.join(from_json)} only the marked percentiles are known, joined by lines." if from_json else ""
    return Picture(
        f"percentiles-{interval.replace('_', '-')}",
        f"Percentiles of the {name}",
        f"{WHAT_IS_IN[interval]} Each step to the right has ten times fewer commands beyond it; a line ends at the "
        f"slowest command of its kind.{rough}",
        shown,
        lambda style: latency_figures.draw_percentiles(style, shown, interval),
    )


def _histogram(shown: Sequence[Recording], interval: str, name: str) -> Picture:
    return Picture(
        f"histogram-{interval.replace('_', '-')}",
        f"Histogram of the {name}",
        f"{WHAT_IS_IN[interval]} Shares are of the commands of each line, in bins of 8 %. Both axes are logarithmic: "
        "the tail styles larger than it is, and nothing is cut off.",
        shown,
        lambda style: latency_figures.draw_histogram(style, shown, interval),
    )


def _of_rates(recordings: Sequence[Recording]) -> Iterator[Picture]:
    loads = list(of_loads(recordings))
    timed = [recording for recording, load in loads if load.over_time]
    if timed:
        yield Picture(
            "over-time",
            "Over time",
            "Above the rate, from 0 on; beneath it the round trip of what was answered in the same interval, on a "
            "logarithmic axis. Where nothing was answered there is a gap.",
            timed,
            lambda style: rate_figures.draw_over_time(style, timed),
        )
    searched = [recording for recording, load in loads if load.saturation is not None and load.saturation.steps]
    if searched:
        yield Picture(
            "saturation",
            "Latency against rate",
            f"{WHAT_IS_IN['round_trip']} Each mark is a step of the search, at the rate that was sent, not at the one "
            "asked for; hollow where the two differ by more than 1 %. The vertical line is the highest rate whose p99 "
            "kept to the limit.",
            searched,
            lambda style: rate_figures.draw_saturation(style, searched),
        )
