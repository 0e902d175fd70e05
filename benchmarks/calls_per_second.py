"""How fast is one call at a time, from a Python loop, trades handed back?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from pricetime import OrderBook

from .python_loop import arguments, time_adds, time_cancels
from .rounds import no_collector
from .workloads import resting, takers_of

#: Million adds and cancels a second.
TARGET_M_CALLS = 5.0


@dataclass
class Calls:
    """One kind of call: ns for each, in each round."""

    name: str
    ns: list[float] = field(default_factory=list)

    @property
    def m_calls(self) -> float:
        """Million calls a second, the median."""
        return 1e3 / float(np.median(self.ns))


def measure(count: int, rounds: int, advance: Callable[[], None] = lambda: None) -> list[Calls]:
    """``count`` orders are added and cancelled, then added and taken one by one."""
    rng = np.random.default_rng(1)
    orders = resting(count, rng)
    makers, takers = arguments(orders), arguments(takers_of(orders, rng))
    kinds = [Calls("add_order, rests"), Calls("cancel_order"), Calls("adds and cancels"), Calls("add_order, trades")]
    for _ in range(rounds):
        book = OrderBook()
        with no_collector():
            add, cancel = time_adds(book, makers), time_cancels(book, makers)
            time_adds(book, makers)
            take = time_adds(book, takers)
        assert len(book) == 0, "an order was not taken"
        for calls, ns in zip(kinds, (add, cancel, (add + cancel) / 2, take), strict=True):
            calls.ns.append(ns)
        advance()
    return kinds
