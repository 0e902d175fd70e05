"""The flow of a market: orders around a random mid price that are cancelled after a while unless they trade."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InvalidSetting
from .base import Flow

SHARES = (
    *("far", "outliers", "committed", "modified", "pulled", "moves", "upward"),
    *("taking", "ioc", "sweeps", "duplicates", "stale", "stops", "icebergs"),
)

RANGES = (
    ("scale", 0.01, 2**30),
    ("tail", 0.01, 100),
    ("reach", 1, 2**22),
    ("lifetime", 1, 2**40),
    ("hump", 0.01, 2**30),
    ("far_lifetime", 0, 2**40),
    ("jump", 1, 2**16),
    ("span", 1, 2**30),
    ("slack", 0, 2**22),
    ("day", 0, 2**40),
)

#: The fewest arrivals of a day, so that each of its phases has some.
LEAST_DAY = 1000


@dataclass(frozen=True, kw_only=True)
class MarketFlow(Flow):
    """A flow of a market with these settings. Shares are from 0 to 1. Times count arrivals: new orders of any kind."""

    # prices: a power law of the distance from the mid, cut off at reach
    scale: float  #: ticks within which the density of new orders is nearly constant
    tail: float  #: it falls as distance ** -(1 + tail)
    reach: int  #: ticks: the largest distance from the mid, except for outliers
    far: float = 0.0  #: share of arrivals with prices uniform from beyond ``slack`` to ``reach``
    outliers: float = 0.0  #: share of arrivals with prices beyond ``reach``, anywhere in i64

    # lifetimes: exponential, longer for orders farther from the mid, so that depth peaks behind the best price
    lifetime: float  #: mean at the best price
    hump: float  #: ticks from the mid within which that mean doubles
    far_lifetime: float = 0.0  #: mean of far orders and outliers
    committed: float = (
        0.0  #: share of orders within ``slack`` that are never cancelled; use it only if takers take all of them
    )
    modified: float = 0.0  #: share of resting orders that are changed once
    pulled: float = 0.8  #: share of orders that are cancelled as soon as the mid crosses their price

    # the mid
    moves: float  #: share of arrivals at which it moves
    jump: float = 1.0  #: mean ticks of a move
    upward: float = 0.5  #: share of moves upwards; it reverses at the end of the span
    span: int = 100_000  #: ticks: the largest distance of the mid from its start

    # orders that take
    taking: float  #: share of arrivals that are priced to trade
    slack: int = 2  #: ticks beyond the mid of their limit price
    size: tuple[float, float] = (0.1, 1.0)  #: their quantity, from and to, in mean quantities of makers
    ioc: float = 0.9  #: share of takers that are IOC; the others are GTC
    sweeps: float = 0.0  #: share of arrivals that are IOC without a price limit
    sweep_size: tuple[float, float] = (1.0, 1.0)  #: their quantity, from and to, in mean quantities of makers

    # cancels without a resting order
    duplicates: float = 0.01  #: share of cancels sent twice
    stale: float = 0.02  #: share of IOC orders that are followed by a cancel

    # orders and days of venues
    stops: float = 0.0  #: share of arrivals that wait for a trigger price
    icebergs: float = 0.0  #: share of arrivals that display a part of their quantity
    day: int = 0  #: arrivals of one day, which has two auctions and ends with expiry; 0: the market is always open

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidSetting(f"{name} {getattr(self, name)!r} is not a share: give a number from 0 to 1")
        if self.taking + self.far + self.outliers + self.sweeps + self.stops + self.icebergs > 1:
            raise InvalidSetting(
                "taking, far, outliers, sweeps, stops and icebergs are shares of the same arrivals: "
                "their sum must be at most 1"
            )
        for name, low, high in RANGES:
            if not low <= getattr(self, name) <= high:
                raise InvalidSetting(
                    f"{name} {getattr(self, name)!r} is out of range: give a number from {low} to {high}"
                )
        if 0 < self.day < LEAST_DAY:
            raise InvalidSetting(f"day {self.day} is too short: give 0 or at least {LEAST_DAY} arrivals")
        if self.slack >= self.reach:
            raise InvalidSetting(
                f"slack {self.slack} must be below reach {self.reach}, or takers would reach every order"
            )
        for name in ("size", "sweep_size"):
            low, high = getattr(self, name)
            if not 0 < low <= high <= 2**30:
                raise InvalidSetting(
                    f"{name} {(low, high)} is not a range: give two numbers above 0, the smaller one first"
                )

    @property
    def has_venue_orders(self) -> bool:
        """Does the flow have orders with extensions, or days?"""
        return bool(self.stops or self.icebergs or self.day)
