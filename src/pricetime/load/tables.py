"""The figures of runs as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .latency_figures import kind_name
from .recording import ALL, Recording, of_loads, of_pipelines
from .run_file import INTERVALS, Percentiles, key
from .units import duration, rate

POINTS = {name: key(name) for name in Percentiles.POINTS}

#: In a cell without a figure.
NONE = "-"


@dataclass(frozen=True)
class Table:
    """Cells of text. The first ``names`` columns name the row; the others are figures unless they are in ``words``."""

    title: str
    columns: list[str]
    names: int = 1
    words: tuple[str, ...] = ()
    rows: list[list[str]] = field(default_factory=list)


def load_table(recordings: Sequence[Recording]) -> Table:
    """A row for each run of the load generator: the rate requested and the rates reached."""
    columns = ["run", "outcome", "rate asked for", "sent", "answered", "late", "p50", "p99", "p99.9", "max"]
    table = Table(
        "Runs; latencies are round trips of all commands, late is the share sent over 1 ms after due", columns, names=2
    )
    for recording, load in of_loads(recordings):
        result, latency = load.result, recording.latency("round_trip").get(ALL)
        asked = (
            " to ".join(map(rate, dict.fromkeys(load.asked)))
            if load.asked
            else "a search"
            if load.saturation
            else "as fast as possible"
        )
        late = f"{100 * result.late / result.sent:.2g} %" if result.sent else NONE
        outcome = "failed" if result.failure is not None else "see above" if load.troubles() else "complete"
        values = [latency.p50, latency.p99, latency.p99_9, latency.max] if latency else []
        table.rows.append(
            [recording.name, outcome, asked, rate(result.sent_per_s), rate(result.answered_per_s), late]
            + ([duration(value) for value in values] or [NONE] * 4)
        )
    return table


def tables_of(name: str, recordings: Sequence[Recording]) -> Iterator[Table]:
    """The tables below the picture with this name."""
    if name == "stages":
        yield from (stage_table([recording]) for recording, _ in of_pipelines(recordings))
    elif name == "saturation":
        yield from saturation_tables(recordings)
    else:
        for interval in INTERVALS:
            if name == f"percentiles-{interval.replace('_', '-')}":
                yield latency_table(recordings, interval)


def latency_table(recordings: Sequence[Recording], interval: str) -> Table:
    """A row for each kind of command of each run."""
    table = Table(f"{INTERVALS[interval].capitalize()} latency", ["run", "kind", "commands", *POINTS.values()], names=2)
    for recording in recordings:
        for kind, latency in recording.latency(interval).items():
            values = [duration(getattr(latency, name)) for name in POINTS]
            table.rows.append([recording.name, kind_name(kind), f"{latency.count:,}", *values])
    return table


def stage_table(recordings: Sequence[Recording]) -> Table:
    """A row for each stage of each run."""
    title = ", ".join(recording.name for recording in recordings)
    columns = ["stage", "what is in it", "orders", "orders per second", *POINTS.values(), "command"]
    table = Table(title, columns, names=2, words=("command",))
    for _, run in of_pipelines(recordings):
        most = max((stage.orders_per_s for stage in run.stages), default=0.0)
        for stage in run.stages:
            latency = stage.latency_ns
            values = [duration(getattr(latency, name)) if latency else NONE for name in POINTS]
            measured = [f"{stage.orders:,}", rate(stage.orders_per_s, beside=most)]
            table.rows.append([stage.name, stage.what, *measured, *values, stage.command])
    return table


def saturation_tables(recordings: Sequence[Recording]) -> Iterator[Table]:
    """A table for each search, with a row for each step."""
    for recording, load in of_loads(recordings):
        search = load.saturation
        if search is None:
            continue
        best = f"{rate(search.highest_rate)} is the highest rate" if search.highest_rate else "no rate was found"
        title = f"{recording.name}: {best} with a p99 of at most {duration(search.limit_p99_ns)}"
        columns = ["rate asked for", "sent", "answered", "p50", "p99", "p99.9", "max", "outcome"]
        table = Table(title, columns, names=0, words=("outcome",))
        most = max((step.rate for step in search.steps), default=0.0)
        for step in search.steps:
            rates = [rate(value, beside=most) for value in (step.rate, step.sent_per_s, step.answered_per_s)]
            values = [duration(value) for value in (step.p50, step.p99, step.p99_9, step.max)]
            kept = "within the limit" if step.p99 <= search.limit_p99_ns else "over the limit"
            table.rows.append([*rates, *values, kept if step.reached else f"{kept}; missed its rate"])
        yield table
