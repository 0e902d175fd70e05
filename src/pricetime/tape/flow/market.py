"""The flow of a market: orders around a mid price that walks, withdrawn after a while unless they trade first."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InvalidSetting
from .base import Flow, Source

SHARES = (
    *("far", "outliers", "committed", "modified", "pulled", "moves", "upward"),
    *("taking", "ioc", "sweeps", "duplicates", "stale"),
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
)


@dataclass(frozen=True, kw_only=True)
class MarketFlow(Flow):
    """The settings of such a market. A share is from 0 to 1; times count arrivals, that is new orders of any kind."""

    # where orders are placed: a power law of the distance from the mid, cut off at reach
    scale: float  #: ticks over which the density of new orders starts to fall
    tail: float  #: it falls as distance ** -(1 + tail)
    reach: int  #: ticks; no order is placed farther from the mid, outliers apart
    far: float = 0.0  #: share of arrivals placed evenly from beyond the slack of takers to the reach
    outliers: float = 0.0  #: share of arrivals placed beyond it, anywhere in i64

    # how long they rest: exponential, the longer the farther from the mid (which makes the hump)
    lifetime: float  #: mean at the touch
    hump: float  #: ticks from the mid over which that mean grows by itself once more
    far_lifetime: float = 0.0  #: mean of the far orders and of the outliers
    committed: float = 0.0  #: share of orders within slack that are never withdrawn: only where all of them get taken
    modified: float = 0.0  #: share of resting orders that are changed once in their life
    pulled: float = 0.8  #: share of orders that are withdrawn at once when the mid crosses their price

    # the mid
    moves: float  #: share of arrivals before which it moves
    jump: float = 1.0  #: mean ticks of such a move
    upward: float = 0.5  #: share of moves that go up, until the end of the span turns the direction round
    span: int = 100_000  #: ticks; it stays within this of where it started

    # orders that take
    taking: float  #: share of arrivals that are priced to trade
    slack: int = 2  #: ticks beyond the mid that they would pay
    size: tuple[float, float] = (0.1, 1.0)  #: their quantity, from and to, in mean makers
    ioc: float = 0.9  #: share of them that are IOC; the others are GTC
    sweeps: float = 0.0  #: share of arrivals that are IOC at any price ...
    sweep_size: tuple[float, float] = (1.0, 1.0)  #: ... and of this quantity, from and to, in mean makers

    # what finds nothing
    duplicates: float = 0.01  #: share of cancels sent twice
    stale: float = 0.02  #: share of IOC orders that are followed by a cancel

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidSetting(f"{name} {getattr(self, name)!r} is no share: give a number from 0 to 1")
        if self.taking + self.far + self.outliers + self.sweeps > 1:
            raise InvalidSetting("taking, far, outliers and sweeps share the same arrivals: give at most 1 together")
        for name, low, high in RANGES:
            if not low <= getattr(self, name) <= high:
                raise InvalidSetting(
                    f"{name} {getattr(self, name)!r} is out of range: give a number from {low} to {high}"
                )
        if self.slack >= self.reach:
            raise InvalidSetting(f"slack {self.slack} is as far as reach {self.reach}: takers would reach every order")
        for name in ("size", "sweep_size"):
            low, high = getattr(self, name)
            if not 0 < low <= high <= 2**30:
                raise InvalidSetting(
                    f"{name} {(low, high)} is no range: give two numbers above 0, the smaller one first"
                )

    def source(self, seed: int) -> Source:
        """One run of this flow: the same for the same seed, whatever ran before."""
        from .source import MarketSource  # source.py reads these settings, so it imports this module

        return MarketSource(self, seed)
