"""``python -m benchmarks.ring``: measure how fast records pass between two threads or processes."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from pricetime.load.machine import describe

from . import report
from .build import NotCompiled, ready
from .rounds import no_collector

RESULTS = Path(__file__).parent / "results"
BATCHES = (1, 16)

#: Targets of the ring in place: million records a second by batch, and ns of a round trip, median.
TARGET_M_RECORDS = {1: 50, 16: 120}
TARGET_ROUND_TRIP_NS = 250


@dataclass
class Figures:
    """The results of one lane, by round."""

    name: str
    between: str
    rates: dict[int, list[float]] = field(default_factory=lambda: {batch: [] for batch in BATCHES})
    median_ns: list[float] = field(default_factory=list)
    p99_ns: list[float] = field(default_factory=list)

    def add_round_trips(self, each_ns: NDArray[np.float64]) -> None:
        self.median_ns.append(float(np.percentile(each_ns, 50)))
        self.p99_ns.append(float(np.percentile(each_ns, 99)))


def measure(rounds: int, scale: float, advance: Callable[[], None] = lambda: None) -> list[Figures]:
    """Run every lane in every round, in alternating order."""
    from .ring_lanes import lanes

    contestants = lanes()
    figures = [Figures(lane.name, lane.between) for lane in contestants]
    for done in range(rounds):
        pairs = list(zip(contestants, figures, strict=True))
        for lane, figure in pairs if done % 2 == 0 else pairs[::-1]:
            with no_collector():
                for batch in BATCHES:
                    figure.rates[batch].append(lane.rate(batch, scale))
                figure.add_round_trips(lane.round_trips(scale))
            advance()
    return figures


def table_of(figures: list[Figures]) -> report.Rows:
    columns = ["between", "what", "1: M/s", "range", "16: M/s", "range", "round trip ns", "range", "p99 ns"]
    table = report.Rows("Records from one side to the other", columns, names=2)
    for f in figures:
        cells = [f.between, f.name]
        for batch in BATCHES:
            rates = np.array(f.rates[batch]) / 1e6
            cells += [report.number(float(np.median(rates))), spread(rates)]
        cells += [report.number(float(np.median(f.median_ns))), spread(f.median_ns)]
        table.rows.append([*cells, report.number(float(np.median(f.p99_ns)))])
    return table


def spread(values: NDArray[np.float64] | list[float]) -> str:
    """Return minimum and maximum over the rounds."""
    return f"{report.number(float(np.min(values)))}-{report.number(float(np.max(values)))}"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1), help="Rounds.")
@click.option("--quick", is_flag=True, help="3 rounds, a tenth of the records: rough figures, quickly.")
@click.option(
    "--output",
    default=RESULTS,
    show_default="benchmarks/results",
    type=click.Path(path_type=Path),
    help="Folder to write to.",
)
def main(rounds: int, quick: bool, output: Path) -> None:
    """Compare the ring with queues, a pipe and a mutex, in alternating runs.

    \b
    1, 16         records in a call or batch: million records a second, median, minimum and maximum over the rounds
    round trip    one record there and one back: median and p99 of a round, then the median over the rounds

    Results depend on how near the two cores are, which the round trip shows. docs/internals/ring.md says more.
    The folder --output gets ring.md and ring.json.
    """
    console = Console()
    console.width = max(console.width, report.WIDTH)
    if quick:
        rounds = 3
    try:
        console.print("compiling the loops if needed", style="dim")
        ready()
    except NotCompiled as missing:
        raise click.ClickException(str(missing)) from missing
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("rounds", total=None)
        figures = measure(rounds, 0.1 if quick else 1.0, lambda: progress.advance(task))
    table = table_of(figures)
    console.print(report.drawn(table))
    targets = ", ".join(f"{m} M/s in batches of {batch}" for batch, m in TARGET_M_RECORDS.items())
    console.print(f"targets, in place: {targets}, round trip {TARGET_ROUND_TRIP_NS} ns", style="dim")
    write(table, figures, output)
    console.print(f"written to {output}", style="dim")


def write(table: report.Rows, figures: list[Figures], folder: Path) -> None:
    made_by = {"command": shlex.join(["python", "-m", "benchmarks.ring", *sys.argv[1:]]), **describe()}
    folder.mkdir(parents=True, exist_ok=True)
    lines = [*report.markdown(table), *(f"- {key}: {value}" for key, value in made_by.items())]
    Path(folder, "ring.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    everything = {**made_by, "lanes": [vars(figure) for figure in figures]}
    Path(folder, "ring.json").write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
