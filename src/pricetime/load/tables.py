"""The figures of runs as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .run_file import INTERVALS, Latency, LoadRun, key
from .units import duration, rate

#: The percentiles of a table, by field, and their names.
POINTS = {name: key(name) for name in Latency.POINTS}


@dataclass(frozen=True)
class Table:
    """Cells of text. The first ``names`` columns name the row, the others are figures."""

    title: str
    columns: list[str]
    names: int = 1
    rows: list[list[str]] = field(default_factory=list)


def rate_table(runs: Mapping[str, LoadRun]) -> Table:
    """A row for each run: the rate asked for and the rates reached."""
    columns = ["run", "outcome", "asked for", "sent", "answered", "commands", "late"]
    table = Table("Rates; late: sent over 1 ms after due", columns, names=2)
    for name, run in runs.items():
        result = run.result
        fixed = " to ".join(map(rate, dict.fromkeys(run.asked or ())))
        asked = fixed or ("a search" if run.saturation else "as fast as possible")
        late = f"{result.late / max(result.sent, 1):.2%}"
        outcome = "failed" if result.failure is not None else "see above" if run.troubles() else "complete"
        rates = [rate(result.sent_per_s), rate(result.answered_per_s)]
        table.rows.append([name, outcome, asked, *rates, f"{result.sent:,}", late])
    return table


def latency_table(runs: Mapping[str, Mapping[str, Mapping[str, Latency]]]) -> Table:
    """A row for each interval, kind of command and run that has commands. A single run is not named."""
    run_column = ["run"] * (len(runs) > 1)
    columns = ["interval", "kind", *run_column, "commands", *POINTS.values()]
    table = Table(
        "Latency; round trip: from due to answered; the other intervals are in the server", columns, 2 + len(run_column)
    )
    for interval in dict.fromkeys([*INTERVALS, *(interval for run in runs.values() for interval in run)]):
        for kind in dict.fromkeys(kind for run in runs.values() for kind in run.get(interval, {})):
            for name, run in runs.items():
                latency = run.get(interval, {}).get(kind)
                if latency is not None and latency.count:
                    values = [duration(getattr(latency, point)) for point in POINTS]
                    table.rows.append(
                        [
                            INTERVALS.get(interval, interval),
                            kind,
                            *[name for _ in run_column],
                            f"{latency.count:,}",
                            *values,
                        ]
                    )
    return table


def step_tables(runs: Mapping[str, LoadRun]) -> Iterator[Table]:
    """A table for each search, with a row for each step."""
    for name, search in ((name, run.saturation) for name, run in runs.items()):
        if search is not None:
            best = f"{rate(search.highest_rate)} is the highest rate" if search.highest_rate else "no rate was found"
            title = f"{name}: {best} with a p99 of at most {duration(search.limit_p99_ns)}"
            columns = ["asked for", "sent", "answered", "p50", "p99", "p99.9", "max", "outcome"]
            table = Table(title, columns, names=0)
            for step in search.steps:
                rates = [rate(value) for value in (step.rate, step.sent_per_s, step.answered_per_s)]
                latencies = [duration(value) for value in (step.p50, step.p99, step.p99_9, step.max)]
                table.rows.append([*rates, *latencies, "good" if step.good else "bad"])
            yield table
