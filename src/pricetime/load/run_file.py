"""The format of ``RUN.json``: what was measured, on which machine, with which command."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from ..errors import PricetimeError
from ..extras import require
from ..native.histogram import Histogram

#: Files of a different format are rejected: their fields may have a different meaning.
FORMAT = 1

#: The intervals that latencies are measured over, from the shortest to the longest, and their names.
INTERVALS = {"match": "match", "tick_to_trade": "tick to trade", "round_trip": "round trip"}

#: A rate counts as missed if less than this share of it was sent.
ENOUGH = 0.99

#: If more than this share was sent over 1 ms late, p99 measures the generator as much as the exchange.
FEW_LATE = 0.01

Setting: TypeAlias = str | int | float | bool | list[float] | None


class NotARun(PricetimeError, ValueError):
    """The file is not a run, or has a different format."""


@dataclass(frozen=True, kw_only=True)
class Percentiles:
    """Percentiles in ns: p99 is the latency that 99 % did not exceed. All are 0 if nothing was recorded."""

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
    """The percentiles of ``count`` commands."""

    count: int

    @classmethod
    def of(cls, histogram: Histogram) -> Latency:
        """The percentiles of a histogram."""
        return cls(count=histogram.count, **cls.values_of(histogram))


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """The totals of a run of the load generator."""

    sent: int  #: commands
    answered: int
    seconds: float  #: from the first command due to the last answer
    sent_per_s: float
    answered_per_s: float
    late: int  #: sent more than 1 ms after they were due
    complete: bool  #: everything was sent and answered
    failure: str | None = None  #: why it ended early


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One interval of about 0.25 s. The latencies, in ns, are of the commands answered in it."""

    s: float  #: its end, in seconds since the start
    sent: int
    answered: int
    p50: float
    p99: float
    max: float


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a search for the highest rate. Latencies in ns."""

    rate: float  #: asked for, commands per second
    sent_per_s: float
    answered_per_s: float
    p50: float
    p99: float
    p99_9: float
    max: float
    good: bool = False  #: the rate was reached and p99 is within the limit

    @property
    def reached(self) -> bool:
        """Was the rate sent that was asked for?"""
        return self.sent_per_s >= ENOUGH * self.rate


@dataclass(frozen=True, kw_only=True)
class Saturation:
    """A search for the highest rate whose p99 is within a limit."""

    limit_p99_ns: int
    highest_rate: float  #: 0 if no step was within the limit
    steps: list[Step]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What every run has."""

    kind: ClassVar[str]

    started_at: datetime  #: UTC
    version: str  #: of pricetime
    machine: dict[str, str]  #: processor, system and so on, as text
    command: str  #: that repeats the run

    def troubles(self) -> list[str]:
        """A sentence for each reason why the figures are unreliable; empty for a good run."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class LoadRun(Run):
    """A run of ``pricetime load``."""

    kind: ClassVar[str] = "load"

    #: host, port, preset or tape, rate (None: as fast as possible), seconds, sessions, seed, ramp (None, or from and
    #: to), acknowledge
    settings: dict[str, Setting]
    result: LoadResult
    latency_ns: dict[str, dict[str, Latency]]  #: by interval, then by kind of command and "all"
    over_time: list[Moment]
    saturation: Saturation | None = None

    @property
    def asked(self) -> tuple[float, float] | None:
        """The rate asked for at the start and at the end, in commands per second; None: no rate, or a search."""
        rate, ramp = self.settings.get("rate"), self.settings.get("ramp")
        if self.saturation is not None:
            return None  # the search chose the rate of its result
        if isinstance(ramp, list) and len(ramp) == 2:
            return ramp[0], ramp[1]
        return (rate, rate) if isinstance(rate, int | float) else None

    def troubles(self) -> list[str]:
        """What failed, was not answered, was late, or missed its rate."""
        result = self.result
        found = []
        if result.failure is not None:
            found.append(f"Failed: {result.failure}")
        if result.answered < result.sent:
            found.append(f"{result.sent - result.answered:,} of {result.sent:,} commands were not answered.")
        if not result.complete and not found and self.saturation is None:
            found.append("The run ended before everything was sent.")
        asked = sum(self.asked) / 2 if self.asked else 0.0
        if result.sent_per_s < ENOUGH * asked:
            found.append(
                f"The rate was missed: {result.sent_per_s:,.0f} of {asked:,.0f} commands per second were sent."
            )
        if result.late > FEW_LATE * result.sent:
            found.append(
                f"{result.late:,} of {result.sent:,} commands were sent over 1 ms after they were due. Their latencies "
                "include that delay of the load generator."
            )
        if self.saturation is not None and not self.saturation.highest_rate:
            found.append("No rate of the search was within its limit.")
        return found


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of the pipeline, or several together, measured alone."""

    name: str
    orders: int
    orders_per_s: float
    what: str  #: what the stage consists of
    command: str
    latency_ns: Percentiles | None = None


@dataclass(frozen=True, kw_only=True)
class PipelineRun(Run):
    """A run of the pipeline benchmark."""

    kind: ClassVar[str] = "pipeline"

    stages: list[Stage]

    def troubles(self) -> list[str]:
        """Stages that measured no orders."""
        return [f"The stage '{stage.name}' measured no orders." for stage in self.stages if not stage.orders]


RUNS: Mapping[str, type[Run]] = {kind.kind: kind for kind in (LoadRun, PipelineRun)}


def read(path: Path) -> Run:
    """Read a run. Raises NotARun, which names the file and the member, MissingExtra, and OSError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise NotARun(
            f"{path} is not a run: it is not JSON ({error}). Give a file that pricetime load --out wrote"
        ) from error
    if not isinstance(found, dict) or "format" not in found:
        raise NotARun(f"{path} is not a run: it has no 'format'. Give a file that pricetime load --out wrote")
    if found["format"] != FORMAT:
        raise NotARun(
            f"{path} has format {found['format']!r}, but this version of pricetime reads only format {FORMAT}"
        )
    if found.get("kind") not in RUNS:
        raise NotARun(f"{path}: kind is {found.get('kind')!r}: it must be {' or '.join(map(repr, RUNS))}")
    pydantic: Any = require("pydantic", "report", "reading a run")
    try:
        run: Run = pydantic.TypeAdapter(RUNS[found["kind"]]).validate_json(json.dumps(_fields(found)), strict=True)
    except pydantic.ValidationError as error:
        raise NotARun(f"{path}: {_in_words(error.errors()[0], found)}") from error
    if run.started_at.tzinfo is None:
        raise NotARun(f"{path}: started_at: the time has no zone")
    return run


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")


def _in_words(error: Any, found: Any) -> str:
    """Where an error of pydantic is, and what it says."""
    place = ""
    for part in error["loc"]:
        if isinstance(part, int):
            place, found = f"{place}[{part}]", found[part]
        elif isinstance(found, dict) and (key(part) in found or error["type"] == "missing"):
            place, found = f"{place}.{key(part)}", found.get(key(part))
        else:
            break  # the name of a type
    return f"{place[1:]}: {error['msg']}"


def write(path: Path, run: Run) -> None:
    """Write a file for ``read``. Raises OSError."""
    values = {"format": FORMAT, "kind": run.kind, **_plain(asdict(run))}
    path.write_text(json.dumps(values, indent=1, default=datetime.isoformat) + "\n", encoding="utf-8")


def hlog_beside(path: Path) -> Path:
    """The file with the histograms of a run."""
    return path.with_suffix(".hlog")


def key(name: str) -> str:
    """The name of a field in JSON: ``p99_9`` is ``p99.9``."""
    return re.sub(r"^(p\d+)_(\d+)$", r"\1.\2", name)


def _fields(value: Any) -> Any:
    """A value of JSON with the names of fields."""
    if isinstance(value, dict):
        return {re.sub(r"^(p\d+)\.(\d+)$", r"\1_\2", name): _fields(each) for name, each in value.items()}
    return [_fields(each) for each in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """A value for JSON: members with their names there, and fractions with six digits."""
    if isinstance(value, dict):
        return {key(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return round(value, 6) if isinstance(value, float) else value
