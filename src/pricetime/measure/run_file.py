"""A run on disk: what was measured, on what, with which command. ``RUN.json``, and its histograms in ``RUN.hlog``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from ..errors import PricetimeError
from .histogram import Histogram
from .typed import Mistyped, key, typed

#: A file of another format is refused: its fields may mean something else.
FORMAT = 1

#: Between which two moments a latency lies, from the innermost out.
INTERVALS = {"match": "match", "tick_to_trade": "tick to trade", "round_trip": "round trip"}

#: A rate is missed when less than this share of it was sent; so much may be due to the last interval.
ENOUGH = 0.99

#: With more than this share sent over 1 ms after it was due, p99 says as much of the generator as of the exchange.
FEW_LATE = 0.01

Setting: TypeAlias = str | int | float | bool | list[float] | None


class NotARun(PricetimeError, ValueError):
    """The file holds no run, or one of another format."""


@dataclass(frozen=True, kw_only=True)
class Percentiles:
    """Latencies in ns: so many percent were at or below. All are 0 where nothing was recorded."""

    p50: float
    p90: float
    p99: float
    p99_9: float
    p99_99: float
    max: float

    #: The fields, in order, and their percentages.
    POINTS: ClassVar[Mapping[str, float]] = {
        "p50": 50, "p90": 90, "p99": 99, "p99_9": 99.9, "p99_99": 99.99, "max": 100
    }  # fmt: skip

    @classmethod
    def values_of(cls, histogram: Histogram) -> dict[str, int]:
        """The percentiles of a histogram, by field."""
        return dict(zip(cls.POINTS, histogram.percentiles(cls.POINTS.values()), strict=True))


@dataclass(frozen=True, kw_only=True)
class Latency(Percentiles):
    """The percentiles of so many commands."""

    count: int

    @classmethod
    def of(cls, histogram: Histogram) -> Latency:
        """Those of a histogram."""
        return cls(count=histogram.count, **cls.values_of(histogram))


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """What became of a load."""

    sent: int  #: commands
    answered: int
    seconds: float  #: from the first one sent to the last one answered
    sent_per_s: float
    answered_per_s: float
    late: int  #: sent over 1 ms after they were due
    complete: bool  #: all was sent that should have been, and answered
    failure: str | None = None  #: why it ended early


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One interval of a load, of a quarter of a second or so. The latencies, in ns, are of what was answered in it."""

    s: float  #: where it ends, since the start
    sent: int
    answered: int
    p50: float
    p99: float
    max: float


@dataclass(frozen=True, kw_only=True)
class Step:
    """One rate of a search for the highest one. Latencies in ns."""

    rate: float  #: asked for, commands a second
    sent_per_s: float
    answered_per_s: float
    p50: float
    p99: float
    p99_9: float
    max: float

    @property
    def reached(self) -> bool:
        """Whether the rate that was asked for was sent."""
        return self.sent_per_s >= ENOUGH * self.rate


@dataclass(frozen=True, kw_only=True)
class Saturation:
    """A search for the highest rate whose p99 stays under a limit."""

    limit_p99_ns: int
    highest_rate: float  #: 0 when no step kept to the limit
    steps: list[Step]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What every run says of itself."""

    kind: ClassVar[str]

    started_at: datetime  #: UTC
    version: str  #: of pricetime
    machine: dict[str, str]  #: processor, system and such, in words
    command: str  #: which repeats it

    def troubles(self) -> list[str]:
        """A sentence for each reason not to take its figures at their word; empty for a good run."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class LoadRun(Run):
    """A load on an exchange, as ``pricetime load`` makes it."""

    kind: ClassVar[str] = "load"

    #: host, port, preset or tape, rate (None: as fast as it goes), seconds, sessions, seed, ramp (None, or from and
    #: to), acknowledge
    settings: dict[str, Setting]
    result: LoadResult
    latency_ns: dict[str, dict[str, Latency]]  #: by interval, then by kind of command and "all"
    over_time: list[Moment]
    saturation: Saturation | None = None

    @property
    def asked(self) -> tuple[float, float] | None:
        """The rate asked for, commands a second, at the start and at the end; None: as fast as it goes, or a search."""
        rate, ramp = self.settings.get("rate"), self.settings.get("ramp")
        if self.saturation is not None:
            return None  # what its result is of was found by the search
        if isinstance(ramp, list) and len(ramp) == 2:
            return ramp[0], ramp[1]
        return (rate, rate) if isinstance(rate, int | float) else None

    def troubles(self) -> list[str]:
        """What failed, was not answered, was late, or was not reached."""
        result = self.result
        found = []
        if result.failure is not None:
            found.append(f"Failed: {result.failure}")
        if result.answered < result.sent:
            found.append(f"{result.sent - result.answered:,} of {result.sent:,} commands were not answered.")
        if not result.complete and not found and self.saturation is None:
            found.append("Ended before all was sent.")
        asked = sum(self.asked) / 2 if self.asked else 0.0
        if result.sent_per_s < ENOUGH * asked:
            found.append(f"Missed its rate: {result.sent_per_s:,.0f} of {asked:,.0f} commands a second were sent.")
        if result.late > FEW_LATE * result.sent:
            found.append(
                f"{result.late:,} of {result.sent:,} commands were sent over 1 ms after they were due; that wait is in "
                "their round trips."
            )
        if self.saturation is not None and not self.saturation.highest_rate:
            found.append("No rate that was tried kept to the limit of the search.")
        return found


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One part of the pipeline, or several of them together, measured by itself."""

    name: str
    orders: int
    orders_per_s: float
    what: str  #: is in it
    command: str
    latency_ns: Percentiles | None = None


@dataclass(frozen=True, kw_only=True)
class PipelineRun(Run):
    """The pipeline, stage after stage."""

    kind: ClassVar[str] = "pipeline"

    stages: list[Stage]

    def troubles(self) -> list[str]:
        """Stages without orders."""
        return [f"The stage '{stage.name}' has no orders." for stage in self.stages if not stage.orders]


RUNS: Mapping[str, type[Run]] = {kind.kind: kind for kind in (LoadRun, PipelineRun)}


def read(path: Path) -> Run:
    """The run of a file. Raises NotARun, which names the file and the field, and OSError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise NotARun(f"{path} is no run: not JSON ({error})") from error
    if not isinstance(found, dict) or "format" not in found:
        raise NotARun(f"{path} is no run: it has no 'format'. Runs are written by pricetime load --out")
    if found["format"] != FORMAT:
        raise NotARun(f"{path} is a run of format {found['format']!r}, and this pricetime reads format {FORMAT}")
    if found.get("kind") not in RUNS:
        raise NotARun(f"{path}: kind is {found.get('kind')!r}, where {' or '.join(map(repr, RUNS))} belongs")
    try:
        run: Run = typed(RUNS[found["kind"]], found, "")
    except Mistyped as error:
        raise NotARun(f"{path}: {error}") from error
    return run


def write(path: Path, run: Run) -> None:
    """A file that ``read`` takes. Raises OSError."""
    values = {"format": FORMAT, "kind": run.kind, **_renamed(asdict(run))}
    path.write_text(json.dumps(values, indent=1, default=datetime.isoformat) + "\n", encoding="utf-8")


def hlog_beside(path: Path) -> Path:
    """Where the histograms of a run are."""
    return path.with_suffix(".hlog")


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key(name): _renamed(each) for name, each in value.items()}
    return [_renamed(each) for each in value] if isinstance(value, list) else value
