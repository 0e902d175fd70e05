"""``python -m benchmarks.journal``: measure what it costs the engine to append every command to a journal."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from pricetime import Instrument
from pricetime.load.tables import Table
from pricetime.log.configuration import Configuration
from pricetime.log.directory import Directory
from pricetime.log.file_log import FileLog

from .books import CAPACITY, alternately, clock_rate
from .build import NotCompiled, ready
from .report import (
    directory_option,
    median,
    number,
    output_option,
    progress,
    publish,
    rounds_option,
    spread,
    wide_console,
)  # fmt: skip
from .workloads import load

LEVELS = {"memory": 1, "durable": 2}
BATCHES = (1, 16, 256)

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
    stalls_ms: list[float] = field(default_factory=list)  #: waiting for room


@contextmanager
def journal_in(folder: Path, level: int, segment_bytes: int) -> Iterator[FileLog]:
    """A journal on real files."""
    configuration = Configuration((Instrument(0),), CAPACITY, CAPACITY, 0)
    with tempfile.TemporaryDirectory(prefix="journal-", dir=folder) as path:
        directory = Directory(Path(path))
        directory.lock()
        log = FileLog(directory, configuration, level=level, segment_bytes=segment_bytes)
        try:
            log.open()
            log.start()
            yield log
            log.close()
        finally:
            directory.unlock()
    if log.failure is not None:
        raise click.ClickException(log.failure)


def numbered(commands: NDArray[np.void]) -> NDArray[np.void]:
    commands["sequence"] = np.arange(1, 1 + commands.size, dtype=np.uint64)
    return commands


def measure_appends(
    figures: Appends, commands: NDArray[np.void], rate: float, folder: Path, segment_bytes: int
) -> None:
    from .engine_loops import append_paced

    per_ns = clock_rate()
    gap = round(figures.batch / rate * 1e9 * per_ns) if rate else 0
    with journal_in(folder, LEVELS[figures.level], segment_bytes) as writer:
        ticks, stalled = append_paced(writer, commands, figures.batch, gap)
    each_ns = ticks / per_ns
    figures.ns.append(float(each_ns.sum()) / commands.size)
    figures.percentiles.append(np.percentile(each_ns, [50, 99, 99.9, 100], method="higher").tolist())
    figures.long.append(int((each_ns > LONG_NS).sum()))
    figures.stalls_ms.append(stalled / per_ns / 1e6)


def measure(
    rounds: int, count: int, rate: float, folder: Path, segment_bytes: int, advance: Callable[[], None] = lambda: None
) -> list[Appends]:
    """Run everything in every round, in alternating order."""
    appends = [Appends(level, batch) for level in LEVELS for batch in BATCHES]
    commands = numbered(np.concatenate(load("balanced", count, seed=1).commands))
    for figures in alternately(rounds, appends):
        measure_appends(figures, commands, rate, folder, segment_bytes)
        advance()
    return appends


def table_of(appends: list[Appends]) -> Table:
    columns = ["level", "batch", "ns a command", "range", "p50 ns", "p99 ns", "p99.9 ns", "max us", "> 5 us"]
    table = Table("Commands into the journal", [*columns, "no room ms"])
    for figures in appends:
        p50, p99, p999, most = np.median(figures.percentiles, axis=0)
        cells = [figures.level, str(figures.batch), median(figures.ns), spread(figures.ns)]
        cells += [number(p50), number(p99), number(p999), number(most / 1e3)]
        table.rows.append([*cells, *map(median, (figures.long, figures.stalls_ms))])
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
    p50 ... max   of one append of so many commands, including one reading of the clock, 10 to 20 ns
    > 5 us        appends that took longer, interruptions by the machine included
    no room       waiting for a segment; not in the other figures

    The folder --output gets journal.md and journal.json.
    """
    console = wide_console()
    try:
        console.print("compiling the loops if needed", style="dim")
        ready()
    except NotCompiled as missing:
        raise click.ClickException(str(missing)) from missing
    directory.mkdir(parents=True, exist_ok=True)
    with progress(console) as shown:
        task = shown.add_task("rounds", total=rounds * len(LEVELS) * len(BATCHES))
        appends = measure(rounds, count, rate, directory, segment_bytes, lambda: shown.advance(task))
    publish(console, "benchmarks.journal", [table_of(appends)], output, "journal")


if __name__ == "__main__":
    main()
