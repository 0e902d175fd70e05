"""Runs as they are shown: each with a name of its own, and with its histograms where they are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import hlog, run_file
from .buckets import Buckets
from .histogram import Histogram
from .latency import NAMES
from .run_file import INTERVALS, Latency, LoadRun, PipelineRun, Run

#: All kinds of command together.
ALL = "all"

#: A name that is longer than this would not fit into a legend.
LONGEST = 40


@dataclass(frozen=True, eq=False)
class Recording:
    """A run, its name on a page, and its histograms by interval and kind, of which "all" is one."""

    label: str
    number: int  #: among those of its kind: its colour, which it has in every picture
    run: Run
    histograms: Mapping[str, Mapping[str, Buckets]] = field(default_factory=dict)
    note: str | None = None  #: what is missing, or does not go together

    @property
    def name(self) -> str:
        """The label, marked when the run is not to be taken at its word."""
        return f"{self.label} ⚠" if self.run.troubles() else self.label

    def latency(self, interval: str) -> Mapping[str, Latency]:
        """By kind, those that have any."""
        recorded = self.run.latency_ns.get(interval, {}) if isinstance(self.run, LoadRun) else {}
        return {kind: recorded[kind] for kind in (ALL, *NAMES) if kind in recorded and recorded[kind].count}


def load(paths: Sequence[Path]) -> list[Recording]:
    """The runs of these files, and of the .hlog beside each. Raises NotARun, BadLog, MissingExtra, OSError."""
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
    """Those that are loads."""
    for recording in recordings:
        if isinstance(recording.run, LoadRun):
            yield recording, recording.run


def of_pipelines(recordings: Sequence[Recording]) -> Iterator[tuple[Recording, PipelineRun]]:
    """Those of the pipeline."""
    for recording in recordings:
        if isinstance(recording.run, PipelineRun):
            yield recording, recording.run


def labels(paths: Sequence[Path]) -> list[str]:
    """For each path its name, with as many of its folders as tell it from the others; told by number at the last."""
    parts = [path.resolve().with_suffix("").parts for path in paths]
    found: list[str] = []
    for own in parts:
        others = [each for each in parts if each != own]
        depth = next((n for n in range(1, len(own)) if all(each[-n:] != own[-n:] for each in others)), len(own))
        name = "/".join(own[-depth:]).lstrip("_")  # matplotlib leaves out of a legend what begins with one
        name = name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}"
        found.append(name if name not in found else f"{name} ({len(found) + 1})")
    return found


def _beside(path: Path, loaded: Run, label: str, number: int) -> Recording:
    """A run with what is beside its file."""
    if not isinstance(loaded, LoadRun):
        return Recording(label, number, loaded)
    beside = run_file.hlog_beside(path)
    if not beside.exists():
        note = f"{beside.name} is not beside {path.name}: no histogram of this run."
        return Recording(label, number, loaded, {}, note)
    histograms = _by_interval(hlog.read(beside))
    return Recording(label, number, loaded, histograms, _mismatch(path, loaded, histograms))


def _by_interval(by_tag: Mapping[str, Histogram]) -> dict[str, dict[str, Buckets]]:
    """By interval and kind, those that have anything; and all kinds together."""
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
    """A word when the .hlog has not the round trips that the run counted: it may be of another run."""
    said = loaded.latency_ns.get("round_trip", {}).get(ALL)
    own = histograms.get("round_trip", {}).get(ALL)
    counted, told = own.count if own else 0, said.count if said else 0
    if counted == told:
        return None
    beside = run_file.hlog_beside(path).name
    return f"{beside} has {counted:,} round trips and {path.name} {told:,}: is it of another run?"
