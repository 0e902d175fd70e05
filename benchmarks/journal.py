"""``python -m benchmarks.journal``: measure what it costs the engine to append every command to a journal."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from pricetime import Engine, Instrument
from pricetime.journal.configuration import Configuration
from pricetime.journal.directory import Directory
from pricetime.journal.syncer import Syncer
from pricetime.journal.writer import Writer

from .books import CAPACITY, clock_rate, no_collector
from .build import NotCompiled, ready
from .report import (
    Rows, directory_option, median, number, output_option, progress, publish, rounds_option, spread, wide_console,
)  # fmt: skip
from .workloads import load

LEVELS = {"memory": 1, "durable": 2}
BATCHES = (1, 16, 256)
WORKLOAD = "balanced"

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
    long: list[float] = field(default_factory=list)  #: batches above LONG_NS
    faults: list[float] = field(default_factory=list)  #: page faults of the appending thread
    stalls_ms: list[float] = field(default_factory=list)  #: waiting for room


@dataclass
class Matching:
    """The flow through the books, round by round, in ns a command. ``rate``: in bursts; 0 for no pauses."""

    rate: float
    without: list[float] = field(default_factory=list)
    journaled: list[float] = field(default_factory=list)
    stalled: list[float] = field(default_factory=list)  #: of it waiting for room in the journal


@contextmanager
def journal_in(folder: Path, level: int, segment_bytes: int) -> Iterator[Writer]:
    """A writer with a syncer, on real files."""
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
    from .engine_loops import append_paced

    per_ns = clock_rate()
    gap = round(figures.batch / rate * 1e9 * per_ns) if rate else 0
    with journal_in(folder, LEVELS[figures.level], segment_bytes) as writer:
        ticks, faults, stalled = append_paced(writer, commands, figures.batch, gap)
    each_ns = ticks / per_ns
    figures.ns.append(float(each_ns.sum()) / commands.size)
    figures.percentiles.append(np.percentile(each_ns, [50, 99, 99.9, 100], method="higher").tolist())
    figures.long.append(int((each_ns > LONG_NS).sum()))
    figures.faults.append(faults)
    figures.stalls_ms.append(stalled / per_ns / 1e6)


def measure_matching(figures: Matching, count: int, folder: Path, segment_bytes: int, *, other_way: bool) -> None:
    """Run the same flow with and without a journal, in separate books."""
    workload = load(WORKLOAD, count, seed=1)
    first = 1
    for chunk in (*workload.prelude, *workload.commands):
        numbered(chunk, first)
        first += chunk.size

    def run(writer: Writer | None) -> tuple[float, float]:
        from .engine_loops import match

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

    for journaled in (True, False) if other_way else (False, True):
        if journaled:
            with journal_in(folder, LEVELS["memory"], segment_bytes) as writer:
                ns, stalled = run(writer)
            figures.journaled.append(ns)
            figures.stalled.append(stalled)
        else:
            figures.without.append(run(None)[0])


def measure(
    rounds: int, count: int, rate: float, folder: Path, segment_bytes: int, advance: Callable[[], None] = lambda: None
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


def appends_table(appends: list[Appends]) -> Rows:
    columns = ["level", "batch", "ns a command", "range", "p50 ns", "p99 ns", "p99.9 ns", "max us", "> 5 us", "faults"]
    table = Rows("Commands into the journal", [*columns, "no room ms"])
    for figures in appends:
        p50, p99, p999, most = np.median(figures.percentiles, axis=0)
        cells = [figures.level, str(figures.batch), median(figures.ns), spread(figures.ns)]
        cells += [number(p50), number(p99), number(p999), number(most / 1e3)]
        table.rows.append([*cells, *map(median, (figures.long, figures.faults, figures.stalls_ms))])
    return table


def matching_table(matching: list[Matching]) -> Rows:
    columns = ["flow", "without ns", "with ns", "of it waiting for room", "ratio"]
    table = Rows("Matching without and with a journal, level memory", columns)
    for flow in matching:
        name = f"{WORKLOAD}, in bursts" if flow.rate else f"{WORKLOAD}, without a pause"
        ratio = np.median(np.divide(flow.journaled, flow.without))
        table.rows.append([name, *map(median, (flow.without, flow.journaled, flow.stalled)), f"{ratio:.2f}"])
    return table


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@rounds_option(5)
@click.option("--count", default=1_000_000, show_default=True, type=click.IntRange(1), help="Commands in each run.")
@click.option("--rate", default=1e6, show_default=True, help="Appends a second; 0 for an unlimited rate.")
@click.option("--segment-bytes", default=64 << 20, show_default=True, help="Size of each file of the journal.")
@directory_option
@output_option
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
    console = wide_console()
    try:
        console.print("compiling the loops if needed", style="dim")
        ready()
    except NotCompiled as missing:
        raise click.ClickException(str(missing)) from missing
    from .engine_loops import overhead

    directory.mkdir(parents=True, exist_ok=True)
    with progress(console) as shown:
        task = shown.add_task("rounds", total=rounds)
        appends, matching = measure(rounds, count, rate, directory, segment_bytes, lambda: shown.advance(task))
    tables = [appends_table(appends), matching_table(matching)]
    clock = f"a reading of the clock: {overhead() / clock_rate():.1f} ns"
    publish(console, "benchmarks.journal", tables, output, "journal", clock=clock)


if __name__ == "__main__":
    main()
