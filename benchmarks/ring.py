"""``python -m benchmarks.ring``: measure how fast records pass between two threads or processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from pricetime.load.tables import Table

from .books import alternately
from .build import NotCompiled, ready
from .report import median, output_option, progress, publish, rounds_option, spread, wide_console

BATCHES = (1, 16)


@dataclass
class Figures:
    """The results of one lane, by round."""

    name: str
    between: str
    m_records: dict[int, list[float]] = field(default_factory=lambda: {batch: [] for batch in BATCHES})
    median_ns: list[float] = field(default_factory=list)
    p99_ns: list[float] = field(default_factory=list)

    def add_round_trips(self, each_ns: NDArray[np.float64]) -> None:
        self.median_ns.append(float(np.percentile(each_ns, 50)))
        self.p99_ns.append(float(np.percentile(each_ns, 99)))


def measure(rounds: int, scale: float = 1.0, advance: Callable[[], None] = lambda: None) -> list[Figures]:
    """Run every lane in every round, in alternating order."""
    from .ring_lanes import lanes

    pairs = [(lane, Figures(lane.name, lane.between)) for lane in lanes()]
    for lane, figure in alternately(rounds, pairs):
        for batch in BATCHES:
            figure.m_records[batch].append(lane.rate(batch, scale) / 1e6)
        figure.add_round_trips(lane.round_trips(scale))
        advance()
    return [figure for _, figure in pairs]


def table_of(figures: list[Figures]) -> Table:
    columns = ["between", "what", "1: M/s", "range", "16: M/s", "range", "round trip ns", "range", "p99 ns"]
    table = Table("Records from one side to the other", columns, names=2)
    for f in figures:
        cells = [cell for batch in BATCHES for cell in (median(f.m_records[batch]), spread(f.m_records[batch]))]
        cells += [median(f.median_ns), spread(f.median_ns), median(f.p99_ns)]
        table.rows.append([f.between, f.name, *cells])
    return table


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@rounds_option(7)
@output_option
def main(rounds: int, output: Path) -> None:
    """Compare the ring with queues and a pipe, in alternating runs.

    \b
    1, 16         records in a call or batch: million records a second, median, minimum and maximum over the rounds
    round trip    one record there and one back: median and p99 of a round, then the median over the rounds

    Results depend on how near the two cores are, which the round trip shows. docs/internals/ring.md says more.
    The folder --output gets ring.md and ring.json.
    """
    console = wide_console()
    try:
        console.print("compiling the loops if needed", style="dim")
        ready()
    except NotCompiled as missing:
        raise click.ClickException(str(missing)) from missing
    with progress(console) as shown:
        task = shown.add_task("rounds", total=None)
        figures = measure(rounds, advance=lambda: shown.advance(task))
    publish(console, "benchmarks.ring", [table_of(figures)], output, "ring")


if __name__ == "__main__":
    main()
