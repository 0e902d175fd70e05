"""Writes a run of the load generator to disk: RUN.json with figures and conditions, RUN.hlog with histograms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from ..native import hlog
from ..native.histogram import Histogram
from . import run_file
from .machine import describe
from .run import Latencies, Result, by_kind
from .run_file import LoadResult, LoadRun, Saturation, Setting
from .saturation import Search


def files_of(run: Path) -> tuple[Path, Path]:
    """RUN.json and RUN.hlog. RUN may have one of these suffixes."""
    base = run.with_suffix("") if run.suffix in {".json", ".hlog"} else run
    return base.with_name(base.name + ".json"), base.with_name(base.name + ".hlog")


def intervals_of(by_tag: Mapping[str, Histogram]) -> dict[str, dict[str, Histogram]]:
    """The histograms of a .hlog file, by interval and kind of command."""
    found: dict[str, dict[str, Histogram]] = {}
    for tag, histogram in by_tag.items():
        interval, _, kind = tag.partition(".")
        found.setdefault(interval, {})[kind] = histogram
    return found


def write(
    run: Path,
    result: Result,
    settings: dict[str, Setting],
    command: str,
    *,
    search: Search | None = None,
    server: Mapping[str, Latencies] | None = None,
) -> tuple[Path, Path]:
    """Write both files and return their paths. ``settings``: those of ``LoadRun``; ``server``: by interval, what the
    server measured.

    Raises MissingExtra without the package hdrhistogram, and OSError.
    """
    json_path, hlog_path = files_of(run)
    json_path.parent.mkdir(parents=True, exist_ok=True)
    intervals = {"round_trip": result.latencies, **(server or {})}
    record = LoadRun(
        format=1,
        started_at=datetime.fromtimestamp(round(result.started_at, 3), UTC).isoformat(),
        version=version("pricetime"),
        machine=describe(),
        command=command,
        settings=settings,
        result=LoadResult(**{field.name: getattr(result, field.name) for field in fields(LoadResult)}),
        latency_ns={interval: by_kind(kinds) for interval, kinds in intervals.items()},
        over_time=result.over_time,
        saturation=None if search is None else Saturation(
            limit_p99_ns=search.limit_p99_ns, highest_rate=search.highest_rate, steps=search.steps
        ),
    )  # fmt: skip
    run_file.write(json_path, record)
    tagged = {f"{interval}.{kind}": of for interval, kinds in intervals.items() for kind, of in kinds.items()}
    hlog.write(hlog_path, tagged, started_at=result.started_at, ended_at=result.ended_at)
    return json_path, hlog_path
