"""``python -m benchmarks.compare --base REVISION``: find out whether the work tree is slower."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from pricetime.load.machine import describe

from .__main__ import RESULTS
from .report import WIDTH, number
from .revisions import CannotBuild, Revision, build_base, build_current
from .statistics import TOLERANCE, Comparison, compare
from .turns import Times, take_turns
from .workloads import WORKLOADS, load, resting

QUICK_COUNT, QUICK_ROUNDS = 100_000, 9

#: Calls of each kind from Python in one round.
CALLS = 100_000


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--base", required=True, help="The revision to compare with: a commit, branch or tag.")
@click.option(
    "--preset", "presets", multiple=True, type=click.Choice(WORKLOADS), help="Only this workload; repeatable."
)
@click.option("--count", default=300_000, show_default=True, type=click.IntRange(1_000), help="Timed commands of each.")
@click.option("--rounds", default=15, show_default=True, type=click.IntRange(5), help="Processes of each revision.")
@click.option(
    "--quick", is_flag=True, help=f"{QUICK_COUNT:,} commands, {QUICK_ROUNDS} rounds: shows large differences only."
)
@click.option(
    "--confidence",
    default=0.99,
    show_default=True,
    type=click.FloatRange(0.5, 0.9999),
    help="Confidence of the intervals.",
)
def main(base: str, presets: Sequence[str], count: int, rounds: int, quick: bool, confidence: float) -> None:
    """Build a base revision and the work tree, alternate their runs, and say which differences are real.

    In every round each revision runs in a fresh process, so that an unlucky memory layout counts once. The two
    alternate at every workload. The result is the median over the rounds of the ratio of their times, with a
    bootstrap interval; a difference is real if the interval excludes 1. Exits 1 if a workload is really slower
    with a median above 5 %, 0 if none is, and 2 if something cannot be built or run.
    """
    console = Console()
    console.width = max(console.width, WIDTH)
    if quick:
        count, rounds = QUICK_COUNT, QUICK_ROUNDS
    names = [name for name in WORKLOADS if not presets or name in presets]
    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with (
            tempfile.TemporaryDirectory(prefix="pricetime-compare-") as scratch,
            Progress(*columns, console=console, transient=True) as progress,
        ):
            task = progress.add_task("", total=2 + len(names) + rounds)
            revisions = build(base, Path(scratch), progress, task)
            flows = make_flows(names, count, Path(scratch, "flows"), progress, task)
            progress.update(task, description=f"{rounds} rounds")
            asked = names if presets else [*names, "calls"]
            times = take_turns(revisions, asked, flows, rounds, lambda: progress.advance(task))
    except CannotBuild as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        sys.exit(2)
    comparisons = {name: compare(before, now, confidence) for name, (before, now) in times.items()}
    console.print(drawn(comparisons, times, [revision.name for revision in revisions], confidence))
    write(comparisons, times, revisions, RESULTS / "compare.json")
    regressions = [name for name, comparison in comparisons.items() if comparison.regression]
    if regressions:
        console.print(f"slower by more than {TOLERANCE:.0%}: {', '.join(regressions)}", style="red")
        sys.exit(1)


def build(base: str, scratch: Path, progress: Progress, task: TaskID) -> list[Revision]:
    progress.update(task, description=f"building {base}")
    before = build_base(base, scratch)
    progress.update(task, advance=1, description="building the work tree")
    now = build_current(scratch)
    progress.advance(task)
    return [before, now]


def make_flows(names: Sequence[str], count: int, folder: Path, progress: Progress, task: TaskID) -> Path:
    """Write each workload to a file that both revisions read."""
    folder.mkdir()
    for name in names:
        progress.update(task, description=f"{name}: making the flow")
        workload = load(name, count, seed=1)
        commands = np.concatenate(workload.commands)
        prelude = np.concatenate([*workload.prelude, commands[:0]])
        np.savez(folder / f"{name}.npz", prelude=prelude, commands=commands)
        progress.advance(task)
    np.savez(folder / "calls.npz", commands=resting(CALLS, np.random.default_rng(1)))
    return folder


def drawn(
    comparisons: dict[str, Comparison],
    times: Times,
    names: list[str],
    confidence: float,
) -> Table:
    table = Table(
        title=f"{names[1]} compared with {names[0]}", title_justify="left", title_style="bold", box=SIMPLE_HEAD
    )
    table.add_column("workload")
    for column in ("ns, base", "ns, work tree", "median ratio", f"{confidence:.1%} interval"):
        table.add_column(column, justify="right")
    table.add_column("verdict")
    for name, c in comparisons.items():
        medians = [number(float(np.median(each))) for each in times[name]]
        table.add_row(name, *medians, f"{c.ratio:.3f}", f"{c.low:.3f} to {c.high:.3f}", c.verdict)
    return table


def write(
    comparisons: dict[str, Comparison],
    times: Times,
    revisions: Sequence[Revision],
    path: Path,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    base, current = revisions
    rows = {
        name: {**asdict(c), "verdict": c.verdict, "base_ns": times[name][0], "current_ns": times[name][1]}
        for name, c in comparisons.items()
    }
    everything = {"base": base.name, "current": current.name, **describe(), "workloads": rows}
    path.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
