"""``python -m benchmarks``: measure the book, between a plain Python book and a C++ book that does nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
from rich.progress import Progress

from pricetime.load.tables import Table

from . import calls, memory
from .books import BOOKS, Figures, measure
from .build import NotCompiled, minimal_library, ready
from .report import median, number, output_option, progress, publish, rounds_option, wide_console
from .workloads import WORKLOADS, load

QUICK_COUNT, QUICK_ROUNDS = 100_000, 3

#: Limit of one run in batches, and again of single orders. Only the plain book reaches it.
LIMIT_NS = 500_000_000

#: Calls of each kind from Python in one round.
CALLS = 200_000


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--preset", "presets", multiple=True, type=click.Choice(WORKLOADS), help="Only this workload; repeatable."
)
@click.option("--book", "books", multiple=True, type=click.Choice(list(BOOKS)), help="Only this book; repeatable.")
@click.option(
    "--count", default=1_000_000, show_default=True, type=click.IntRange(1_000), help="Timed commands of each."
)
@rounds_option(5)
@click.option("--quick", is_flag=True, help=f"{QUICK_COUNT:,} commands, {QUICK_ROUNDS} rounds: rough figures, quickly.")
@output_option
def main(presets: Sequence[str], books: Sequence[str], count: int, rounds: int, quick: bool, output: Path) -> None:
    """Measure how fast the book is with each order flow.

    A book in plain Python, a book in C++ that supports only these flows, and pricetime.OrderBook execute the same
    commands: every preset of the flow generator, then adds, cancels and matches alone. The books alternate, so that
    noise of the machine meets all of them; figures are medians over the rounds.

    \b
    M orders/s       in batches of 65,536 commands
    times            OrderBook faster than plain Python in the same round
    time, C++ = 1    time of OrderBook divided by that of the C++ book in the same round
    p50 ... max      of single orders of OrderBook, timed inside the compiled loop
    always us        maximum over the orders of each order's fastest time: without the machine's noise

    Without --preset also: bytes per resting order, and calls from a Python loop. The folder --output gets book.md and
    book.json. docs/benchmarks.md says what the figures include.
    """
    console = wide_console()
    if quick:
        count, rounds = QUICK_COUNT, QUICK_ROUNDS
    chosen = [name for name in BOOKS if not books or name in books]
    names = [name for name in WORKLOADS if not presets or name in presets]
    try:
        console.print("compiling the books if needed", style="dim")
        ready()
        if "C++" in chosen:
            minimal_library()
    except NotCompiled as missing:
        raise click.ClickException(str(missing)) from missing
    with progress(console) as shown:
        tables = [orders_table(names, chosen, count, rounds, shown)]
        if not presets:
            tables += [calls_table(rounds, shown), memory_table()]
    publish(console, "benchmarks", tables, output, "book")


def orders_table(names: list[str], books: list[str], count: int, rounds: int, shown: Progress) -> Table:
    task = shown.add_task("", total=len(names) * len(books) * rounds)
    columns = [*books, "times", "time, C++ = 1", "p50 ns", "p99 ns", "p99.9 ns", "max us", "always us"]
    table = Table("Million orders a second", ["workload", *columns])
    for name in names:
        shown.update(task, description=f"{name}: making the flow")
        workload = load(name, count, seed=1)
        shown.update(task, description=f"{name}: {rounds} rounds")
        found = measure(workload, books, rounds, LIMIT_NS, lambda: shown.advance(task))
        table.rows.append([name, *cells_of(found)])
    return table


def cells_of(found: dict[str, Figures]) -> list[str]:
    cells = [number(figures.m_orders) for figures in found.values()]
    plain, minimal, book = (found.get(name) for name in BOOKS)
    cells.append(number(book.times_faster(plain)) if book and plain else "")
    cells.append(f"{1 / book.times_faster(minimal):.2f}" if book and minimal else "")
    if book is None:
        return cells + [""] * 5
    cells += [number(book.percentile_ns(which)) for which in (50, 99, 99.9)]
    return [*cells, number(book.percentile_ns(100) / 1e3), number(book.slowest_always_ns / 1e3)]


def calls_table(rounds: int, shown: Progress) -> Table:
    task = shown.add_task("calls from Python", total=rounds)
    table = Table("Million calls a second from Python", ["call", *calls.BOOKS, "times"])
    for each in calls.measure(CALLS, rounds, lambda: shown.advance(task)):
        rates = [number(1e3 / float(np.median(ns))) for ns in each.ns.values()]
        table.rows.append([each.name, *rates, number(each.times)])
    return table


def memory_table() -> Table:
    found = memory.measure()
    cells = [f"{found.resting:,}", median([found.filled]), median([found.after_churn])]
    return Table("Bytes for each resting order", ["orders", "filled", "later"], rows=[cells])


if __name__ == "__main__":
    main()
