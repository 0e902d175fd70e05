"""One step on one workload, ready to run."""

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

#: Commands without a type: each makes one report and has no other effect. Three batches, because few batches make more
#: than three reports a command.
REFUSED = np.zeros(3 * BATCH, COMMAND)

#: Commands of a batch for the reference: few, because it may take milliseconds for each.
REFERENCE_BATCH = 64


@dataclass(frozen=True)
class Turn:
    """The result of one run of one step."""

    orders: int  #: commands executed in batches
    taken_ns: int  #: processor time of this thread for them
    each_ns: NDArray[np.float64]  #: clock ticks of every command executed singly


class Lane(Protocol):
    repeats: bool  #: every run executes the same commands, from the first

    def take_turn(self, limit_ns: int) -> Turn:
        """Run the workload, or as much as the limit allows, once in batches and once singly."""


def lane_of(step: Step, workload: Workload) -> Lane:
    return ReferenceLane(workload) if step is REFERENCE else CompiledLane(step, workload)


class CompiledLane:
    """Fills two fresh books in every run: one executes the commands in batches, the other singly."""

    repeats = True

    def __init__(self, step: Step, workload: Workload) -> None:
        self.make = compiled(step)
        self.workload = workload

    def take_turn(self, limit_ns: int) -> Turn:
        return Turn(*self.run_batches(limit_ns), self.run_singly(limit_ns))

    def filled(self) -> CompiledBook:
        """Return a book after the prelude, with the memory for its reports prefaulted, as after the first calls."""
        book = self.make()
        for commands in self.workload.prelude:
            book.apply(commands)
        book.apply(REFUSED)
        return book

    def run_batches(self, limit_ns: int) -> tuple[int, int]:
        """Return how many commands were executed, and their processor time."""
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
    """Continues where the previous run stopped: filling the reference again would take longer than measuring it."""

    repeats = False

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.coming = self.from_the_start()

    def from_the_start(self) -> Iterator[NDArray[np.void]]:
        """Yield the commands in small batches, repeatedly, for a book filled by the prelude."""
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
    """Return the ticks in one ns of the clock of single orders."""
    from .inside import ticks_per_ns

    return ticks_per_ns()
