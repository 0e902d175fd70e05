"""Measure the memory of a resting order: a million orders in a fresh process, and again after more commands.

``python -m benchmarks.memory`` is that process: it prints one ``Memory`` as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from pricetime import OrderBook

from .books import CAPACITY
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
    command = [sys.executable, "-m", "benchmarks.memory"]
    out = subprocess.run(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True, check=True).stdout
    return Memory(**json.loads(out))


def measure_here() -> Memory:
    deep = load("deep", CHURN, seed=1)
    book = OrderBook(CAPACITY)
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


if __name__ == "__main__":
    print(json.dumps(asdict(measure_here())))
