"""A market maker: quotes several levels on both sides, around its own estimate of the price.

The estimate follows the fair value and the book: the mid price, and which side of the best levels has more lots. A
maker that has bought too much quotes lower, so that it sells; one that has sold too much quotes higher. It quotes wider
after fast moves.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from ..types import Side
from .book_view import BookView
from .working_orders import WorkingOrder, WorkingOrders


@dataclass(frozen=True)
class Style:
    """How one market maker quotes."""

    half_spread: float  #: ticks from the estimate to the nearest quote
    levels: int  #: quotes of each side
    step: int  #: ticks between two levels
    lots: int  #: of the nearest quote; those behind it are larger
    pause_s: float  #: mean time between two decisions


#: The makers of a market: a quick one with small quotes, one in between, and a slow one with large quotes.
STYLES = (Style(1.3, 6, 1, 8, 0.15), Style(2.1, 9, 1, 14, 0.4), Style(3.2, 10, 2, 26, 0.9))

#: Weight of the fair value in the estimate; the rest is the mid price.
TRUST = 0.65

#: Ticks that the estimate moves if all lots of the best levels are on one side.
IMBALANCE_TICKS = 0.7

#: Ticks that the estimate moves for each lot of the position, and at most.
SKEW_PER_LOT, MOST_SKEW = 0.01, 4.0

#: Standard deviation of the maker's error about the fair value, in ticks, and how long an error lasts.
ERROR_TICKS, ERROR_S = 0.8, 5.0

#: Share of a move of the estimate that widens the spread, and how much of it is left at the next decision.
WIDENING, CALMING = 0.5, 0.8

#: Each level behind the nearest is larger by this share, and each quote differs by up to this share either way.
GROWTH, VARIATION = 0.25, 0.4

#: A quote with less than this share of its lots left is filled up again.
DEPLETED = 0.4


class MarketMaker:
    """A market maker in one instrument: a ``Strategy``."""

    def __init__(self, random_numbers: random.Random, instrument: int, style: Style) -> None:
        self._random = random_numbers
        self._instrument = instrument
        self._style = style
        self._next_s = 0.0  # when it decides again
        self._decided_s: float | None = None
        self._error = 0.0  # ticks
        self._estimate: float | None = None
        self._widened = 0.0  # ticks

    def act(self, now_s: float, book: BookView, fair_ticks: float, orders: WorkingOrders) -> None:
        if now_s < self._next_s:
            return
        self._next_s = now_s + self._style.pause_s * self._random.uniform(0.6, 1.4)
        before, estimate = self._estimate, self._estimated(now_s, book, fair_ticks, orders)
        moved = 0.0 if before is None else estimate - before
        self._estimate = estimate
        self._widened = CALMING * self._widened + WIDENING * abs(moved)
        half = self._style.half_spread + min(self._widened, 3 * self._style.half_spread)
        bid, ask = math.floor(estimate - half), math.ceil(estimate + half)
        # The side that moves away from the other goes first, or the maker would trade with its own quotes.
        sides = [(Side.BID, bid), (Side.ASK, ask)]
        for side, best in reversed(sides) if moved > 0 else sides:
            self._quote(side, best, orders)

    def _estimated(self, now_s: float, book: BookView, fair_ticks: float, orders: WorkingOrders) -> float:
        """The price around which the maker quotes, in ticks."""
        elapsed_s = 0.0 if self._decided_s is None else now_s - self._decided_s
        self._decided_s = now_s
        kept = math.exp(-elapsed_s / ERROR_S)
        self._error = kept * self._error + ERROR_TICKS * math.sqrt(1 - kept * kept) * self._random.gauss(0, 1)
        value = fair_ticks + self._error
        mid = value if book.mid is None else book.mid
        skew = SKEW_PER_LOT * orders.position[self._instrument]
        skew = max(-MOST_SKEW, min(MOST_SKEW, skew))
        return TRUST * value + (1 - TRUST) * mid + IMBALANCE_TICKS * book.imbalance - skew

    def _quote(self, side: Side, best: int, orders: WorkingOrders) -> None:
        """Bring the quotes of one side to where they should be, with as few commands as possible."""
        outward = -1 if side is Side.BID else 1
        wanted = {best + outward * self._style.step * level: level for level in range(self._style.levels)}
        misplaced: list[WorkingOrder] = []
        for order in orders.of(self._instrument, side):
            level = wanted.pop(order.price, None)
            if level is None:
                misplaced.append(order)
            elif order.remaining < DEPLETED * self._mean_lots(level):
                orders.replace(order, order.price, self._lots(level))
        misplaced.sort(key=lambda order: outward * order.price)  # those nearest to the other side move first
        for price, level in sorted(wanted.items(), key=lambda item: item[1]):
            if misplaced:
                orders.replace(misplaced.pop(0), price, self._lots(level))
            else:
                orders.add(self._instrument, side, price, self._lots(level))
        for order in misplaced:
            orders.cancel(order.id)

    def _mean_lots(self, level: int) -> float:
        return self._style.lots * (1 + GROWTH * level)

    def _lots(self, level: int) -> int:
        return max(1, round(self._mean_lots(level) * self._random.uniform(1 - VARIATION, 1 + VARIATION)))
