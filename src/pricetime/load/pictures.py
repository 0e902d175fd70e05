"""Which pictures a set of runs has, and writes their files: PNG and SVG, light and dark."""

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


@dataclass(frozen=True)
class Picture:
    """One picture that can be drawn in any style."""

    name: str  #: of its files
    title: str  #: of its section on a page; what is drawn has a title of its own
    caption: str  #: what the picture itself does not say
    shows: Sequence[Recording]
    draw: Callable[[Style], Figure]

    def bytes_of(self, style: str, suffix: str) -> bytes:
        """The content of the file; equal runs give equal bytes. Raises MissingExtra."""
        out = BytesIO()
        with drawing():
            save(self.draw(STYLES[style]), out, suffix)
        return out.getvalue()


def pictures(recordings: Sequence[Recording]) -> list[Picture]:
    """Every picture that these runs have figures for, in the order of a page."""
    return [*_of_stages(recordings), *_of_latencies(recordings), *_of_rates(recordings)]


def write(found: Sequence[Picture], folder: Path, prefix: str = "") -> list[Path]:
    """Write ``NAME-light.svg``, ``NAME-dark.svg`` and both as PNG for each picture: the paths.

    Raises MissingExtra and OSError.
    """
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
            "Each stage is measured by itself; the table says what is in it. The bars begin at 0. The latencies are on "
            "a logarithmic axis; some stages measure only the rate.",
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
            "The match is part of tick to trade, and tick to trade is part of the round trip.",
            several,
            lambda style: latency_figures.draw_intervals(style, several),
        )
    for interval, name in reversed(INTERVALS.items()):
        yield from _of_interval([each for each in loads if latency_figures.has(each, interval)], interval, name)


def _of_interval(shown: Sequence[Recording], interval: str, name: str) -> Iterator[Picture]:
    suffix = interval.replace("_", "-")
    histograms = [each for each in shown if interval in each.histograms]
    if histograms:
        yield Picture(
            f"histogram-{suffix}",
            f"Distribution of the {name} latency",
            "The shares are of the commands of each line and add up to 100 %. The latency axis is logarithmic, and "
            "nothing is cut off.",
            histograms,
            lambda style: latency_figures.draw_histogram(style, histograms, interval),
        )
    if shown:
        yield Picture(
            f"percentiles-{suffix}",
            f"Percentiles of the {name} latency",
            "A point of a line says which share of the commands took at most how long. Both axes are logarithmic.",
            shown,
            lambda style: latency_figures.draw_percentiles(style, shown, interval),
        )
    recorded = [each for each in shown if each.latency(interval)]
    if len(recorded) > 1:
        yield Picture(
            f"kinds-{suffix}",
            f"The {name} latency by kind of command",
            "If the rows are alike, the latency does not depend on what the command asks for.",
            recorded,
            lambda style: latency_figures.draw_kinds(style, recorded, interval),
        )


def _of_rates(recordings: Sequence[Recording]) -> Iterator[Picture]:
    loads = list(of_loads(recordings))
    timed = [recording for recording, load in loads if load.over_time]
    if timed:
        yield Picture(
            "over-time",
            "Over time",
            "The rate begins at 0; the latency is on a logarithmic axis. A gap in a line of latencies: no command was "
            "answered in that interval.",
            timed,
            lambda style: rate_figures.draw_over_time(style, timed),
        )
    searched = [recording for recording, load in loads if load.saturation is not None and load.saturation.steps]
    if searched:
        yield Picture(
            "saturation",
            "Latency against rate",
            "Each marker is one step of the search, at the rate that was sent.",
            searched,
            lambda style: rate_figures.draw_saturation(style, searched),
        )
