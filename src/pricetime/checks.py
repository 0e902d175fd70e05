"""Arguments from Python, checked at the edge: whole numbers and members of enumerations."""

from __future__ import annotations

import operator
from enum import IntEnum
from typing import TypeVar

from .errors import PricetimeError

E = TypeVar("E", bound=IntEnum)


def whole(value: object, low: int, high: int, error: type[PricetimeError], what: str) -> int:
    """A whole number from low to high. A bool, a float or a str is none, whatever its value."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise error(f"{what} {value!r} is not a whole number: give an int from {low} to {high}")
    number = operator.index(value)
    if not low <= number <= high:
        raise error(f"{what} {value!r} is out of range: give an int from {low} to {high}")
    return number


def member(enum: type[E], value: object, error: type[PricetimeError], what: str) -> E:
    """The member of an enumeration that has this value."""
    try:
        return enum(whole(value, min(enum), max(enum), error, what))
    except (error, ValueError):
        names = ", ".join(f"{enum.__name__}.{m.name}" for m in enum)
        raise error(f"{what} {value!r} is unknown: give one of {names}") from None
