"""The format of ``RUN.json``: what was measured, on which machine, with which command."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

from ..errors import PricetimeError
from ..extras import require
from ..native.histogram import Histogram
from .units import duration

#: The intervals that latencies are measured over, from the longest to the shortest, and their names.
INTERVALS = {"round_trip": "round trip", "tick_to_trade": "tick to trade", "match": "match"}

#: A rate counts as missed if less than this share of it was sent.
ENOUGH = 0.99

#: If more than this share was sent over 1 ms late, p99 measures the generator as much as the exchange.
FEW_LATE = 0.01

Setting: TypeAlias = str | int | float | bool | list[float] | None


class NotARun(PricetimeError, ValueError):
    """The file is not a run, or has a different format."""


def key(name: str) -> str:
    """The name of a field in JSON: ``p99_9`` is ``p99.9``."""
    return re.sub(r"^(p\d+)_(\d+)$", r"\1.\2", name)


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Percentiles of ``count`` commands in ns: p99 is the latency that 99 % did not exceed. 0 without commands."""

    p50: float
    p90: float
    p99: float
    p99_9: float
    p99_99: float
    max: float
    count: int

    #: The percentiles, in order, and their percentages.
    POINTS: ClassVar[Mapping[str, float]] = {
        "p50": 50, "p90": 90, "p99": 99, "p99_9": 99.9, "p99_99": 99.99, "max": 100
    }  # fmt: skip

    @classmethod
    def of(cls, histogram: Histogram) -> Latency:
        """The percentiles of a histogram."""
        found = dict(zip(cls.POINTS, histogram.percentiles(cls.POINTS.values()), strict=True))
        return cls(count=histogram.count, **found)

    def __str__(self) -> str:
        """The main percentiles on one line."""
        return ", ".join(f"{key(name)} {duration(getattr(self, name))}" for name in ("p50", "p99", "p99_9", "max"))


@dataclass(kw_only=True)
class LoadResult:
    """The totals of a run."""

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


@dataclass(frozen=True, kw_only=True)
class Saturation:
    """A search for the highest rate whose p99 is within a limit."""

    limit_p99_ns: int
    highest_rate: float  #: 0 if no step was within the limit
    steps: list[Step]


@dataclass(frozen=True, kw_only=True)
class LoadRun:
    """A run of ``pricetime load``."""

    __pydantic_config__: ClassVar = {"alias_generator": key, "allow_inf_nan": False}

    format: Literal[1]  #: a different format is rejected: its fields may have a different meaning
    kind: Literal["load"] = "load"
    started_at: str  #: ISO time, UTC
    version: str  #: of pricetime
    machine: dict[str, str]  #: processor, system and so on, as text
    command: str  #: that repeats the run
    #: host, port, preset or tape, rate (None: as fast as possible), seconds, sessions, seed, ramp (None, or from and
    #: to), acknowledge
    settings: dict[str, Any]
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
        """A sentence for each reason why the figures are unreliable; empty for a good run."""
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


def read(path: Path) -> LoadRun:
    """Read a run. Raises NotARun, which names the file and the member, MissingExtra, and OSError."""
    data = path.read_bytes()
    pydantic: Any = require("pydantic", "report", "reading a run")
    try:
        run: LoadRun = pydantic.TypeAdapter(LoadRun).validate_json(data, strict=True)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        raise NotARun(
            f"{path} is not a run of pricetime load: {f'{place[1:]}: ' * bool(place)}{first['msg']}"
        ) from error
    return run


def write(path: Path, run: LoadRun) -> None:
    """Write a file for ``read``. Raises OSError."""
    path.write_text(json.dumps(_plain(asdict(run)), indent=1) + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    """A value for JSON: members with their names there, and fractions with six digits."""
    if isinstance(value, dict):
        return {key(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return round(value, 6) if isinstance(value, float) else value
