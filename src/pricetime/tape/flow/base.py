"""What every flow has, and the records it is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...checks import whole
from ...errors import InvalidSetting
from ...types import COMMAND, CommandType
from .ids import SCHEMES

#: A one-dimensional array of dtype ``pricetime.COMMAND``.
Commands: TypeAlias = NDArray[np.void]
Ints: TypeAlias = NDArray[np.int64]

#: Bytes of the body: of a new order, a replace or a reduce, and of a cancel.
ORDER_LENGTH, CANCEL_LENGTH = 40, 16


class Source(Protocol):
    """One run of a flow. The prelude is asked for first, once; then blocks of any length, without end."""

    def prelude(self) -> Commands:
        """The orders that rest before the flow proper begins."""

    def blocks(self) -> Iterator[Commands]:
        """What comes after the prelude, in arrays of whatever length, without end."""


@dataclass(frozen=True, kw_only=True)
class Flow(ABC):
    """The settings that all flows share. Make a variant of a flow with ``dataclasses.replace``."""

    description: str  #: in one line, for lists of flows
    resting: int  #: orders of the prelude, and about as many as stay resting
    ids: str = "random"  #: order ids: "random", "sequential" or "session"
    owners: int = 0  #: the orders come from owners 1 to this, at random; 0: all from owner 0, nobody in particular

    def __post_init__(self) -> None:
        whole(self.resting, 0, 2**31 - 1, InvalidSetting, "resting")
        whole(self.owners, 0, 2**16, InvalidSetting, "owners")
        if self.ids not in SCHEMES:
            raise InvalidSetting(f"ids {self.ids!r} is unknown: give one of {', '.join(map(repr, SCHEMES))}")
        if self.ids == "session" and not self.owners:
            raise InvalidSetting("ids 'session' carry the owner: give owners=1 or more")

    @property
    def longest(self) -> int | None:
        """How many commands there are after the prelude; None when the flow goes on for ever."""
        return None

    @abstractmethod
    def source(self, seed: int) -> Source:
        """One run of this flow."""


#: A command as bytes: NumPy copies a record of many fields field by field, which takes ten times as long.
WHOLE = np.dtype((np.void, COMMAND.itemsize))


def join(*parts: Commands) -> Commands:
    """The parts one after the other."""
    return np.concatenate([part.view(WHOLE) for part in parts]).view(COMMAND)


def new_orders(count: int) -> Commands:
    """GTC orders that still want side, id, price, quantity and timestamp."""
    orders = np.zeros(count, COMMAND)
    orders["type"] = CommandType.NEW_ORDER
    orders["length"] = ORDER_LENGTH
    return orders
