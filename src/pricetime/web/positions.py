"""What the sandbox has bought and sold: its position in each instrument, what that cost, and the profit so far.

The cost of a position is that of average prices: a trade that makes it smaller takes away its share of the cost. All
numbers are whole ticks times lots, so realised profit and cost add up exactly to the money paid and received.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from ..types import Side
from .listed import exact


@dataclass
class Position:
    """One instrument. ``quantity`` and ``cost`` are below 0 if more was sold than bought."""

    quantity: int = 0  #: lots
    cost: int = 0  #: ticks times lots that were paid for it; divided by ``quantity``: the average price
    realised: int = 0  #: ticks times lots: the profit of what was bought and sold again, or sold and bought back

    def trade(self, side: Side, price: int, quantity: int) -> None:
        """A trade of the owner."""
        signed = quantity if side is Side.BID else -quantity
        closed = min(quantity, abs(self.quantity)) if self.quantity * signed < 0 else 0
        if closed:
            closing = closed if signed > 0 else -closed
            share = self.cost * closed // abs(self.quantity)
            self.realised -= price * closing + share
            self.cost -= share
            self.quantity += closing
            signed -= closing
        self.quantity += signed
        self.cost += price * signed


class Positions(defaultdict[int, Position]):
    """The positions of one owner since the server started, by instrument. O(instruments) memory."""

    def __init__(self) -> None:
        super().__init__(Position)

    def rows(self) -> list[dict[str, Any]]:
        """As pages show them, by instrument."""
        return [
            {"instrument": instrument} | {name: exact(number) for name, number in vars(one).items()}
            for instrument, one in sorted(self.items())
        ]
