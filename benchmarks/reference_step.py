"""Step 1: the reference book with the interface of the compiled steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pricetime.reference import Order, ReferenceBook
from pricetime.reference.commands import apply
from pricetime.types import Side


class ReferenceStep:
    """A ``ReferenceBook`` that takes COMMAND arrays and returns REPORT arrays with consecutive ``seq_num``."""

    def __init__(self, capacity: int) -> None:
        self.book = ReferenceBook(capacity, level_capacity=capacity)
        self.seq_num = 0

    def apply(self, commands: NDArray[np.void]) -> NDArray[np.void]:
        reports = apply(self.book, commands, first=self.seq_num + 1)
        self.seq_num += reports.size
        return reports

    def fill(self, commands: NDArray[np.void]) -> None:
        """Append new orders, none of which trades, directly to their queues.

        ``add_order`` searches for the best price each time, so a deep prelude would take hours.
        """
        names = ["order_id", "side", "price", "quantity", "timestamp", "owner", "instructions"]
        for order_id, side, price, quantity, timestamp, owner, instructions in commands[names].tolist():
            self.book._rest(Order(order_id, Side(side), price, quantity, timestamp, owner, instructions=instructions))
        self.seq_num += commands.size

    def __len__(self) -> int:
        return len(self.book)
