"""How fast is each step? All of them on one workload, turn and turn about."""

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
    """One step on one workload: what its turns gave, and their medians."""

    workload: str
    step: Step
    repeats: bool
    ns_per_order: list[float] = field(default_factory=list)  #: of each turn, in batches
    percentiles: list[list[float]] = field(default_factory=list)  #: of each turn, ns: PERCENTILES of single orders
    quickest: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))  #: ns, of each order over its turns

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
        """Million orders a second."""
        return 1e3 / self.ns

    def percentile_ns(self, which: float) -> float:
        """The median over the turns of this percentile of PERCENTILES."""
        return float(np.median([turn[PERCENTILES.index(which)] for turn in self.percentiles]))

    @property
    def slowest_always_ns(self) -> float | None:
        """The order that took longest even in its best turn: what the design costs, and no interruption.

        None where the turns do not repeat the same commands.
        """
        return float(self.quickest.max()) if self.repeats else None

    def times_faster(self, base: Figures) -> float:
        """The median of the ratios of turns taken in the same round."""
        return float(np.median(np.divide(base.ns_per_order, self.ns_per_order)))


def measure(
    workload: Workload,
    steps: Sequence[Step],
    rounds: int,
    limit_ns: int,
    advance: Callable[[], None] = lambda: None,
) -> list[Figures]:
    """Each step takes ``rounds`` turns of at most ``limit_ns`` for each pass, one after the other.

    ``advance`` is called after every turn.
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
    """The reference among figures of one workload."""
    return next((figure for figure in figures if figure.step is REFERENCE), None)


@contextmanager
def no_collector() -> Iterator[None]:
    """Python's cycle collector would walk a million orders of the reference in somebody else's turn."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
