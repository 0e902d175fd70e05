"""Background flow: many small participants who place orders, cancel them after a while, and sometimes trade at once.

Some of them place stop orders and icebergs. While orders are collected for an auction, they send limit orders around
the fair value, and market orders.

Orders arrive in clusters, as in real markets: each order makes the next one a little more likely for a second or two.
Most rest near the best prices, few far away. Participants who trade at once buy more often if the price is below the
fair value, and sell more often if it is above, so the price follows the fair value.
"""

from __future__ import annotations

import heapq
import math
import random

from ..types import OrderType, Side, TimeInForce
from .book_view import BookView
from .working_orders import WorkingOrders

#: Share of the orders that trade at once, and how many ticks beyond the best price they may go.
TAKING, SLIPPAGE = 0.36, 2

#: Largest change of the probability to buy, and the distance from the fair value, in ticks, at which it is reached.
LEAN, LEAN_TICKS = 0.35, 5.0

#: Share of the resting orders that improve the best price by a tick if the spread is wide enough.
IMPROVING = 0.06

#: Resting orders lie this many ticks behind the best price at most; the distance follows a power law.
FARTHEST, TAIL = 45, 0.9

#: Mean time that an order rests at the best price, in seconds, and the share of it that each tick behind adds.
LIFETIME_S, LIFETIME_PER_TICK = 7.0, 0.35

#: Quantities are lognormal around the median; one in four is rounded up to tens.
MEDIAN_LOTS, SPREAD_LOTS, ROUNDED = 6.0, 0.8, 0.25

#: Share of the orders that follow from earlier ones, and seconds for which an order makes others more likely.
CLUSTERED, CLUSTER_S = 0.4, 1.5

#: Shares of the resting orders that are stop orders and icebergs.
STOPS, ICEBERGS = 0.05, 0.05

#: A stop order is so many ticks away from the best price of the other side. An iceberg has so many slices.
STOP_TICKS, SLICES = (6, 30), 8

#: In an auction: share of market orders, and standard deviation of the limits around the fair value, in ticks.
AUCTION_MARKET, AUCTION_TICKS = 0.1, 6.0

#: Resting orders of each side in the first moment.
FIRST_ORDERS = 40


class Background:
    """The background flow in one instrument: a ``Strategy``. ``rate``: orders a second."""

    def __init__(self, random_numbers: random.Random, instrument: int, rate: float) -> None:
        self._random = random_numbers
        self._instrument = instrument
        self._rate = rate
        self._excitement = CLUSTERED  # share of the rate that earlier orders cause now
        self._next_s: float | None = None  # when the next order arrives
        self._ends: list[tuple[float, int]] = []  # heap of (when, id): resting orders are cancelled then

    def act(self, now_s: float, book: BookView, fair_ticks: float, orders: WorkingOrders) -> None:
        if self._next_s is None:
            self._next_s = now_s
            self._fill_book(now_s, fair_ticks, orders)
        while self._ends and self._ends[0][0] <= now_s:
            _, order_id = heapq.heappop(self._ends)
            orders.cancel(order_id)
        while self._next_s <= now_s:
            self._arrive(now_s, book, fair_ticks, orders)
            self._next_s += self._pause_s()

    def _pause_s(self) -> float:
        """Seconds until the next order."""
        pause_s = self._random.expovariate(self._rate * (1 - CLUSTERED + self._excitement))
        self._excitement *= math.exp(-pause_s / CLUSTER_S)
        self._excitement += CLUSTERED / (self._rate * CLUSTER_S)
        return pause_s

    def _arrive(self, now_s: float, book: BookView, fair_ticks: float, orders: WorkingOrders) -> None:
        if book.collects:
            self._join_auction(now_s, fair_ticks, orders)
            return
        mid = book.mid
        if mid is not None and self._random.random() < TAKING:
            self._take(book, fair_ticks - mid, orders)
            return
        side, kind = self._random.choice((Side.BID, Side.ASK)), self._random.random()
        if kind < STOPS and mid is not None:
            self._stop(now_s, side, round(mid), orders)
            return
        slices = SLICES if kind >= 1 - ICEBERGS else 1
        self._rest(now_s, side, self._price(side, book, fair_ticks), orders, slices)

    def _join_auction(self, now_s: float, fair_ticks: float, orders: WorkingOrders) -> None:
        """An order for the auction that takes place next."""
        side = self._random.choice((Side.BID, Side.ASK))
        if self._random.random() < AUCTION_MARKET:
            orders.add(self._instrument, side, 0, self._lots(), order_type=OrderType.MARKET)
        else:
            self._rest(now_s, side, round(self._random.gauss(fair_ticks, AUCTION_TICKS)), orders)

    def _stop(self, now_s: float, side: Side, mid: int, orders: WorkingOrders) -> None:
        """An order that trades once the price has moved against someone who holds a position."""
        outward = 1 if side is Side.BID else -1
        trigger = mid + outward * self._random.randint(*STOP_TICKS)
        order = orders.add(
            self._instrument, side, 0, self._lots(), order_type=OrderType.STOP, trigger_price=trigger
        )  # fmt: skip
        self._end_later(now_s, order.id)

    def _take(self, book: BookView, cheap_by: float, orders: WorkingOrders) -> None:
        """Trade at once. ``cheap_by``: ticks that the price is below the fair value."""
        lean = LEAN * max(-1.0, min(1.0, cheap_by / LEAN_TICKS))
        assert book.best_bid is not None
        assert book.best_ask is not None
        if self._random.random() < 0.5 + lean:
            side, price = Side.BID, book.best_ask + SLIPPAGE
        else:
            side, price = Side.ASK, book.best_bid - SLIPPAGE
        orders.add(self._instrument, side, price, self._lots(), TimeInForce.IOC)

    def _price(self, side: Side, book: BookView, fair_ticks: float) -> int:
        """Where an order is to rest: in front of the best price, at it, or behind it."""
        inward = 1 if side is Side.BID else -1
        best = book.best_bid if side is Side.BID else book.best_ask
        other = book.best_ask if side is Side.BID else book.best_bid
        if best is None:
            return round(fair_ticks) - 2 * inward
        if other is not None and abs(other - best) > 1 and self._random.random() < IMPROVING:
            return best + inward
        return best - inward * self._ticks_behind()

    def _ticks_behind(self) -> int:
        return min(FARTHEST, int(self._random.paretovariate(TAIL)) - 1)

    def _rest(self, now_s: float, side: Side, price: int, orders: WorkingOrders, slices: int = 1) -> None:
        lots = self._lots()
        place = (self._instrument, side, price)
        order = orders.add(*place, slices * lots, display_quantity=lots) if slices > 1 else orders.add(*place, lots)
        self._end_later(now_s, order.id)

    def _end_later(self, now_s: float, order_id: int) -> None:
        """Cancel an order after a while."""
        mean_s = LIFETIME_S * (1 + LIFETIME_PER_TICK * self._random.randrange(10))
        heapq.heappush(self._ends, (now_s + self._random.expovariate(1 / mean_s), order_id))

    def _fill_book(self, now_s: float, fair_ticks: float, orders: WorkingOrders) -> None:
        """Orders as they would rest if the market had been open for a while."""
        for side, inward in ((Side.BID, 1), (Side.ASK, -1)):
            for _ in range(FIRST_ORDERS):
                price = round(fair_ticks) - inward * (2 + self._ticks_behind())
                self._rest(now_s, side, price, orders)

    def _lots(self) -> int:
        lots = math.ceil(self._random.lognormvariate(math.log(MEDIAN_LOTS), SPREAD_LOTS))
        return -(-lots // 10) * 10 if self._random.random() < ROUNDED else lots
