"""What the subcommands of ``pricetime order`` and the lines of its files become: calls of ``Client``."""

from __future__ import annotations

import secrets as randomness
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ..checks import price as price_ticks
from ..errors import InvalidPrice
from ..prices import in_ticks
from ..types import UNPRICED, Instruction, OrderType, Side, TimeInForce
from .stop import CannotRun

if TYPE_CHECKING:
    from .words import Units

E = TypeVar("E", bound=IntEnum)

ORDER_ID_BITS = 48

#: Arguments that are prices, or distances between prices: in currency until the tick is known.
PRICES = ("price", "trigger_price", "protection")

#: Fields of an extension that a replace can change.
REPLACEABLE = ("trigger_price", "display_quantity", "expiry_ns", "protection")

#: Options and columns that are one instruction each.
INSTRUCTIONS = {
    "post_only": Instruction.POST_ONLY,
    "at_the_open": Instruction.AT_THE_OPEN,
    "at_the_close": Instruction.AT_THE_CLOSE,
    "all_or_none": Instruction.ALL_OR_NONE,
}

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Request(NamedTuple):
    """A command to send: a method of ``Client`` and its arguments."""

    method: str
    arguments: dict[str, Any]


class Size(NamedTuple):
    """A quantity in lots, and a price in currency or None."""

    quantity: int
    price: Decimal | None


def words_of(enum: type[E]) -> list[str]:
    """The names of an enum as a person writes them: ``stop-limit``."""
    return [member.name.lower().replace("_", "-") for member in enum]


def member_of(enum: type[E], text: str, what: str) -> E:
    """The member with this name. Raises ValueError."""
    known = dict(zip(words_of(enum), enum, strict=True))
    if text not in known:
        raise ValueError(f"unknown {what} {text!r}: give {', '.join(known)}")
    return known[text]


def side_of(text: str | None) -> Side | None:
    """A side by name; None for both. Raises ValueError."""
    return None if text is None else member_of(Side, text, "side")


def yes_or_no(text: str) -> bool:
    """Raises ValueError."""
    if text not in {"yes", "no"}:
        raise ValueError(f"{text!r} is neither yes nor no")
    return text == "yes"


def price_of(text: str) -> Decimal:
    """A price from words. Raises ValueError."""
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite():
        raise ValueError(f"price {text!r} is not a number")
    return price


def distance_of(text: str) -> Decimal:
    """A distance between prices, above 0. Raises ValueError."""
    distance = price_of(text)
    if distance <= 0:
        raise ValueError(f"{text} is not a distance: give a number above 0")
    return distance


def time_of(text: str) -> int:
    """Nanoseconds since 1970 from a whole number of them, or from a date and time, in UTC unless it has an offset.

    Raises ValueError.
    """
    if text.isdecimal():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time: write it like 2030-01-31T16:30, or in ns since 1970") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def new_order(
    *,
    side: str,
    size: Size,
    order_type: str = "limit",
    time_in_force: str = "gtc",
    order_id: int | None = None,
    instrument: int = 1,
    **more: Any,
) -> Request:
    """A new order from text. ``more``: names of ``INSTRUCTIONS``, and arguments of ``Client.add_order``; those that are
    None or false are left out. Raises ValueError.
    """
    instructions = sum(bit for name, bit in INSTRUCTIONS.items() if more.pop(name, False))
    known_side, kind = side_of(side), member_of(OrderType, order_type, "order type")
    known_time = member_of(TimeInForce, time_in_force, "time in force")
    if (size.price is None) != (kind in UNPRICED):
        given = "no price is given" if size.price is None else f"price {size.price} is given"
        raise ValueError(f"{given}: a {order_type} order {'has none' if kind in UNPRICED else 'needs one'}")
    arguments = {
        "order_id": new_id() if order_id is None else order_id,
        "side": known_side,
        **size._asdict(),
        "order_type": kind,
        "time_in_force": known_time,
        "instrument": instrument,
    }
    if instructions:
        arguments["instructions"] = Instruction(instructions)
    return Request("add_order", arguments | only_given(more))


def replace_order(*, order_id: int, size: Size, unpriced: bool = False, instrument: int = 1, **more: Any) -> Request:
    """A replace from text. ``unpriced``: the order has no price. ``more``: names of ``REPLACEABLE``.

    Raises ValueError.
    """
    if size.price is None and not unpriced:
        raise ValueError("a replace needs a price, unless the order has none")
    if size.price is not None and unpriced:
        raise ValueError(f"price {size.price} is given: an unpriced order has none")
    arguments = {"order_id": order_id, **size._asdict(), "instrument": instrument}
    return Request("replace_order", arguments | only_given(more))


def only_given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are given."""
    return {name: value for name, value in arguments.items() if value is not None and value is not False}


def new_id() -> int:
    """A new order id: microseconds of the clock plus a random part, so that ids increase."""
    return (time.time_ns() // 1000 + randomness.randbelow(100)) % (1 << ORDER_ID_BITS)


def needs_units(requests: Iterable[Request]) -> bool:
    """Has a request a price?"""
    return any(request.arguments.get(name) is not None for request in requests for name in PRICES)


def in_whole_ticks(request: Request, units: Units) -> Request:
    """The same request with its prices in ticks. Raises CannotRun for a price between two ticks."""
    arguments = dict(request.arguments)
    for name in PRICES:
        if arguments.get(name) is not None:
            instrument = arguments["instrument"]
            try:
                arguments[name] = price_ticks(in_ticks(arguments[name], units.get(instrument, Decimal(1))))
            except InvalidPrice as error:
                raise CannotRun(f"instrument {instrument}: {error}") from error
    return Request(request.method, arguments)
