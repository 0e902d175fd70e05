"""One step on one workload, ready to take its turn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pricetime.types import COMMAND

from .reference_step import ReferenceStep
from .steps import CAPACITY, REFERENCE, CompiledBook, Step, compiled
from .workloads import BATCH, Workload

#: Commands of no type: each makes one report, and nothing else happens. Three batches of them, since hardly any batch
#: makes more than three reports a command.
REFUSED = np.zeros(3 * BATCH, COMMAND)

#: Commands of a batch for the reference: few, because it may spend milliseconds on each.
REFERENCE_BATCH = 64


@dataclass(frozen=True)
class Turn:
    """What one turn of one step gave."""

    orders: int  #: commands executed in batches
    taken_ns: int  #: processor time of this thread that they took
    each_ns: NDArray[np.float64]  #: of every command executed singly


class Lane(Protocol):
    repeats: bool  #: every turn executes the same commands, from the first

    def take_turn(self, limit_ns: int) -> Turn:
        """Run the workload, or as much of it as the limit allows, once in batches and once singly."""


def lane_of(step: Step, workload: Workload) -> Lane:
    return ReferenceLane(workload) if step is REFERENCE else CompiledLane(step, workload)


class CompiledLane:
    """Every turn fills two fresh books: one takes the commands in batches, the other singly."""

    repeats = True

    def __init__(self, step: Step, workload: Workload) -> None:
        self.make = compiled(step)
        self.workload = workload

    def take_turn(self, limit_ns: int) -> Turn:
        return Turn(*self.run_batches(limit_ns), self.run_singly(limit_ns))

    def filled(self) -> CompiledBook:
        """A book at the end of the prelude, the memory for its reports touched as it is after the first calls."""
        book = self.make()
        for commands in self.workload.prelude:
            book.apply(commands)
        book.apply(REFUSED)
        return book

    def run_batches(self, limit_ns: int) -> tuple[int, int]:
        """How many commands were executed, and the processor time that they took."""
        book, orders = self.filled(), 0
        start = time.thread_time_ns()
        for commands in self.workload.commands:
            book.apply(commands)
            orders += commands.size
            if time.thread_time_ns() - start > limit_ns:
                break
        return orders, time.thread_time_ns() - start

    def run_singly(self, limit_ns: int) -> NDArray[np.float64]:
        from .inside import time_each

        book = self.filled()
        ticks: list[NDArray[np.uint32]] = []
        until = time.perf_counter_ns() + limit_ns
        for commands in self.workload.commands:
            ticks.append(time_each(book, commands))
            if time.perf_counter_ns() > until:
                break
        return np.concatenate(ticks) / clock_rate()


class ReferenceLane:
    """The reference goes on where it stopped: filling it anew would take longer than measuring it."""

    repeats = False

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.coming = self.from_the_start()

    def from_the_start(self) -> Iterator[NDArray[np.void]]:
        """The commands in small batches, for a book filled by the prelude; again and again."""
        while True:
            self.book = ReferenceStep(CAPACITY)
            for commands in self.workload.prelude:
                self.book.fill(commands)
            for commands in self.workload.commands:
                for start in range(0, commands.size, REFERENCE_BATCH):
                    yield commands[start : start + REFERENCE_BATCH]

    def take_turn(self, limit_ns: int) -> Turn:
        return Turn(*self.run_batches(limit_ns), self.run_singly(limit_ns))

    def run_batches(self, limit_ns: int) -> tuple[int, int]:
        orders, taken_ns = 0, 0
        while taken_ns < limit_ns:
            commands = next(self.coming)
            start = time.thread_time_ns()
            self.book.apply(commands)
            taken_ns += time.thread_time_ns() - start
            orders += commands.size
        return orders, taken_ns

    def run_singly(self, limit_ns: int) -> NDArray[np.float64]:
        each_ns: list[int] = []
        until = time.perf_counter_ns() + limit_ns
        while not each_ns or time.perf_counter_ns() < until:
            commands = next(self.coming)
            for index in range(commands.size):
                start = time.perf_counter_ns()
                self.book.apply(commands[index : index + 1])
                each_ns.append(time.perf_counter_ns() - start)
        return np.array(each_ns, np.float64)


@cache
def clock_rate() -> float:
    """Ticks of the clock of single orders in one ns."""
    from .inside import ticks_per_ns

    return ticks_per_ns()
