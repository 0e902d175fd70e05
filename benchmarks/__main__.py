"""``python -m benchmarks``: measure the book, and what each step from a plain Python book gained."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pricetime.extras import MissingExtra
from pricetime.load.machine import describe

from . import bytes_per_order, calls_per_second, import_time, picture, report
from .build import NotCompiled, ready
from .bytes_per_order import Weight
from .calls_per_second import Calls
from .import_time import ImportTime
from .rounds import Figures, measure
from .steps import STEPS, Step
from .workloads import WORKLOADS, load

RESULTS = Path(__file__).parent / "results"

QUICK_COUNT, QUICK_ROUNDS = 100_000, 3

#: Limit of one run in batches, and again of single orders. Only the slow steps reach it.
LIMIT_NS, QUICK_LIMIT_NS = 500_000_000, 100_000_000

#: Calls of each kind from Python in one round.
CALLS = 200_000


@dataclass
class Outcome:
    """All results."""

    workloads: list[list[Figures]] = field(default_factory=list)
    weights: list[Weight] = field(default_factory=list)
    calls: list[Calls] = field(default_factory=list)
    imports: ImportTime | None = None

    def tables(self) -> list[report.Rows]:
        tables = [report.orders_table(self.workloads), report.summary_table(self.workloads)]
        if self.imports:
            tables += [report.weights_table(self.weights), report.calls_table(self.calls)]
            tables += [report.imports_table(self.imports)]
        return tables


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--preset", "presets", multiple=True, type=click.Choice(WORKLOADS), help="Only this workload; repeatable."
)
@click.option("--steps", multiple=True, type=click.Choice(list(STEPS)), help="Only this step; repeatable.")
@click.option(
    "--count", default=1_000_000, show_default=True, type=click.IntRange(1_000), help="Timed commands of each."
)
@click.option(
    "--rounds", default=5, show_default=True, type=click.IntRange(1), help="Rounds; every step runs once in each."
)
@click.option("--quick", is_flag=True, help=f"{QUICK_COUNT:,} commands, {QUICK_ROUNDS} rounds: rough figures, quickly.")
@click.option("--picture/--no-picture", "pictured", default=True, help="Draw pictures (needs matplotlib).")
@click.option(
    "--output",
    default=RESULTS,
    show_default="benchmarks/results",
    type=click.Path(path_type=Path),
    help="Folder to write to.",
)
def main(
    presets: Sequence[str], steps: Sequence[str], count: int, rounds: int, quick: bool, pictured: bool, output: Path
) -> None:
    """Measure the path from the obvious book to the fast one.

    Four steps, from plain Python to pricetime.OrderBook, execute the same commands: every preset of the flow
    generator, then adds, cancels and matches alone. The steps alternate, so that noise of the machine meets all
    of them; figures are medians over the rounds.

    \b
    M orders/s, ns   in batches of 65,536 commands
    times            faster than step 1 in the same round
    p50 ... max      of single orders, timed inside the compiled loop
    always us        maximum over the orders of each order's fastest time: without the machine's noise
    target           for the book, on a core of a Zen 4 at 3.7 GHz

    Without --preset also: bytes per resting order, calls from a Python loop, duration of the import. The folder
    --output gets a table (steps.md), values (steps.json) and pictures (steps-light.png, steps-dark.png).
    docs/benchmarks.md says what the figures include.
    """
    console = Console()
    console.width = max(console.width, report.WIDTH)
    if quick:
        count, rounds = QUICK_COUNT, QUICK_ROUNDS
    try:
        if pictured:
            picture.require()
        console.print("compiling the steps if needed", style="dim")
        ready()
    except (NotCompiled, MissingExtra) as missing:
        raise click.ClickException(str(missing)) from missing
    outcome = Outcome()
    chosen = [step for step in STEPS.values() if not steps or step.name in steps]
    names = [name for name in WORKLOADS if not presets or name in presets]
    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        measure_orders(outcome, names, chosen, count, rounds, QUICK_LIMIT_NS if quick else LIMIT_NS, progress)
        if not presets:
            measure_rest(outcome, chosen, rounds, progress)
    for table in outcome.tables():
        console.print(report.drawn(table))
    write(outcome, output, pictured)
    console.print(f"written to {output}", style="dim")


def measure_orders(
    outcome: Outcome, names: list[str], steps: list[Step], count: int, rounds: int, limit_ns: int, progress: Progress
) -> None:
    task = progress.add_task("", total=len(names) * len(steps) * rounds)
    for name in names:
        progress.update(task, description=f"{name}: making the flow")
        workload = load(name, count, seed=1)
        progress.update(task, description=f"{name}: {rounds} rounds")
        outcome.workloads.append(measure(workload, steps, rounds, limit_ns, lambda: progress.advance(task)))


def measure_rest(outcome: Outcome, steps: list[Step], rounds: int, progress: Progress) -> None:
    task = progress.add_task("bytes per resting order", total=len(steps) + 2 * rounds + 1)
    for step in steps:
        outcome.weights.append(bytes_per_order.weigh(step))
        progress.advance(task)
    progress.update(task, description="calls from Python")
    outcome.calls = calls_per_second.measure(CALLS, rounds, lambda: progress.advance(task))
    progress.update(task, description="import")
    outcome.imports = import_time.measure(rounds, lambda: progress.advance(task))


def write(outcome: Outcome, folder: Path, pictured: bool) -> None:
    from .inside import overhead, ticks_per_ns

    made_by = {
        "command": shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
        **describe(),
        "clock": f"reading the clock between two orders takes {overhead() / ticks_per_ns():.0f} ns, which is included",
    }
    folder.mkdir(parents=True, exist_ok=True)
    lines = [line for table in outcome.tables() for line in report.markdown(table)]
    lines += [f"- {key}: {value}" for key, value in made_by.items()]
    Path(folder, "steps.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    everything = {
        **made_by,
        "orders": [report.values(figure) for figures in outcome.workloads for figure in figures],
        "bytes_per_order": [asdict(weight) for weight in outcome.weights],
        "calls_ns": [asdict(calls) for calls in outcome.calls],
        "import_ms": asdict(outcome.imports) if outcome.imports else None,
    }
    Path(folder, "steps.json").write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    if pictured:
        picture.draw(outcome.workloads, folder)


if __name__ == "__main__":
    main()
