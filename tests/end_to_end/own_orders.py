"""A client's view of its own orders, from nothing but the reports of its session."""

from typing import Any

import numpy as np

from pricetime.types import ReportKind


class OwnOrders:
    """Open orders by their public id, which the accepted report tells: (side, price, quantity)."""

    def __init__(self) -> None:
        self.public_id: dict[int, int] = {}  # of an open order, by the client's own id
        self.open: dict[int, tuple[int, int, int]] = {}

    def read(self, reports: np.ndarray[Any, Any]) -> None:
        fields = ["kind", "side", "order_id", "maker_id", "price", "quantity"]
        for kind, side, order_id, other_id, price, quantity in reports[fields].tolist():
            if kind == ReportKind.ACCEPTED:
                self.public_id[order_id] = other_id
                self.open[other_id] = side, price, quantity
            elif kind == ReportKind.REPLACED:
                assert self.public_id[order_id] == other_id
                self.open[other_id] = side, price, quantity
            elif kind in {ReportKind.TRADE, ReportKind.CANCELLED, ReportKind.REDUCED}:
                self._take(order_id, side, quantity)

    def _take(self, order_id: int, side: int, quantity: int) -> None:
        public_id = self.public_id[order_id]
        own_side, price, left = self.open[public_id]
        assert own_side == side
        assert left >= quantity
        if left == quantity:
            del self.open[public_id], self.public_id[order_id]
        else:
            self.open[public_id] = side, price, left - quantity
