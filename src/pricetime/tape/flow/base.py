"""The settings that all flows share, and helpers that make arrays of commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...checks import whole
from ...errors import InvalidSetting
from ...profiles import Venue
from ...types import COMMAND, CommandType
from .ids import SCHEMES

#: A one-dimensional array of dtype ``pricetime.COMMAND``.
Commands: TypeAlias = NDArray[np.void]
Ints: TypeAlias = NDArray[np.int64]

#: Bytes of the body: of a new order, replace or reduce; and of a cancel.
ORDER_LENGTH, CANCEL_LENGTH = 40, 16


@dataclass(frozen=True, kw_only=True)
class Flow:
    """The settings that all flows share. ``dataclasses.replace`` makes a variant of a flow."""

    description: str  #: one line
    resting: int  #: orders of the prelude; about as many keep resting
    ids: str = "random"  #: order ids: "random", "sequential" or "session"
    venue: Venue = field(default_factory=Venue)  #: the rules of the books that it is made for
    owners: int = 0  #: the orders come from owners 1 to this, at random; 0: all come from owner 0

    def __post_init__(self) -> None:
        whole(self.resting, 0, 2**31 - 1, InvalidSetting, "resting")
        whole(self.owners, 0, 2**16, InvalidSetting, "owners")
        if self.ids not in SCHEMES:
            raise InvalidSetting(f"ids {self.ids!r} is unknown: give one of {', '.join(map(repr, SCHEMES))}")
        if self.ids == "session" and not self.owners:
            raise InvalidSetting("ids 'session' carry the owner: give owners=1 or more")

    @property
    def longest(self) -> int | None:
        """How many commands follow the prelude; None for a flow without end."""
        return None


#: A command as bytes, which NumPy copies ten times as fast as a record with many fields.
WHOLE = np.dtype((np.void, COMMAND.itemsize))


def join(*parts: Commands) -> Commands:
    """Concatenate arrays of commands."""
    return np.concatenate([part.view(WHOLE) for part in parts]).view(COMMAND)


def new_orders(count: int) -> Commands:
    """GTC orders whose side, id, price, quantity and timestamp are still 0."""
    orders = np.zeros(count, COMMAND)
    orders["type"] = CommandType.NEW_ORDER
    orders["length"] = ORDER_LENGTH
    return orders
