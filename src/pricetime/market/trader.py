"""What every synthetic trader does: read its reports, look at the book, decide."""

from __future__ import annotations

import random
from typing import Protocol

from .batch import Batch
from .book_view import BookView
from .working_orders import WorkingOrders


class Strategy(Protocol):
    """The decisions of a trader in one instrument."""

    def act(self, now_s: float, book: BookView, fair_ticks: float, orders: WorkingOrders, batch: Batch) -> None:
        """Add what the trader does now to ``batch``. ``now_s``: seconds since the market began."""


def seeded(seed: int, *names: object) -> random.Random:
    """Random numbers for one part of a market: equal seeds and names give equal numbers."""
    return random.Random("/".join(map(str, (seed, *names))))
