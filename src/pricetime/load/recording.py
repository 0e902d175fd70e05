"""Runs as a report shows them: each with a distinct name, and with its histograms if there are any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..native import hlog
from . import run_file
from .record import files_of, intervals_of
from .run import Latencies
from .run_file import LoadRun

#: A longer name would not fit into a legend.
LONGEST = 40


@dataclass(frozen=True, eq=False)
class Recording:
    """A run, its name on a page, and its histograms by interval and kind, empty without the file RUN.hlog."""

    label: str
    number: int  #: chooses its colour, which is the same in every picture
    run: LoadRun
    histograms: Mapping[str, Latencies] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The label, with a warning sign if the figures of the run are unreliable."""
        return f"{self.label} ⚠" if self.run.troubles() else self.label

    def warnings(self) -> list[str]:
        """Why figures are unreliable, or missing."""
        missing = [] if self.histograms else ["No histograms (.hlog) are beside the file: percentiles are not drawn."]
        return [*self.run.troubles(), *missing]


def load(paths: Sequence[Path]) -> list[Recording]:
    """Read these runs, and the .hlog beside each. Raises NotARun, BadLog, MissingExtra, OSError."""
    found = []
    for number, (path, label) in enumerate(zip(paths, labels(paths), strict=True)):
        _, beside = files_of(path)
        histograms = intervals_of(hlog.read(beside)) if beside.exists() else {}
        found.append(Recording(label, number, run_file.read(path), histograms))
    return found


def labels(paths: Sequence[Path]) -> list[str]:
    """A distinct name for each path: the file name, with parent folders if needed; equal paths get a number."""
    parts = [path.resolve().with_suffix("").parts for path in paths]
    found: list[str] = []
    for own in parts:
        others = [each for each in parts if each != own]
        depth = next((n for n in range(1, len(own)) if all(each[-n:] != own[-n:] for each in others)), len(own))
        name = "/".join(own[-depth:]).lstrip("_")  # matplotlib leaves names with a leading underscore out of a legend
        name = name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}"
        found.append(name if name not in found else f"{name} ({len(found) + 1})")
    return found
