"""Measure the bytes of a resting order: a million orders in a fresh process, and again after more commands.

``python -m benchmarks.bytes_per_order STEP`` is that process: it prints one ``Weight`` as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from .reference_step import ReferenceStep
from .steps import CAPACITY, REFERENCE, STEPS, Step, compiled
from .workloads import load

#: The bound for a million orders of the preset deep, over 100,000 levels.
TARGET_BYTES = 110

#: Commands after the prelude, during which the number of resting orders stays about the same.
CHURN = 1_000_000


@dataclass(frozen=True)
class Weight:
    """Bytes for each resting order; None if the system or the step does not provide the figure."""

    step: str
    resting: int
    resident: float | None  #: by the growth of the process
    counted: float | None  #: by the book's own count
    resident_after: float | None  #: growth of the process after CHURN more commands, for the orders resting then
    counted_after: float | None


def weigh(step: Step) -> Weight:
    """Measure one step in a separate process."""
    command = [sys.executable, "-m", "benchmarks.bytes_per_order", step.name]
    out = subprocess.run(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True, check=True).stdout
    return Weight(**json.loads(out))


def weigh_here(step: Step) -> Weight:
    deep = load("deep", CHURN if step is not REFERENCE else 0, seed=1)
    if step is REFERENCE:
        before = resident_bytes()
        reference = ReferenceStep(CAPACITY)
        for commands in deep.prelude:
            reference.fill(commands)
        return Weight(step.name, n := len(reference.book), per_order(before, n), None, None, None)
    book = compiled(step)()
    from .inside import used_bytes

    before = resident_bytes()
    for commands in deep.prelude:
        book.apply(commands)
    first = per_order(before, n := len(book)), used_bytes(book) / n
    for commands in deep.commands:
        book.apply(commands)
    return Weight(step.name, n, *first, per_order(before, m := len(book)), used_bytes(book) / m)


def per_order(before: int | None, orders: int) -> float | None:
    now = resident_bytes()
    return None if before is None or now is None else (now - before) / orders


def resident_bytes() -> int | None:
    """Return the anonymous memory in use by this process; None without /proc."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) * 1024


if __name__ == "__main__":
    print(json.dumps(asdict(weigh_here(STEPS[sys.argv[1]]))))
