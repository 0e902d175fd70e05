"""Measure the memory of a resting order: a million orders in a fresh process, and again after more commands."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from pathlib import Path

from pricetime import OrderBook

from .books import CAPACITY, REFUSED
from .workloads import load

#: Commands after the prelude, during which the number of resting orders stays about the same.
CHURN = 1_000_000


@dataclass(frozen=True)
class Memory:
    """Growth of the process in bytes for each resting order."""

    resting: int
    filled: float
    after_churn: float  #: after CHURN more commands, for the orders resting then


def measure() -> Memory:
    """Measure in a separate process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure_here)


def measure_here() -> Memory:
    deep = load("deep", CHURN, seed=1)
    book = OrderBook(CAPACITY)
    kept = [book.apply(REFUSED) for _ in range(2)]  # the memory for reports, which is not counted
    del kept
    before = resident_bytes()
    for commands in deep.prelude:
        book.apply(commands)
    resting, filled = len(book), (resident_bytes() - before) / len(book)
    for commands in deep.commands:
        book.apply(commands)
    return Memory(resting, filled, (resident_bytes() - before) / len(book))


def resident_bytes() -> int:
    """Return the anonymous memory in use by this process."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields["RssAnon"].split()[0]) * 1024
