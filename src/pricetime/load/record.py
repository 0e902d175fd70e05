"""Writes a run of the load generator to disk: RUN.json with figures and conditions, RUN.hlog with histograms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from ..native import hlog
from ..native.histogram import Histogram
from ..native.latency import NAMES
from . import run_file
from .machine import describe
from .run import Result, by_kind
from .run_file import LoadResult, LoadRun, Moment, Setting
from .saturation import Saturation

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


def run_of(
    result: Result,
    settings: Settings,
    command: str,
    *,
    saturation: Saturation | None = None,
    server: Mapping[str, Histogram] | None = None,
) -> LoadRun:
    """The record of a run. ``server``: histograms of the server, by interval.kind."""
    latency = {"round_trip": by_kind(result.latencies)}
    for interval in OF_SERVER:
        if kinds := kinds_of(server or {}, interval):
            latency[interval] = by_kind(kinds)
    return LoadRun(
        started_at=datetime.fromtimestamp(round(result.started_at, 3), UTC),
        version=version("pricetime"),
        machine=describe(),
        command=command,
        settings=_settings(settings),
        result=LoadResult(
            sent=result.sent,
            answered=result.answered,
            seconds=round(result.seconds, 6),
            sent_per_s=round(result.sent_per_s, 3),
            answered_per_s=round(result.answered_per_s, 3),
            late=result.late,
            complete=result.complete,
            failure=result.failure,
        ),
        latency_ns=latency,
        over_time=[Moment(**interval._asdict()) for interval in result.over_time],
        saturation=None if saturation is None else _search(saturation),
    )


def write(
    run: Path,
    result: Result,
    settings: Settings,
    command: str,
    *,
    saturation: Saturation | None = None,
    server: Mapping[str, Histogram] | None = None,
) -> tuple[Path, Path]:
    """Write both files and return their paths. Raises MissingExtra without the package hdrhistogram, and OSError."""
    json_path, hlog_path = files_of(run)
    json_path.parent.mkdir(parents=True, exist_ok=True)
    run_file.write(json_path, run_of(result, settings, command, saturation=saturation, server=server))
    tagged = {f"round_trip.{kind}": histogram for kind, histogram in result.latencies.items()}
    for interval in OF_SERVER:
        tagged |= {f"{interval}.{kind}": of for kind, of in kinds_of(server or {}, interval).items()}
    hlog.write(hlog_path, tagged, started_at=result.started_at, ended_at=result.ended_at)
    return json_path, hlog_path


def kinds_of(tagged: Mapping[str, Histogram], interval: str) -> dict[str, Histogram]:
    """The histograms of one interval by kind, out of histograms by interval.kind."""
    return {kind: tagged[f"{interval}.{kind}"] for kind in NAMES if f"{interval}.{kind}" in tagged}


def _search(found: Saturation) -> run_file.Saturation:
    steps = [
        run_file.Step(
            rate=round(step.rate, 3),
            sent_per_s=round(step.sent_per_s, 3),
            answered_per_s=round(step.answered_per_s, 3),
            p50=step.p50,
            p99=step.p99,
            p99_9=step.p99_9,
            max=step.max,
        )
        for step in found.steps
    ]
    return run_file.Saturation(limit_p99_ns=found.limit_p99_ns, highest_rate=round(found.highest_rate, 3), steps=steps)


def _settings(settings: Settings) -> dict[str, Setting]:
    """The settings without the one of preset and tape that was not used."""
    unused = "tape" if settings.tape is None else "preset"
    return {name: value for name, value in asdict(settings).items() if name != unused}
