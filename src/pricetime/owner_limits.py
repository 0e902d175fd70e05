"""What one owner may ask of an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .checks import shown, whole
from .errors import InvalidSetting

#: The most that each limit may be; that is no limit.
MOST = {"open_orders": 2**32 - 1, "quantity": 2**63 - 1, "price_distance": 2**64 - 1}


@dataclass(frozen=True, slots=True)
class OwnerLimits:
    """Limits of an owner; None is no limit. Raises InvalidSetting.

    >>> OwnerLimits(open_orders=1000, quantity=500)
    OwnerLimits(open_orders=1000, quantity=500, price_distance=None)
    """

    open_orders: int | None = None  #: the most that may rest, over all books, 1 to 2**32 - 1
    quantity: int | None = None  #: lots of one order at most, 1 to 2**63 - 1
    #: ticks from the best price of the other side, of the order's own side when that is empty: 0 to 2**64 - 1
    price_distance: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                least = 0 if field.name == "price_distance" else 1
                name = field.name.replace("_", " ")
                object.__setattr__(self, field.name, whole(value, least, MOST[field.name], InvalidSetting, name))

    def numbers(self) -> tuple[int, int, int]:
        """The limits in their order, each as a number."""
        open_orders, quantity, price_distance = (
            MOST[field.name] if getattr(self, field.name) is None else getattr(self, field.name)
            for field in fields(self)
        )
        return open_orders, quantity, price_distance


def checked_limits(limits: Mapping[int, OwnerLimits], owner_limit: int) -> dict[int, OwnerLimits]:
    """Limits by owner, from 0 to below the ``owner_limit``, in rising order. Raises InvalidSetting."""
    found: dict[Any, OwnerLimits] = dict(limits)
    for owner, given in found.items():
        if not isinstance(given, OwnerLimits):
            raise InvalidSetting(f"limits of owner {shown(owner)}: {shown(given)} is no OwnerLimits")
        if owner_limit == 0:
            raise InvalidSetting("limits are of owners below the owner_limit, which is 0: give a larger owner_limit")
        whole(owner, 0, owner_limit - 1, InvalidSetting, "owner of limits")
    return {int(owner): found[owner] for owner in sorted(found)}
