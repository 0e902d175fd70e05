"""Writes a run of the load generator to disk: RUN.json with figures and conditions, RUN.hlog with histograms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from ..native import hlog
from ..native.histogram import Histogram
from ..native.latency import NAMES
from . import run_file
from .machine import describe
from .run import Result, by_kind
from .run_file import LoadResult, LoadRun, Saturation, Setting
from .saturation import Search

#: Intervals that the server measures; its own .hlog has them.
OF_SERVER = ("tick_to_trade", "match")


@dataclass(frozen=True)
class Settings:
    """The conditions of a run. Either ``preset`` or ``tape`` is None."""

    host: str
    port: int
    preset: str | None
    tape: str | None
    rate: float | None  #: orders per second; None: as fast as possible
    seconds: float
    sessions: int
    seed: int
    ramp: tuple[float, float] | None  #: from and to, orders per second
    acknowledge: str  #: what an answer promises: volatile, memory or durable


def files_of(run: Path) -> tuple[Path, Path]:
    """RUN.json and RUN.hlog. RUN may have one of these suffixes."""
    base = run.with_suffix("") if run.suffix in {".json", ".hlog"} else run
    return base.with_name(base.name + ".json"), base.with_name(base.name + ".hlog")


def write(
    run: Path,
    result: Result,
    settings: Settings,
    command: str,
    *,
    search: Search | None = None,
    server: Mapping[str, Histogram] | None = None,
) -> tuple[Path, Path]:
    """Write both files and return their paths. ``server``: histograms of the server, by interval.kind.

    Raises MissingExtra without the package hdrhistogram, and OSError.
    """
    json_path, hlog_path = files_of(run)
    json_path.parent.mkdir(parents=True, exist_ok=True)
    intervals = {"round_trip": result.latencies, **{name: kinds_of(server or {}, name) for name in OF_SERVER}}
    record = LoadRun(
        started_at=datetime.fromtimestamp(round(result.started_at, 3), UTC),
        version=version("pricetime"),
        machine=describe(),
        command=command,
        settings=_settings(settings),
        result=LoadResult(**{field.name: getattr(result, field.name) for field in fields(LoadResult)}),
        latency_ns={name: by_kind(kinds) for name, kinds in intervals.items() if kinds or name == "round_trip"},
        over_time=result.over_time,
        saturation=None
        if search is None
        else Saturation(limit_p99_ns=search.limit_p99_ns, highest_rate=search.highest_rate, steps=search.steps),
    )
    run_file.write(json_path, record)
    tagged = {f"{name}.{kind}": of for name, kinds in intervals.items() for kind, of in kinds.items()}
    hlog.write(hlog_path, tagged, started_at=result.started_at, ended_at=result.ended_at)
    return json_path, hlog_path


def kinds_of(tagged: Mapping[str, Histogram], interval: str) -> dict[str, Histogram]:
    """The histograms of one interval by kind, out of histograms by interval.kind."""
    return {kind: tagged[f"{interval}.{kind}"] for kind in NAMES if f"{interval}.{kind}" in tagged}


def _settings(settings: Settings) -> dict[str, Setting]:
    """The settings without the one of preset and tape that was not used."""
    unused = "tape" if settings.tape is None else "preset"
    return {name: value for name, value in asdict(settings).items() if name != unused}
