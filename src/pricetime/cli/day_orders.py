"""The orders of the day that ``pricetime demo`` tells: equal seeds give equal orders."""

from __future__ import annotations

import itertools
import math
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..types import Instruction, OrderType, Side, TimeInForce

#: The price in ticks around which the day begins.
MID = 10_000

#: Traders: owners 1 to 4.
OWNERS = (1, 2, 3, 4)

#: Standard deviation of the prices of random orders, in ticks; median and spread of their quantities, in lots.
SPREAD_TICKS, MEDIAN_LOTS, SPREAD_LOTS = 12.0, 8.0, 0.7

#: Shares of the random orders while trading is continuous. The others are limit orders.
MARKET, IOC, ICEBERGS, STOPS = 0.10, 0.10, 0.05, 0.05


@dataclass(frozen=True)
class DayOrder:
    """One order: what ``add_order`` of a book or of a client takes."""

    owner: int
    id: int
    side: Side
    price: int | None  #: ticks
    quantity: int  #: lots
    order_type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.GTC
    instructions: Instruction = field(default_factory=lambda: Instruction(0))
    trigger_price: int | None = None  #: ticks
    display_quantity: int | None = None  #: lots


class DayOrders:
    """Makes orders. Each owner counts its own order ids from 1."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"day/{seed}")
        self._ids: defaultdict[int, Iterator[int]] = defaultdict(lambda: itertools.count(1))

    def one(self, owner: int, side: Side, price: int | None, quantity: int, **terms: object) -> DayOrder:
        """An order with these terms."""
        return DayOrder(owner, next(self._ids[owner]), side, price, quantity, **terms)  # type: ignore[arg-type]

    def collected(self, owner: int, count: int, mid: int = MID) -> list[DayOrder]:
        """Orders for an auction: many buyers pay more than many sellers ask."""
        return [self._around(owner, mid, inward=6) for _ in range(count)]

    def continuous(self, owner: int, count: int, mid: int) -> list[DayOrder]:
        """Orders of continuous trading, of all kinds."""
        return [self._any(owner, mid) for _ in range(count)]

    def _around(self, owner: int, mid: int, *, inward: int) -> DayOrder:
        """A limit order of either side. ``inward``: ticks that its price is on the far side of ``mid`` on average."""
        side = self._random.choice(tuple(Side))
        inner = inward if side is Side.BID else -inward
        price = mid + round(self._random.gauss(inner, SPREAD_TICKS))
        time_in_force = TimeInForce.DAY if self._random.random() < 0.5 else TimeInForce.GTC
        return self.one(owner, side, price, self._lots(), time_in_force=time_in_force)

    def _any(self, owner: int, mid: int) -> DayOrder:
        kind, side, lots = self._random.random(), self._random.choice(tuple(Side)), self._lots()
        outward = -1 if side is Side.BID else 1
        away = abs(round(self._random.gauss(0, SPREAD_TICKS)))
        if kind < MARKET:
            return self.one(owner, side, None, lots, order_type=OrderType.MARKET)
        if kind < MARKET + IOC:
            return self.one(owner, side, mid - outward * away, lots, time_in_force=TimeInForce.IOC)
        if kind < MARKET + IOC + ICEBERGS:
            return self.one(owner, side, mid + outward * away, 10 * lots, display_quantity=lots)
        if kind < MARKET + IOC + ICEBERGS + STOPS:
            trigger = mid - outward * (4 + away)
            return self.one(owner, side, None, lots, order_type=OrderType.STOP, trigger_price=trigger)
        return self._around(owner, mid, inward=-SPREAD_INWARD)

    def _lots(self) -> int:
        return math.ceil(self._random.lognormvariate(math.log(MEDIAN_LOTS), SPREAD_LOTS))


#: Ticks that limit orders of continuous trading stand away from the middle on average.
SPREAD_INWARD = 14
