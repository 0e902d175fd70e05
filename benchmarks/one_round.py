"""The process that ``benchmarks.compare`` starts for each revision: it makes the flows, or measures them once.

PYTHONPATH decides which pricetime is used. Each revision makes the flows itself, in its own format. ``make FOLDER
COUNT NAME...`` writes them to a folder, ``measure FOLDER`` reads names of workloads from its standard input and
answers each with a line of JSON: processor time in ns per order. Only ``OrderBook``, the generator of flows and the
records are used.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import pricetime

from .calls import arguments, time_adds, time_cancels
from .workloads import BATCH, WORKLOADS, load, resting

#: Passes of each workload in each run.
PASSES = 3

#: Calls of each kind from Python in one run.
CALLS = 100_000


def make(folder: Path, count: int, names: list[str]) -> None:
    """Write each workload that this revision has to a file."""
    folder.mkdir()
    for name in [name for name in names if name in WORKLOADS]:
        workload = load(name, count, seed=1)
        commands = np.concatenate(workload.commands)
        np.savez(folder / f"{name}.npz", prelude=np.concatenate([*workload.prelude, commands[:0]]), commands=commands)


def measure(folder: Path) -> None:
    gc.disable()
    answer({"path": str(Path(pricetime.__file__).parent), "compiled": pricetime.COMPILED})
    for line in sys.stdin:
        name = line.strip()
        answer(calls() if name == "calls" else {name: batches(folder / f"{name}.npz")})


def answer(what: dict[str, object]) -> None:
    print(json.dumps(what), flush=True)


def batches(path: Path) -> float:
    """Return ns per order after the prelude, from the fastest pass, because noise only adds time."""
    with np.load(path) as workload:
        prelude, commands = workload["prelude"], workload["commands"]
    return min(one_pass(prelude, commands) for _ in range(PASSES))


def one_pass(prelude: NDArray[np.void], commands: NDArray[np.void]) -> float:
    book = pricetime.OrderBook()
    run(book, prelude)
    book.apply(np.zeros(3 * BATCH, commands.dtype))  # all rejected: prefaults the memory for reports
    start = time.thread_time_ns()
    run(book, commands)
    return (time.thread_time_ns() - start) / len(commands)


def run(book: pricetime.OrderBook, commands: NDArray[np.void]) -> None:
    for start in range(0, len(commands), BATCH):
        book.apply(commands[start : start + BATCH])


def calls() -> dict[str, object]:
    """Return ns a call from a Python loop."""
    orders = arguments(resting(CALLS, np.random.default_rng(1)))
    book = pricetime.OrderBook()
    passes = [(time_adds(book, orders), time_cancels(book, orders)) for _ in range(PASSES)]
    return {"add_order": min(add for add, _ in passes), "cancel_order": min(cancel for _, cancel in passes)}


if __name__ == "__main__":
    what, where, *rest = sys.argv[1:]
    if what == "make":
        make(Path(where), int(rest[0]), rest[1:])
    else:
        measure(Path(where))
