"""A flow in which each taker takes exactly one maker: the shortest path through a trade."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...checks import whole
from ...errors import InvalidSetting
from ...types import MAX_QUANTITY, Side
from .base import Commands, Flow, new_orders
from .ids import Ids

GAP_NS = 10_000  #: from one command to the next
BEST_ASK = 1_000_000  #: ticks
BLOCK = 65_536


@dataclass(frozen=True, kw_only=True)
class PairedFlow(Flow):
    """``resting`` asks of one size at several prices, then as many bids that take exactly one ask each."""

    levels: int  #: number of adjacent prices of the asks
    quantity: int  #: lots of every order

    def __post_init__(self) -> None:
        super().__post_init__()
        whole(self.levels, 1, 2**31 - 1, InvalidSetting, "levels")
        whole(self.quantity, 1, MAX_QUANTITY, InvalidSetting, "quantity")

    @property
    def longest(self) -> int:
        """One bid for each ask."""
        return self.resting


class PairedSource:
    """One run of a paired flow. Only ids and owners depend on the seed."""

    def __init__(self, flow: PairedFlow, seed: int) -> None:
        self.flow = flow
        self.rng = np.random.default_rng(seed)
        self.ids = Ids(flow.ids, flow.owners, int(self.rng.integers(2**64, dtype=np.uint64)))
        self.now = 0

    def prelude(self) -> Commands:
        """Asks at alternating prices, so that neighbours in a queue are not neighbours in memory."""
        asks = self._orders(self.flow.resting, Side.ASK)
        asks["price"] = BEST_ASK + np.arange(self.flow.resting) % self.flow.levels
        return asks

    def blocks(self) -> Iterator[Commands]:
        """Bids without end, each as large as one ask. The caller takes as many as there are asks."""
        while True:
            bids = self._orders(BLOCK, Side.BID)
            bids["price"] = BEST_ASK + self.flow.levels - 1
            yield bids

    def _orders(self, count: int, side: Side) -> Commands:
        orders = new_orders(count)
        orders["side"] = side
        orders["quantity"] = self.flow.quantity
        if self.flow.owners:
            orders["owner"] = self.rng.integers(1, self.flow.owners, count, np.uint32, endpoint=True)
        orders["order_id"] = self.ids.take(orders["owner"])
        orders["timestamp"] = self.now + GAP_NS * np.arange(1, count + 1)
        self.now += GAP_NS * count
        return orders
