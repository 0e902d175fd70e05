"""Measure the books on one workload, in alternating runs."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from pricetime import OrderBook
from pricetime.types import COMMAND, CommandArray

from .build import ready
from .minimal_book import MinimalBook
from .plain_book import PlainBook
from .workloads import BATCH, Workload

CAPACITY = 1 << 20  #: orders and levels of every measured book

PERCENTILES = (50, 99, 99.9, 100)

#: Commands without a type: each makes one report and has no other effect. Three batches, because few batches make more
#: than three reports a command.
REFUSED = np.zeros(3 * BATCH, COMMAND)


class Book(Protocol):
    def apply(self, commands: CommandArray) -> object: ...
    def __len__(self) -> int: ...


#: Make empty books, by name.
BOOKS: dict[str, Callable[[], Book]] = {
    "plain Python": PlainBook,
    "C++": lambda: MinimalBook(CAPACITY),
    "OrderBook": lambda: OrderBook(CAPACITY),
}


@dataclass
class Figures:
    """One book on one workload: the results of its runs, and their medians."""

    ns_of_runs: list[float] = field(default_factory=list)  #: of an order, in batches
    percentiles: list[list[float]] = field(default_factory=list)  #: of each run, ns: PERCENTILES of single orders
    fastest: NDArray[np.float64] | None = None  #: ns, of each order over the runs

    def add_single_orders(self, each_ns: NDArray[np.float64]) -> None:
        self.percentiles.append(np.percentile(each_ns, PERCENTILES, method="higher").tolist())
        seen = each_ns if self.fastest is None else self.fastest[: each_ns.size]
        self.fastest = np.minimum(seen, each_ns[: seen.size])

    @property
    def m_orders(self) -> float:
        """Return million orders a second."""
        return 1e3 / float(np.median(self.ns_of_runs))

    def percentile_ns(self, which: float) -> float:
        """Return the median over the runs of this percentile of PERCENTILES."""
        return float(np.median([run[PERCENTILES.index(which)] for run in self.percentiles]))

    @property
    def slowest_always_ns(self) -> float:
        """Return the maximum over the orders of each order's fastest time: the cost of the design without noise."""
        assert self.fastest is not None
        return float(self.fastest.max())

    def times_faster(self, base: Figures) -> float:
        """Return the median of the ratios of runs in the same round."""
        return float(np.median(np.divide(base.ns_of_runs, self.ns_of_runs)))


def measure(
    workload: Workload, names: Sequence[str], rounds: int, limit_ns: int, advance: Callable[[], None] = lambda: None
) -> dict[str, Figures]:
    """Run each book once in each of ``rounds`` rounds, for at most ``limit_ns``; ``advance`` is called after each.

    Every run has a fresh book. ``OrderBook`` executes the commands again, one by one.
    """
    found = {name: Figures() for name in names}
    with no_collector():
        for _ in range(rounds):
            for name, figures in found.items():
                figures.ns_of_runs.append(in_batches(filled(BOOKS[name](), workload), workload, limit_ns))
                if name == "OrderBook":
                    figures.add_single_orders(one_by_one(filled(BOOKS[name](), workload), workload, limit_ns))
                advance()
    return found


def filled(book: Book, workload: Workload) -> Book:
    """Return the book after the prelude, with the memory for its reports prefaulted, as after the first calls."""
    for commands in workload.prelude:
        book.apply(commands)
    book.apply(REFUSED)
    return book


def in_batches(book: Book, workload: Workload, limit_ns: int) -> float:
    """Return ns of processor time for each order."""
    orders = 0
    start = time.thread_time_ns()
    for commands in workload.commands:
        book.apply(commands)
        orders += commands.size
        if time.thread_time_ns() - start > limit_ns:
            break
    return (time.thread_time_ns() - start) / orders


def one_by_one(book: Book, workload: Workload, limit_ns: int) -> NDArray[np.float64]:
    """Return ns of every single order."""
    ready()
    from .engine_loops import time_each

    ticks: list[NDArray[np.uint32]] = []
    until = time.perf_counter_ns() + limit_ns
    for commands in workload.commands:
        ticks.append(time_each(book, commands))
        if time.perf_counter_ns() > until:
            break
    return np.concatenate(ticks) / clock_rate()


@cache
def clock_rate() -> float:
    """Return the ticks in one ns of the clock of single orders."""
    ready()
    from .engine_loops import ticks_per_ns

    return ticks_per_ns()


T = TypeVar("T")


def alternately(rounds: int, contestants: Sequence[T]) -> Iterator[T]:
    """Yield each contestant once in every round, in alternating order, without Python's cycle collector."""
    for done in range(rounds):
        for contestant in contestants if done % 2 == 0 else contestants[::-1]:
            with no_collector():
                yield contestant


@contextmanager
def no_collector() -> Iterator[None]:
    """Stop Python's cycle collector, which would walk the million orders of a plain book while others run."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
