"""``python -m benchmarks.compare --base REVISION``: find out whether the work tree is slower."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import click
import numpy as np
from numpy.typing import ArrayLike
from rich.progress import Progress, TaskID

from pricetime.load.tables import Table

from .report import RESULTS, median, progress, publish, rounds_option, wide_console
from .revisions import CannotRun, Revision, Runner, build_base, build_current
from .workloads import WORKLOADS

QUICK_COUNT, QUICK_ROUNDS = 100_000, 9

#: The fields of a command that decide what a flow does; each revision may have others.
FLOW_FIELDS = ("type", "side", "order_id", "price", "quantity")

#: A regression is a real slowdown whose median exceeds this.
TOLERANCE = 0.05

RESAMPLES = 10_000

#: Confidence of the intervals.
CONFIDENCE = 0.99

#: By workload: ns per order in each round, of the base and of the work tree.
Times: TypeAlias = dict[str, tuple[list[float], list[float]]]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--base", required=True, help="The revision to compare with: a commit, branch or tag.")
@click.option(
    "--preset", "presets", multiple=True, type=click.Choice(WORKLOADS), help="Only this workload; repeatable."
)
@click.option("--count", default=300_000, show_default=True, type=click.IntRange(1_000), help="Timed commands of each.")
@rounds_option(15, 5)
@click.option(
    "--quick", is_flag=True, help=f"{QUICK_COUNT:,} commands, {QUICK_ROUNDS} rounds: shows large differences only."
)
def main(base: str, presets: Sequence[str], count: int, rounds: int, quick: bool) -> None:
    """Build a base revision and the work tree, alternate their runs, and say which differences are real.

    Each revision makes the flows itself, in its own format; a workload whose flows differ is not compared. In every
    round each revision runs in a fresh process, so that an unlucky memory layout counts once. The two alternate at
    every workload. The result is the median over the rounds of the ratio of their times, with a bootstrap interval; a
    difference is real if the interval excludes 1. Exits 1 if a workload is really slower with a median above 5 %, 0 if
    none is, and 2 if something cannot be built or run.
    """
    console = wide_console()
    if quick:
        count, rounds = QUICK_COUNT, QUICK_ROUNDS
    names = [name for name in WORKLOADS if not presets or name in presets]
    try:
        with tempfile.TemporaryDirectory(prefix="pricetime-compare-") as scratch, progress(console) as shown:
            task = shown.add_task("", total=3 + rounds)
            revisions = build(base, Path(scratch), shown, task)
            shown.update(task, description="making the flows")
            same = make_flows(revisions, names, count)
            shown.update(task, advance=1, description=f"{rounds} rounds")
            times = take_turns(revisions, same if presets else [*same, "calls"], rounds, lambda: shown.advance(task))
    except CannotRun as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        sys.exit(2)
    if different := [name for name in names if name not in same]:
        console.print(f"not compared, because their flows differ: {', '.join(different)}", style="red")
    table, regressions = table_of(times, revisions)
    publish(console, "benchmarks.compare", [table], RESULTS, "compare")
    if regressions:
        console.print(f"slower by more than {TOLERANCE:.0%}: {', '.join(regressions)}", style="red")
        sys.exit(1)


def build(base: str, scratch: Path, shown: Progress, task: TaskID) -> list[Revision]:
    shown.update(task, description=f"building {base}")
    before = build_base(base, scratch)
    shown.update(task, advance=1, description="building the work tree")
    now = build_current(scratch)
    shown.advance(task)
    return [before, now]


def make_flows(revisions: Sequence[Revision], names: Sequence[str], count: int) -> list[str]:
    """Let each revision write its workloads; return those that are the same in all of them."""
    for revision in revisions:
        revision.make_flows(names, count)
    one, other = revisions
    return [name for name in names if same_flow(one.flows / f"{name}.npz", other.flows / f"{name}.npz")]


def same_flow(one: Path, other: Path) -> bool:
    if not (one.exists() and other.exists()):
        return False
    with np.load(one) as mine, np.load(other) as theirs:
        parts = [(mine[part], theirs[part]) for part in ("prelude", "commands")]
    return all(np.array_equal(a[field], b[field]) for a, b in parts for field in FLOW_FIELDS)


def take_turns(revisions: Sequence[Revision], names: Sequence[str], rounds: int, advance: Callable[[], None]) -> Times:
    """Measure every workload in every round, one revision after the other, in alternating order.

    Processes are fresh in each round, because a process keeps its memory layout. Raises CannotRun.
    """
    times: Times = {}
    for done in range(rounds):
        with ExitStack() as stack:
            runners = [stack.enter_context(Runner(revision)) for revision in revisions]
            for index, name in enumerate(names):
                first = (done + index) % 2
                for which in (first, 1 - first):
                    for what, ns in runners[which].ask(name).items():
                        times.setdefault(what, ([], []))[which].append(ns)
        advance()
    return times


@dataclass(frozen=True)
class Comparison:
    """Times of two programs as ratios: above 1 the second is slower."""

    ratio: float  #: median of the paired ratios
    low: float  #: the interval of the median
    high: float

    @property
    def real(self) -> bool:
        """True if the interval excludes 1."""
        return self.low > 1 or self.high < 1

    @property
    def verdict(self) -> str:
        if not self.real:
            return "no difference shown"
        if self.ratio > 1 + TOLERANCE:
            return "regression"
        return "slower" if self.ratio > 1 else "faster"


def compare(base: ArrayLike, current: ArrayLike) -> Comparison:
    """Compare times that were measured in pairs, in alternating runs.

    The result is the median of the ratios of the pairs. Both runs of a pair share the same noise of the machine, so a
    burst of noise affects one pair. The interval is a percentile bootstrap of that median. Raises ValueError for
    fewer than five pairs.
    """
    before, now = np.asarray(base, float), np.asarray(current, float)
    if before.shape != now.shape or before.size < 5:
        raise ValueError(f"{before.size} and {now.size} times are not pairs, or fewer than 5")
    ratios = now / before
    drawn = np.random.default_rng(0).integers(0, ratios.size, (RESAMPLES, ratios.size))
    medians = np.median(ratios[drawn], axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(medians, [tail, 1 - tail])
    return Comparison(float(np.median(ratios)), float(low), float(high))


def table_of(times: Times, revisions: Sequence[Revision]) -> tuple[Table, list[str]]:
    """Return the table, and the workloads with a regression."""
    base, current = revisions
    columns = ["workload", "verdict", "ns, base", "ns, work tree", "median ratio", f"{CONFIDENCE:.0%} interval"]
    table = Table(f"{current.name} compared with {base.name}", columns, names=2)
    regressions = []
    for name, (before, now) in times.items():
        found = compare(before, now)
        ratio, interval = f"{found.ratio:.3f}", f"{found.low:.3f} to {found.high:.3f}"
        table.rows.append([name, found.verdict, median(before), median(now), ratio, interval])
        if found.verdict == "regression":
            regressions.append(name)
    return table, regressions


if __name__ == "__main__":
    main()
