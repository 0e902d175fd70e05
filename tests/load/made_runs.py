"""Runs as they could be, for tests alone: made, not measured."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pricetime.load import run_file
from pricetime.load.run_file import (
    INTERVALS,
    Latency,
    LoadResult,
    LoadRun,
    Moment,
    Percentiles,
    PipelineRun,
    Saturation,
    Stage,
    Step,
)
from pricetime.native import hlog
from pricetime.native.histogram import Histogram
from pricetime.native.latency import NAMES

MACHINE = {"processor": "a made one, 2 cores", "system": "Linux, made", "python": "CPython 3.11"}

#: How common a kind of command is.
SHARES = {"rests": 0.5, "trades": 0.2, "cancel": 0.25, "replace": 0.04, "other": 0.01}

#: About the median of each interval, in ns.
MEDIANS = {"match": 120, "tick_to_trade": 4_000, "round_trip": 18_000}

#: Which rates a made search tries, as shares of where its exchange is full.
SEARCH = (0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0, 1.1)


def of(**fields: Any) -> dict[str, Any]:
    """What every run says of itself, with some of it changed."""
    general = {
        "started_at": datetime(2026, 11, 26, 9, 30, tzinfo=UTC),
        "version": "0.1.0",
        "machine": MACHINE,
        "command": "pricetime load --rate 1000000 --seconds 5",
    }
    return {**general, **fields}


def histograms(count: int, seed: int = 0, slow: float = 1.0) -> dict[str, Histogram]:
    """By tag: a body around the median and a tail, different for each kind."""
    rng = np.random.default_rng(seed)
    found = {}
    for interval in INTERVALS:
        for number, kind in enumerate(NAMES):
            some = round(count * SHARES[kind])
            body = rng.lognormal(np.log(MEDIANS[interval] * slow * (1 + number / 3)), 0.25, some)
            tail = rng.pareto(1.6, some) * MEDIANS[interval] * (rng.random(some) < 0.02)
            histogram = Histogram()
            histogram.record_many((body + tail).astype(np.int64).tolist())
            found[f"{interval}.{kind}"] = histogram
    return found


def few(count: int, intervals: Sequence[str] = ("match", "round_trip"), seed: int = 0) -> dict[str, Histogram]:
    """Of two kinds of command alone, so that pictures are drawn quickly."""
    kinds = {f"{interval}.{kind}" for interval in intervals for kind in ("rests", "cancel")}
    return {tag: each for tag, each in histograms(count, seed).items() if tag in kinds}


def of_values(values: Sequence[int]) -> Histogram:
    """A histogram of these values alone."""
    histogram = Histogram()
    histogram.record_many(values)
    return histogram


def latency(by_tag: Mapping[str, Histogram]) -> dict[str, dict[str, Latency]]:
    """As a run has it, with all kinds together."""
    found: dict[str, dict[str, Latency]] = {}
    for interval in INTERVALS:
        everything = Histogram()
        own = {kind: by_tag[f"{interval}.{kind}"] for kind in NAMES if f"{interval}.{kind}" in by_tag}
        for histogram in own.values():
            everything.merge(histogram)
        if own:
            found[interval] = {kind: Latency.of(each) for kind, each in {"all": everything, **own}.items()}
    return found


def load_run(
    by_tag: Mapping[str, Histogram], *, rate: float | None = 1_000_000.0, seconds: float = 5.0, **fields: Any
) -> LoadRun:
    """A load that went well, unless the fields say otherwise."""
    found = latency(by_tag)
    count = found["round_trip"]["all"].count if found else 0
    rng = np.random.default_rng(count)
    sent = round((rate or 2e6) * seconds) if count else 0
    over_time = [
        Moment(
            s=round(0.25 * (number + 1), 6),
            sent=round(sent / seconds / 4),
            answered=round(sent / seconds / 4 * rng.uniform(0.9, 1.1)),
            p50=int(18_000 * rng.uniform(0.95, 1.05)),
            p99=int(40_000 * rng.uniform(0.8, 1.6)),
            max=int(90_000 * rng.uniform(1, 20)),
        )
        for number in range(round(seconds * 4))
    ]
    settings = {
        "host": "127.0.0.1", "port": 7001, "preset": "balanced", "rate": rate, "seconds": seconds, "sessions": 4,
        "seed": 1, "ramp": None, "acknowledge": "memory",
    }  # fmt: skip
    result = LoadResult(
        sent=sent, answered=sent, seconds=seconds, sent_per_s=rate or 2e6, answered_per_s=rate or 2e6, late=0,
        complete=True,
    )  # fmt: skip
    made = {"settings": settings, "result": result, "latency_ns": found, "over_time": over_time}
    return LoadRun(**of(**{**made, **fields}))


def failed(reason: str) -> LoadResult:
    """What became of a load of which nothing was sent."""
    return LoadResult(
        sent=0, answered=0, seconds=0.1, sent_per_s=0.0, answered_per_s=0.0, late=0, complete=False, failure=reason
    )


def saturation(full_per_s: float = 2_000_000.0, limit_p99_ns: int = 50_000) -> Saturation:
    """A search against an exchange that is full at a rate."""
    steps = []
    for share in SEARCH:
        p50 = 15_000 / (1.02 - min(share, 1.0))
        sent = min(share, 1.02) * full_per_s
        steps.append(
            Step(
                rate=share * full_per_s,
                sent_per_s=sent,
                answered_per_s=sent,
                p50=int(p50 / 4),
                p99=int(p50),
                p99_9=int(2.5 * p50),
                max=int(20 * p50),
            )
        )
    kept = [step.sent_per_s for step in steps if step.p99 <= limit_p99_ns]
    return Saturation(limit_p99_ns=limit_p99_ns, highest_rate=max(kept, default=0.0), steps=steps)


def pipeline_run(slow: float = 1.0, **fields: Any) -> PipelineRun:
    """Four stages; the first has no latencies."""
    rates = {"match": 15e6, "ring + match": 9e6, "ring + journal + match": 6e6, "TCP to multicast, memory": 1.2e6}
    stages = []
    for number, (name, per_s) in enumerate(rates.items()):
        base = 100 * 5**number * slow
        latency_ns = Percentiles(
            p50=base, p90=1.3 * base, p99=2 * base, p99_9=4 * base, p99_99=9 * base, max=100 * base
        )
        stages.append(
            Stage(
                name=name,
                orders=10_000_000,
                orders_per_s=per_s / slow,
                what=f"made: {name}",
                command=f"make bench-{number}",
                latency_ns=latency_ns if number else None,
            )
        )
    return PipelineRun(**of(**{"stages": stages, "command": "make bench-pipeline", **fields}))


def write(folder: Path, name: str, made: run_file.Run, by_tag: Mapping[str, Histogram] | None = None) -> Path:
    """``NAME.json``, and ``NAME.hlog`` where there are histograms."""
    path = folder / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    run_file.write(path, made)
    if by_tag is not None:
        at = made.started_at.timestamp()
        hlog.write(run_file.hlog_beside(path), by_tag, started_at=at, ended_at=at + 5)
    return path


def write_load(folder: Path, name: str, count: int = 20_000, seed: int = 0, slow: float = 1.0, **fields: Any) -> Path:
    """A load with its histograms."""
    by_tag = histograms(count, seed, slow)
    return write(folder, name, load_run(by_tag, **fields), by_tag)
