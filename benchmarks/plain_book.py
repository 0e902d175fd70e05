"""A limit order book in plain Python: what calls of ``OrderBook`` from a Python loop are compared with."""

from __future__ import annotations

from bisect import insort
from collections import deque

from pricetime import ASK, BID, Side


class PlainBook:
    """A deque of orders at each price, and a sorted list of the prices of each side, the best one last.

    Prices are kept as keys, the price of a bid and minus the price of an ask, so that the largest key is the best. An
    order is a list of its id and open quantity. A cancel is O(1): it sets the quantity to 0, and the order leaves its
    deque when it reaches the front.
    """

    def __init__(self) -> None:
        self.queues: dict[Side, dict[int, deque[list[int]]]] = {BID: {}, ASK: {}}
        self.keys: dict[Side, list[int]] = {BID: [], ASK: []}
        self.orders: dict[int, list[int]] = {}

    def add_order(self, order_id: int, side: Side, price: int, quantity: int) -> list[tuple[int, int, int, int]]:
        """Match, then rest. Returns the trades: maker id, taker id, price, quantity."""
        if order_id in self.orders or quantity < 1:
            raise ValueError(f"order id {order_id} is resting, or quantity {quantity} is below 1")
        trades = []
        key, other, sign = (price, ASK, -1) if side is BID else (-price, BID, 1)
        queues, keys = self.queues[other], self.keys[other]
        while quantity and keys and keys[-1] >= -key:
            queue = queues[keys[-1]]
            while quantity and queue:
                maker = queue[0]
                if maker[1]:
                    size = min(quantity, maker[1])
                    trades.append((maker[0], order_id, sign * keys[-1], size))
                    quantity -= size
                    maker[1] -= size
                    if maker[1]:
                        break
                    del self.orders[maker[0]]
                queue.popleft()
            if not queue:
                del queues[keys.pop()]
        if quantity:
            if key not in self.queues[side]:
                self.queues[side][key] = deque()
                insort(self.keys[side], key)
            self.orders[order_id] = order = [order_id, quantity]
            self.queues[side][key].append(order)
        return trades

    def cancel_order(self, order_id: int) -> int:
        """Cancel an order. Returns the quantity that was resting."""
        order = self.orders.pop(order_id)
        quantity, order[1] = order[1], 0
        return quantity

    def __len__(self) -> int:
        return len(self.orders)
