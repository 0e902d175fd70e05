"""``python -m benchmarks.journal``: measure what it costs the engine to append every command to a journal."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from pricetime import Engine, Instrument
from pricetime.load.machine import describe

from . import report
from .build import NotCompiled, ready
from .rounds import no_collector
from .steps import CAPACITY
from .workloads import load

if TYPE_CHECKING:
    from pricetime.log.writer import Writer

RESULTS = Path(__file__).parent / "results"
LEVELS = {"memory": 1, "durable": 2}
BATCHES = (1, 16, 256)
WORKLOAD = "balanced"

TARGET_APPEND_NS, TARGET_RATIO = 30, 1.5

#: Commands a second, in bursts of BATCH at full speed: faster than any exchange, and slow enough for the disk.
BURST_RATE = 2e6

#: An append that takes longer is counted.
LONG_NS = 5_000


@dataclass
class Appends:
    """Commands appended in batches of one size, round by round."""

    level: str
    batch: int
    ns: list[float] = field(default_factory=list)  #: of a command
    percentiles: list[list[float]] = field(default_factory=list)  #: p50, p99, p99.9 and maximum of a batch, ns
    long: list[int] = field(default_factory=list)  #: batches above LONG_NS
    faults: list[int] = field(default_factory=list)  #: page faults of the appending thread
    stalls: list[float] = field(default_factory=list)  #: ms of waiting for room


@dataclass
class Matching:
    """The flow through the books, round by round, in ns a command. ``rate``: in bursts; 0 for no pauses."""

    rate: float
    without: list[float] = field(default_factory=list)
    journaled: list[float] = field(default_factory=list)
    stalled: list[float] = field(default_factory=list)  #: of it waiting for room in the journal

    @property
    def ratio(self) -> float:
        return float(np.median(np.array(self.journaled) / np.array(self.without)))


@contextmanager
def journal_in(folder: Path, level: int, segment_bytes: int) -> Iterator[Writer]:
    """A writer with a syncer, on real files."""
    from pricetime.log.configuration import Configuration
    from pricetime.log.directory import Directory
    from pricetime.log.syncer import Syncer
    from pricetime.log.writer import Writer

    configuration = Configuration((Instrument(0),), CAPACITY, CAPACITY, 0)
    path = Path(tempfile.mkdtemp(prefix="journal-", dir=folder))
    directory = Directory(path)
    directory.lock()
    writer = Writer()
    syncer = Syncer(writer, directory, configuration, level=level, segment_bytes=segment_bytes)
    try:
        syncer.open()
        syncer.start()
        yield writer
        syncer.end()
        if syncer.failure is not None:
            raise click.ClickException(syncer.failure)
    finally:
        directory.unlock()
        shutil.rmtree(path)


def numbered(commands: NDArray[np.void], first: int = 1) -> NDArray[np.void]:
    commands["sequence"] = np.arange(first, first + commands.size, dtype=np.uint64)
    return commands


def measure_appends(
    figures: Appends, commands: NDArray[np.void], rate: float, folder: Path, segment_bytes: int
) -> None:
    from .inside import ticks_per_ns
    from .journal_loops import append_paced

    per_ns = ticks_per_ns()
    gap = round(figures.batch / rate * 1e9 * per_ns) if rate else 0
    with journal_in(folder, LEVELS[figures.level], segment_bytes) as writer:
        ticks, faults, stalled = append_paced(writer, commands, figures.batch, gap)
    each_ns = ticks / per_ns
    figures.ns.append(float(each_ns.sum()) / commands.size)
    figures.percentiles.append(np.percentile(each_ns, [50, 99, 99.9, 100], method="higher").tolist())
    figures.long.append(int((each_ns > LONG_NS).sum()))
    figures.faults.append(faults)
    figures.stalls.append(stalled / per_ns / 1e6)


def measure_matching(figures: Matching, count: int, folder: Path, segment_bytes: int, *, other_way: bool) -> None:
    """Run the same flow with and without a journal, in separate books."""
    workload = load(WORKLOAD, count, seed=1)
    first = 1
    for chunk in (*workload.prelude, *workload.commands):
        numbered(chunk, first)
        first += chunk.size

    def run(writer: Writer | None) -> tuple[float, float]:
        from .journal_loops import match

        engine = Engine([Instrument(0)], capacity=CAPACITY)
        for chunk in workload.prelude:
            match(engine, chunk, BATCHES[-1], writer)
        taken = []
        due = time.perf_counter()
        for chunk in workload.commands:
            time.sleep(max(0, due - time.perf_counter()))
            taken.append(match(engine, chunk, BATCHES[-1], writer))
            due = max(due + chunk.size / figures.rate, time.perf_counter()) if figures.rate else 0
        orders = sum(chunk.size for chunk in workload.commands)
        return sum(ns for ns, _ in taken) / orders, sum(stalled for _, stalled in taken) / orders

    def without() -> None:
        figures.without.append(run(None)[0])

    def journaled() -> None:
        with journal_in(folder, LEVELS["memory"], segment_bytes) as writer:
            ns, stalled = run(writer)
        figures.journaled.append(ns)
        figures.stalled.append(stalled)

    for turn in (journaled, without) if other_way else (without, journaled):
        turn()


def measure(
    rounds: int,
    count: int,
    rate: float,
    folder: Path,
    segment_bytes: int,
    advance: Callable[[], None] = lambda: None,
) -> tuple[list[Appends], list[Matching]]:
    """Run everything in every round, in alternating order."""
    appends = [Appends(level, batch) for level in LEVELS for batch in BATCHES]
    matching = [Matching(BURST_RATE), Matching(0)]
    commands = numbered(np.concatenate(load(WORKLOAD, count, seed=1).commands))
    for done in range(rounds):
        with no_collector():
            for figures in appends if done % 2 == 0 else appends[::-1]:
                measure_appends(figures, commands, rate, folder, segment_bytes)
            for flow in matching:
                measure_matching(flow, count, folder, segment_bytes, other_way=done % 2 == 1)
        advance()
    return appends, matching


def table_of(appends: list[Appends]) -> report.Rows:
    columns = ["level", "batch", "ns a command", "range", "p50 ns", "p99 ns", "p99.9 ns", "max us", "> 5 us", "faults"]
    table = report.Rows("Commands into the journal", [*columns, "no room ms"], names=1)
    for figures in appends:
        p50, p99, p999, most = np.median(figures.percentiles, axis=0)
        spread = f"{report.number(min(figures.ns))}-{report.number(max(figures.ns))}"
        cells = [figures.level, str(figures.batch), report.number(float(np.median(figures.ns))), spread]
        cells += [report.number(p50), report.number(p99), report.number(p999), report.number(most / 1e3)]
        cells += [report.number(float(np.median(values))) for values in (figures.long, figures.faults, figures.stalls)]
        table.rows.append(cells)
    return table


def matching_table(matching: list[Matching]) -> report.Rows:
    columns = ["flow", "without ns", "with ns", "of it waiting for room", "ratio", "target"]
    table = report.Rows("Matching without and with a journal, level memory", columns)
    for flow in matching:
        medians = (float(np.median(values)) for values in (flow.without, flow.journaled, flow.stalled))
        name = f"{WORKLOAD}, in bursts" if flow.rate else f"{WORKLOAD}, without a pause"
        table.rows.append([name, *map(report.number, medians), f"{flow.ratio:.2f}", str(TARGET_RATIO)])
    return table


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="Rounds.")
@click.option("--count", default=1_000_000, show_default=True, type=click.IntRange(1), help="Commands in each run.")
@click.option("--rate", default=1e6, show_default=True, help="Appends a second; 0 for an unlimited rate.")
@click.option("--segment-bytes", default=64 << 20, show_default=True, help="Size of each file of the journal.")
@click.option(
    "--directory",
    default=Path("build"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the journals, which are removed afterwards; its disk is measured.",
)
@click.option(
    "--output",
    default=RESULTS,
    show_default="benchmarks/results",
    type=click.Path(path_type=Path),
    help="Folder to write to.",
)
def main(rounds: int, count: int, rate: float, segment_bytes: int, directory: Path, output: Path) -> None:
    """Measure the journal from the engine's side, with a syncer at work on a real disk.

    \b
    ns a command  append alone, CRC included, at --rate: median over the rounds, minimum and maximum
    p50 ... max   of one append of so many commands, including one reading of the clock, whose cost is stated
    > 5 us        appends that took longer, interruptions by the machine included
    faults        page faults of the appending thread
    no room       waiting for a segment; not in the other figures
    matching      commands through the books, with and without a journal in alternating runs: in bursts of 65,536
                  at 2 M a second, and without pauses, which is more than the syncer or the disk can take

    The folder --output gets journal.md and journal.json.
    """
    console = Console()
    console.width = max(console.width, report.WIDTH)
    try:
        console.print("compiling the loops if needed", style="dim")
        ready()
    except NotCompiled as missing:
        raise click.ClickException(str(missing)) from missing
    from .inside import overhead, ticks_per_ns

    directory.mkdir(parents=True, exist_ok=True)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("rounds", total=rounds)
        appends, matching = measure(rounds, count, rate, directory, segment_bytes, lambda: progress.advance(task))
    tables = [table_of(appends), matching_table(matching)]
    for table in tables:
        console.print(report.drawn(table))
    clock_ns = overhead() / ticks_per_ns()
    console.print(f"a reading of the clock: {clock_ns:.1f} ns; target: {TARGET_APPEND_NS} ns", style="dim")
    write(tables, appends, matching, clock_ns, output)
    console.print(f"written to {output}", style="dim")


def write(
    tables: list[report.Rows], appends: list[Appends], matching: list[Matching], clock_ns: float, folder: Path
) -> None:
    made_by = {
        "command": shlex.join(["python", "-m", "benchmarks.journal", *sys.argv[1:]]),
        "clock": f"{clock_ns:.1f} ns a reading",
        **describe(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    lines = [line for table in tables for line in (*report.markdown(table), "")]
    lines += [f"- {key}: {value}" for key, value in made_by.items()]
    Path(folder, "journal.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    everything = {
        **made_by,
        "appends": [vars(figures) for figures in appends],
        "matching": [vars(flow) for flow in matching],
    }
    Path(folder, "journal.json").write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
