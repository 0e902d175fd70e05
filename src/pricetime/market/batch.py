"""The commands that a trader sends at one moment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..types import COMMAND, CommandType, Side, TimeInForce

#: The fields of a command that a trader fills in.
FIELDS = ("type", "side", "time_in_force", "instrument", "order_id", "price", "quantity")


class Batch:
    """Commands in the order in which they are added."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, ...]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add_order(
        self,
        order_id: int,
        side: Side,
        price: int,
        quantity: int,
        *,
        instrument: int,
        time_in_force: TimeInForce = TimeInForce.GTC,
    ) -> None:
        self._rows.append((CommandType.NEW_ORDER, side, time_in_force, instrument, order_id, price, quantity))

    def replace_order(self, order_id: int, side: Side, price: int, quantity: int, *, instrument: int) -> None:
        self._rows.append((CommandType.REPLACE_ORDER, side, TimeInForce.GTC, instrument, order_id, price, quantity))

    def cancel_order(self, order_id: int, *, instrument: int) -> None:
        self._rows.append((CommandType.CANCEL_ORDER, 0, 0, instrument, order_id, 0, 0))

    def array(self) -> NDArray[np.void]:
        """The commands as an array of ``pricetime.COMMAND``."""
        commands = np.zeros(len(self._rows), COMMAND)
        for name, column in zip(FIELDS, zip(*self._rows, strict=True), strict=False):
            commands[name] = column
        return commands
