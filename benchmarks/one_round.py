"""The process that ``benchmarks.compare`` starts for each revision in each round.

It reads names of workloads from its standard input and answers each with a line of JSON: processor time in ns per
order. The workloads are files in the given folder, so that both revisions execute the same commands. PYTHONPATH decides
which pricetime is measured; only ``OrderBook`` and the records of it are used.
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

from .python_loop import arguments, time_adds, time_cancels

BATCH = 65_536

#: Passes of each workload in each run.
PASSES = 3


def main(folder: Path) -> None:
    gc.disable()
    answer({"path": str(Path(pricetime.__file__).parent), "compiled": pricetime.COMPILED})
    for line in sys.stdin:
        name = line.strip()
        answer(calls(folder) if name == "calls" else {name: batches(folder / f"{name}.npz")})


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


def calls(folder: Path) -> dict[str, object]:
    """Return ns a call from a Python loop."""
    with np.load(folder / "calls.npz") as workload:
        orders = arguments(workload["commands"])
    book = pricetime.OrderBook()
    passes = [(time_adds(book, orders), time_cancels(book, orders)) for _ in range(PASSES)]
    return {"add_order": min(add for add, _ in passes), "cancel_order": min(cancel for _, cancel in passes)}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
