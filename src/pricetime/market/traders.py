"""All synthetic traders of a market, and the fair values that they share."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .background import Background
from .book_view import BookView
from .fair_value import FairValue
from .large_trader import LargeTrader
from .maker import STYLES, MarketMaker
from .options import Options
from .working_orders import WorkingOrders

#: The owner of the background flow; the market makers have the numbers that follow. Clients of the user have others.
FIRST_OWNER = 60_001


class Strategy(Protocol):
    """The decisions of a trader in one instrument."""

    def act(self, now_s: float, book: BookView, fair_ticks: float, orders: WorkingOrders) -> None:
        """Send what the trader does now to ``orders``. ``now_s``: seconds since the market began."""


def seeded(seed: int, *names: object) -> random.Random:
    """Random numbers for one part of a market: equal seeds and names give equal numbers."""
    return random.Random("/".join(map(str, (seed, *names))))


class Trader:
    """One owner at the exchange, with a strategy for each instrument."""

    def __init__(self, owner: int, name: str, strategies: Mapping[int, Strategy]) -> None:
        self.owner, self.name = owner, name
        self.orders = WorkingOrders()
        self._strategies = strategies

    def read(self, reports: NDArray[np.void]) -> None:
        """Take reports of this owner's session."""
        self.orders.read(reports)

    def act(self, now_s: float, books: Mapping[int, BookView], fair_ticks: Mapping[int, float]) -> NDArray[np.void]:
        """The commands that the trader sends now, as an array of ``pricetime.COMMAND``."""
        for instrument, strategy in self._strategies.items():
            strategy.act(now_s, books[instrument], fair_ticks[instrument], self.orders)
        return self.orders.take_commands()


class Traders:
    """The background flow, the market makers and the large trader, and the time of their market.

    Equal options, times, books and reports give equal commands.
    """

    def __init__(self, options: Options) -> None:
        seed, instruments = options.seed, options.instruments
        rate = options.rate / len(instruments)
        self._fair_values = {
            number: FairValue(seeded(seed, "fair value", number), options.start_ticks(number)) for number in instruments
        }
        self._now_s = 0.0
        background = {number: Background(seeded(seed, "background", number), number, rate) for number in instruments}
        self.all = [Trader(FIRST_OWNER, "background", background)]
        for place, style in enumerate(STYLES, 1):
            makers = {number: MarketMaker(seeded(seed, place, number), number, style) for number in instruments}
            self.all.append(Trader(FIRST_OWNER + place, f"market maker {place}", makers))
        large = {number: LargeTrader(seeded(seed, "large", number), number) for number in instruments}
        self.all.append(Trader(FIRST_OWNER + len(self.all), "large trader", large))

    def act(self, now_s: float, books: Mapping[int, BookView]) -> Iterable[tuple[Trader, NDArray[np.void]]]:
        """What each trader sends now. ``now_s``: seconds since the market began; it never decreases."""
        elapsed_s, self._now_s = now_s - self._now_s, now_s
        fair_ticks = {number: value.advance(elapsed_s) for number, value in self._fair_values.items()}
        for trader in self.all:
            yield trader, trader.act(now_s, books, fair_ticks)
