"""Measure all steps on one workload, in alternating runs."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .lanes import Turn, lane_of
from .steps import REFERENCE, Step
from .workloads import Workload

PERCENTILES = (50, 99, 99.9, 100)


@dataclass
class Figures:
    """One step on one workload: the results of its runs, and their medians."""

    workload: str
    step: Step
    repeats: bool
    ns_per_order: list[float] = field(default_factory=list)  #: of each run, in batches
    percentiles: list[list[float]] = field(default_factory=list)  #: of each run, ns: PERCENTILES of single orders
    quickest: NDArray[np.float64] = field(
        default_factory=lambda: np.zeros(0)
    )  #: ns, the fastest time of each order over the runs

    def add(self, turn: Turn) -> None:
        self.ns_per_order.append(turn.taken_ns / turn.orders)
        self.percentiles.append(np.percentile(turn.each_ns, PERCENTILES, method="higher").tolist())
        if self.repeats:
            seen = self.quickest[: turn.each_ns.size] if self.quickest.size else turn.each_ns
            self.quickest = np.minimum(seen, turn.each_ns[: seen.size])

    @property
    def ns(self) -> float:
        return float(np.median(self.ns_per_order))

    @property
    def m_orders(self) -> float:
        """Return million orders a second."""
        return 1e3 / self.ns

    def percentile_ns(self, which: float) -> float:
        """Return the median over the runs of this percentile of PERCENTILES."""
        return float(np.median([turn[PERCENTILES.index(which)] for turn in self.percentiles]))

    @property
    def slowest_always_ns(self) -> float | None:
        """Return the maximum over the orders of each order's fastest time: the cost of the design without noise.

        None if the runs do not repeat the same commands.
        """
        return float(self.quickest.max()) if self.repeats else None

    def times_faster(self, base: Figures) -> float:
        """Return the median of the ratios of runs in the same round."""
        return float(np.median(np.divide(base.ns_per_order, self.ns_per_order)))


def measure(
    workload: Workload,
    steps: Sequence[Step],
    rounds: int,
    limit_ns: int,
    advance: Callable[[], None] = lambda: None,
) -> list[Figures]:
    """Run each step once in each of ``rounds`` rounds, for at most ``limit_ns`` in each pass.

    ``advance`` is called after every run.
    """
    lanes = [lane_of(step, workload) for step in steps]
    figures = [Figures(workload.name, step, lane.repeats) for step, lane in zip(steps, lanes, strict=True)]
    with no_collector():
        for _ in range(rounds):
            for lane, figure in zip(lanes, figures, strict=True):
                figure.add(lane.take_turn(limit_ns))
                advance()
    return figures


def base_of(figures: Sequence[Figures]) -> Figures | None:
    """Return the reference among the figures of one workload."""
    return next((figure for figure in figures if figure.step is REFERENCE), None)


@contextmanager
def no_collector() -> Iterator[None]:
    """Stop Python's cycle collector, which would walk the reference's million orders while other steps run."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
