"""Runs as a report shows them: each with a distinct name, and with its histograms if there are any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..native import hlog
from ..native.buckets import Buckets
from ..native.histogram import Histogram
from ..native.latency import NAMES
from . import run_file
from .run_file import INTERVALS, Latency, LoadRun, PipelineRun, Run

#: Name of all kinds of command together.
ALL = "all"

#: A longer name would not fit into a legend.
LONGEST = 40


@dataclass(frozen=True, eq=False)
class Recording:
    """A run, its name on a page, and its histograms by interval and kind; "all" is one of the kinds."""

    label: str
    number: int  #: among the runs of its kind: chooses its colour, which is the same in every picture
    run: Run
    histograms: Mapping[str, Mapping[str, Buckets]] = field(default_factory=dict)
    note: str | None = None  #: what is missing or does not match

    @property
    def name(self) -> str:
        """The label, with a warning sign if the figures of the run are unreliable."""
        return f"{self.label} ⚠" if self.run.troubles() else self.label

    def latency(self, interval: str) -> Mapping[str, Latency]:
        """The recorded latencies by kind, without kinds that have no commands."""
        recorded = self.run.latency_ns.get(interval, {}) if isinstance(self.run, LoadRun) else {}
        return {kind: recorded[kind] for kind in (ALL, *NAMES) if kind in recorded and recorded[kind].count}


def load(paths: Sequence[Path]) -> list[Recording]:
    """Read these runs, and the .hlog beside each. Raises NotARun, BadLog, MissingExtra, OSError."""
    found: list[Recording] = []
    for path, label in zip(paths, labels(paths), strict=True):
        run = run_file.read(path)
        number = sum(each.run.kind == run.kind for each in found)
        found.append(_beside(path, run, label, number))
    return found


def warnings(recordings: Sequence[Recording]) -> list[str]:
    """A note for each run whose name has the warning sign: why its figures are unreliable."""
    return [f"⚠ {each.label}: {' '.join(troubles)}" for each in recordings if (troubles := each.run.troubles())]


def of_loads(recordings: Sequence[Recording]) -> Iterator[tuple[Recording, LoadRun]]:
    """The runs of the load generator."""
    for recording in recordings:
        if isinstance(recording.run, LoadRun):
            yield recording, recording.run


def of_pipelines(recordings: Sequence[Recording]) -> Iterator[tuple[Recording, PipelineRun]]:
    """The runs of the pipeline benchmark."""
    for recording in recordings:
        if isinstance(recording.run, PipelineRun):
            yield recording, recording.run


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


def _beside(path: Path, loaded: Run, label: str, number: int) -> Recording:
    """A run with the histograms beside its file."""
    if not isinstance(loaded, LoadRun):
        return Recording(label, number, loaded)
    beside = run_file.hlog_beside(path)
    if not beside.exists():
        note = f"{beside.name} is not beside {path.name}, so there is no histogram of this run."
        return Recording(label, number, loaded, {}, note)
    histograms = _by_interval(hlog.read(beside))
    return Recording(label, number, loaded, histograms, _mismatch(path, loaded, histograms))


def _by_interval(by_tag: Mapping[str, Histogram]) -> dict[str, dict[str, Buckets]]:
    """The histograms by interval and kind, without empty ones; adds "all" if it is missing."""
    found: dict[str, dict[str, Buckets]] = {}
    for interval in INTERVALS:
        tags = {f"{interval}.{kind}": kind for kind in (*NAMES, ALL)}
        own = {kind: by_tag[tag] for tag, kind in tags.items() if tag in by_tag and by_tag[tag].count}
        if own and ALL not in own:
            everything = Histogram()
            for histogram in own.values():
                everything.merge(histogram)
            own[ALL] = everything
        if own:
            found[interval] = {kind: Buckets.of(histogram) for kind, histogram in own.items()}
    return found


def _mismatch(path: Path, loaded: LoadRun, histograms: Mapping[str, Mapping[str, Buckets]]) -> str | None:
    """A note if the counts of .hlog and .json differ: the files may be of different runs."""
    said = loaded.latency_ns.get("round_trip", {}).get(ALL)
    own = histograms.get("round_trip", {}).get(ALL)
    counted, recorded = own.count if own else 0, said.count if said else 0
    if counted == recorded:
        return None
    beside = run_file.hlog_beside(path).name
    return f"{beside} has {counted:,} round trips and {path.name} {recorded:,}: are they of the same run?"
