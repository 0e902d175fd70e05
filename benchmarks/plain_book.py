"""A limit order book in plain Python: what ``OrderBook`` is compared with."""

from __future__ import annotations

from bisect import insort
from collections import deque
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pricetime.types import CommandType, Side, TimeInForce

Trade: TypeAlias = tuple[int, int, int, int]  #: maker id, taker id, price, quantity

BID, ASK = int(Side.BID), int(Side.ASK)
FIELDS = ["type", "side", "time_in_force", "order_id", "price", "quantity"]


class PlainBook:
    """A deque of orders at each price, and a sorted list of the prices of each side, the best one last.

    Prices are kept as keys, the price of a bid and minus the price of an ask, so that the largest key is the best. An
    order is a list of its open quantity, id, side and key. A cancel is O(1): it sets the quantity to 0, and the order
    leaves its deque when it reaches the front.
    """

    def __init__(self) -> None:
        self.queues: dict[int, dict[int, deque[list[int]]]] = {BID: {}, ASK: {}}
        self.keys: dict[int, list[int]] = {BID: [], ASK: []}
        self.orders: dict[int, list[int]] = {}

    def apply(self, commands: NDArray[np.void]) -> list[Trade]:
        """Execute commands (COMMAND, shape (n,)): limit orders, cancels, reduces, replaces. Returns the trades."""
        trades: list[Trade] = []
        new, cancel, reduce, replace = map(int, (
            CommandType.NEW_ORDER, CommandType.CANCEL_ORDER, CommandType.REDUCE_ORDER, CommandType.REPLACE_ORDER,
        ))  # fmt: skip
        ioc = int(TimeInForce.IOC)
        for kind, side, time_in_force, order_id, price, quantity in commands[FIELDS].tolist():
            if (kind == new) == (order_id in self.orders):
                continue  # rejected
            if kind == new:
                trades += self.add_order(order_id, side, price, quantity, rests=time_in_force != ioc)
            elif kind == cancel:
                self.cancel_order(order_id)
            elif kind == reduce:
                self.reduce_order(order_id, quantity)
            elif kind == replace:
                trades += self.replace_order(order_id, price, quantity)
        return trades

    def add_order(self, order_id: int, side: int, price: int, quantity: int, *, rests: bool = True) -> list[Trade]:
        """Match, then rest. Returns the trades."""
        if order_id in self.orders or quantity < 1:
            raise ValueError(f"order id {order_id} is resting, or quantity {quantity} is below 1")
        trades = []
        key, other, sign = (price, ASK, -1) if side == BID else (-price, BID, 1)
        queues, keys = self.queues[other], self.keys[other]
        while quantity and keys and keys[-1] >= -key:
            queue = queues[keys[-1]]
            while quantity and queue:
                maker = queue[0]
                if maker[0]:
                    size = min(quantity, maker[0])
                    trades.append((maker[1], order_id, sign * keys[-1], size))
                    quantity -= size
                    maker[0] -= size
                    if maker[0]:
                        break
                    del self.orders[maker[1]]
                queue.popleft()
            if not queue:
                del queues[keys.pop()]
        if quantity and rests:
            if key not in self.queues[side]:
                self.queues[side][key] = deque()
                insort(self.keys[side], key)
            self.orders[order_id] = order = [quantity, order_id, side, key]
            self.queues[side][key].append(order)
        return trades

    def cancel_order(self, order_id: int) -> int:
        """Cancel an order. Returns the quantity that was resting."""
        order = self.orders.pop(order_id)
        quantity, order[0] = order[0], 0
        return quantity

    def reduce_order(self, order_id: int, by: int) -> None:
        order = self.orders[order_id]
        if by >= order[0]:
            self.cancel_order(order_id)
        else:
            order[0] -= by

    def replace_order(self, order_id: int, price: int, quantity: int) -> list[Trade]:
        """Give an order a new price and quantity. It keeps its place at the same price with no larger quantity."""
        order = self.orders[order_id]
        if order[3] == (price if order[2] == BID else -price) and quantity <= order[0]:
            order[0] = quantity
            return []
        self.cancel_order(order_id)
        return self.add_order(order_id, order[2], price, quantity)

    def __len__(self) -> int:
        return len(self.orders)
