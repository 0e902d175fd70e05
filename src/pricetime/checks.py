"""Checks of arguments: whole numbers and members of enumerations."""

from __future__ import annotations

import operator
from enum import Enum, IntEnum
from functools import cache
from typing import Any, TypeVar

from . import errors
from .errors import PricetimeError
from .types import MAX_QUANTITY, OrderType, Phase, SelfTrade, Side, TimeInForce

E = TypeVar("E", bound=IntEnum)


def shown(value: object) -> str:
    """A value for a message, shortened if it is long."""
    if isinstance(value, int) and value.bit_length() > 256:  # Python refuses to convert very long ints to text
        return f"int of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def whole(value: Any, low: int, high: int, error: type[PricetimeError], what: str) -> int:
    """Return value as an int from low to high, or raise the error.

    A bool, float or str is rejected, whatever its value.
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:  # some types define __index__ and raise in it
        number = None
    if number is None:
        raise error(f"{what} {shown(value)} is not a whole number: give an int from {low} to {high}")
    if not low <= number <= high:
        raise error(f"{what} {shown(value)} is out of range: give an int from {low} to {high}")
    return number


def member(enum: type[E], value: object, error: type[PricetimeError], what: str) -> E:
    """Return the member of an enumeration for an int or a member, or raise.

    Members of other enumerations are rejected.
    """
    if isinstance(value, enum):
        return value
    try:
        if isinstance(value, Enum):
            raise ValueError
        return enum(whole(value, *_ends(enum), error, what))
    except (error, ValueError):
        names = ", ".join(f"{enum.__name__}.{m.name}" for m in enum)
        raise error(f"{what} {shown(value)} is unknown: give one of {names}") from None


@cache
def _ends(enum: type[IntEnum]) -> tuple[int, int]:
    """The smallest and the largest value."""
    return min(enum), max(enum)


# One check for each kind of argument of a book.


def order_id(value: Any) -> int:
    return whole(value, 0, 2**64 - 1, errors.InvalidOrderId, "order id")


def price(value: Any) -> int:
    return whole(value, -(2**63), 2**63 - 1, errors.InvalidPrice, "price")


def quantity(value: Any) -> int:
    return whole(value, 1, MAX_QUANTITY, errors.InvalidQuantity, "quantity")


def owner(value: Any) -> int:
    return whole(value, 0, 2**32 - 1, errors.InvalidOwner, "owner")


def timestamp(value: Any) -> int:
    return whole(value, 0, 2**64 - 1, errors.InvalidTimestamp, "timestamp")


def levels(value: Any) -> int:
    return whole(value, 0, MAX_QUANTITY, errors.InvalidSetting, "levels")


def side(value: object) -> Side:
    return member(Side, value, errors.InvalidSide, "side")


def order_type(value: object) -> OrderType:
    return member(OrderType, value, errors.InvalidOrderType, "order type")


def time_in_force(value: object) -> TimeInForce:
    return member(TimeInForce, value, errors.InvalidTimeInForce, "time in force")


def phase(value: object) -> Phase:
    return member(Phase, value, errors.InvalidPhase, "phase")


def self_trade(value: object) -> SelfTrade:
    return member(SelfTrade, value, errors.InvalidSelfTrade, "self-trade mode")
