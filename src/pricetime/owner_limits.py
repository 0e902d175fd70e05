"""Limits on the orders of one owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .checks import shown, whole
from .errors import InvalidSetting

#: The largest value of each limit, which means no limit.
MOST = {"open_orders": 2**32 - 1, "quantity": 2**63 - 1, "price_distance": 2**64 - 1}


@dataclass(frozen=True, slots=True)
class OwnerLimits:
    """Limits of one owner, None for no limit. Raises InvalidSetting.

    >>> OwnerLimits(open_orders=1000, quantity=500)
    OwnerLimits(open_orders=1000, quantity=500, price_distance=None)
    """

    open_orders: int | None = None  #: most resting orders over all books, 1 to 2**32 - 1
    quantity: int | None = None  #: most lots of one order, 1 to 2**63 - 1
    #: most ticks from the best price of the other side, or of the own side if that is empty: 0 to 2**64 - 1
    price_distance: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                least = 0 if field.name == "price_distance" else 1
                name = field.name.replace("_", " ")
                object.__setattr__(self, field.name, whole(value, least, MOST[field.name], InvalidSetting, name))

    def numbers(self) -> tuple[int, int, int]:
        """The limits in the order of the fields, as numbers."""
        open_orders, quantity, price_distance = (
            MOST[field.name] if getattr(self, field.name) is None else getattr(self, field.name)
            for field in fields(self)
        )
        return open_orders, quantity, price_distance


def checked_limits(limits: Mapping[int, OwnerLimits], owner_limit: int) -> dict[int, OwnerLimits]:
    """Validate limits by owner, 0 to below the ``owner_limit``; sort them by owner. Raises InvalidSetting."""
    found: dict[Any, OwnerLimits] = dict(limits)
    for owner, given in found.items():
        if not isinstance(given, OwnerLimits):
            raise InvalidSetting(f"limits of owner {shown(owner)}: {shown(given)} is not an OwnerLimits")
        if owner_limit == 0:
            raise InvalidSetting("limits apply to owners below the owner_limit, which is 0: give a larger owner_limit")
        whole(owner, 0, owner_limit - 1, InvalidSetting, "owner of limits")
    return {int(owner): found[owner] for owner in sorted(found)}
