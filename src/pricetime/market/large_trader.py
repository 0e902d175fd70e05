"""A trader who once in a while trades a large quantity at any price, and so moves the price too far, too fast.

An exchange with price ranges then interrupts trading, and an auction finds the price.
"""

from __future__ import annotations

import random

from ..types import OrderType, Side
from .book_view import BookView
from .working_orders import WorkingOrders

#: Seconds from the begin of the market to the first large order, at least and at most, and the mean between two.
FIRST_S, PAUSE_S = (45.0, 75.0), 150.0

#: Lots of a large order: more than all others bid or ask near the best price.
LOTS = 3_000


class LargeTrader:
    """Trades in one instrument: a ``Strategy``."""

    def __init__(self, random_numbers: random.Random, instrument: int) -> None:
        self._random = random_numbers
        self._instrument = instrument
        self._next_s = self._random.uniform(*FIRST_S)

    def act(self, now_s: float, book: BookView, fair_ticks: float, orders: WorkingOrders) -> None:  # noqa: ARG002 - at any price
        if now_s < self._next_s or book.mid is None:
            return
        self._next_s = now_s + FIRST_S[0] + self._random.expovariate(1 / PAUSE_S)
        side = self._random.choice((Side.BID, Side.ASK))
        orders.add(self._instrument, side, 0, LOTS, order_type=OrderType.MARKET)
