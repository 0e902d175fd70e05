"""Measure how often the machine stops a program that only reads the clock, on all processors at once.

    python -m benchmarks.stalls --seconds 5

This time is lost to interrupts, other programs and, on a virtual machine, the host. A measured latency that does not
exceed these stalls says more about the machine than about the program.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from dataclasses import dataclass

import click

#: A gap between two readings that is too long to be work of the loop itself.
STALL_NS = 100_000


@dataclass(frozen=True)
class Stalls:
    """Stalls of one or more processors."""

    seconds: float  #: of all processors together
    each_ns: list[int]

    def __str__(self) -> str:
        return (
            f"{len(self.each_ns) / self.seconds:.1f} a second over {STALL_NS / 1e3:.0f} us on each processor, "
            f"{sum(self.each_ns) / self.seconds / 1e7:.2f} % of the time, "
            f"the longest {max(self.each_ns, default=0) / 1e6:.1f} ms"
        )


def watch(cpu: int, seconds: float) -> Stalls:
    """Read the clock on one processor in a loop."""
    os.sched_setaffinity(0, {cpu})
    return look(seconds)


def look(seconds: float) -> Stalls:
    clock = time.perf_counter_ns
    gaps = []
    begin = last = clock()
    end = begin + int(seconds * 1e9)
    while last < end:
        now = clock()
        if now - last > STALL_NS:
            gaps.append(now - last)
        last = now
    return Stalls((last - begin) / 1e9, gaps)


def measure(seconds: float = 1.0) -> Stalls:
    """Measure all processors that this process may use, each with a busy process."""
    cpus = sorted(os.sched_getaffinity(0))
    with multiprocessing.get_context("spawn").Pool(len(cpus)) as pool:
        seen = pool.starmap(watch, [(cpu, seconds) for cpu in cpus], chunksize=1)
    return Stalls(sum(each.seconds for each in seen), [ns for each in seen for ns in each.each_ns])


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", default=5.0, show_default=True, type=click.FloatRange(0.001), help="How long.")
def main(seconds: float) -> None:
    """Print how often this machine stops a program that only reads the clock."""
    print(f"stalls: {measure(seconds)}")


if __name__ == "__main__":
    main()
