"""Which order types, times in force, instructions and quantities an order can have, together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from .. import checks, errors
from ..errors import (
    REASON_OF_ERROR,
    InvalidDisplayQuantity,
    InvalidExpiry,
    InvalidMinimumQuantity,
    InvalidProtection,
    InvalidTriggerPrice,
)
from ..profiles import Venue
from ..types import MAX_QUANTITY, STOPS, Instruction, OrderType, TimeInForce

AUCTION_ONLY = Instruction.AT_THE_OPEN | Instruction.AT_THE_CLOSE
KNOWN_INSTRUCTIONS = sum(Instruction)
AT_ONCE = {TimeInForce.IOC, TimeInForce.FOK}
GFA = TimeInForce.GFA


def may_rest(order_type: OrderType, time_in_force: TimeInForce) -> bool:
    """May the remainder of such an order rest?"""
    return order_type is not OrderType.MARKET and time_in_force not in AT_ONCE


@dataclass
class Terms:
    """What an order asks for, to check."""

    order_type: OrderType
    time_in_force: TimeInForce
    instructions: int
    quantity: int = 0
    timestamp: int = 0
    trigger_price: int | None = None
    display_quantity: int = 0
    expiry_ns: int = 0
    minimum_quantity: int = 0
    protection: int = 0
    tick_size: int = 1
    lot_size: int = 1

    @property
    def is_stop(self) -> bool:
        return self.order_type in STOPS

    @property
    def rests_as_limit(self) -> bool:
        """Can it rest at a price that it has from the start or from its trigger price?"""
        priced = self.order_type in {OrderType.LIMIT, OrderType.STOP_LIMIT} or self.protection > 0
        return priced and self.time_in_force not in {*AT_ONCE, GFA} and not self.instructions & AUCTION_ONLY


class Rule(NamedTuple):
    """One row of a table of illegal combinations: an order for which ``breaks`` is true raises the error."""

    rule: str
    breaks: Callable[[Terms], bool]
    error: type[errors.PricetimeError]

    @property
    def reason(self) -> int:
        """Of the report that rejects a command with this fault."""
        return REASON_OF_ERROR[self.error]


#: Checked before the quantity, in this order.
KINDS: tuple[Rule, ...] = (
    Rule(
        "a market order has no expiry time",
        lambda t: t.order_type is OrderType.MARKET and t.time_in_force is TimeInForce.GTD,
        errors.InvalidTimeInForce,
    ),
    Rule(
        "a stop or market-to-limit order is GTC, DAY or GTD",
        lambda t: t.order_type in {*STOPS, OrderType.MARKET_TO_LIMIT} and t.time_in_force in {*AT_ONCE, GFA},
        errors.InvalidTimeInForce,
    ),
    Rule(
        "instructions are known bits", lambda t: bool(t.instructions & ~KNOWN_INSTRUCTIONS), errors.InvalidInstruction
    ),
    Rule(
        "a post-only order is a limit order that may rest",
        lambda t: (
            bool(t.instructions & Instruction.POST_ONLY)
            and (t.order_type is not OrderType.LIMIT or t.time_in_force in {*AT_ONCE, GFA})
        ),
        errors.InvalidInstruction,
    ),
    Rule(
        "an order is for one auction",
        lambda t: t.instructions & AUCTION_ONLY == AUCTION_ONLY,
        errors.InvalidInstruction,
    ),
    Rule(
        "an order at the open or at the close is a limit, market or market-to-limit order, GTC, DAY or GTD, and not "
        "post-only",
        lambda t: (
            bool(t.instructions & AUCTION_ONLY)
            and (t.is_stop or t.time_in_force in {*AT_ONCE, GFA} or bool(t.instructions & Instruction.POST_ONLY))
        ),
        errors.InvalidInstruction,
    ),
    Rule(
        "an all-or-none order is a limit order, GTC, DAY or GTD, without other instructions",
        lambda t: (
            bool(t.instructions & Instruction.ALL_OR_NONE)
            and (
                t.order_type is not OrderType.LIMIT
                or t.time_in_force in {*AT_ONCE, GFA}
                or bool(t.instructions & (AUCTION_ONLY | Instruction.POST_ONLY))
            )
        ),
        errors.InvalidInstruction,
    ),
)

#: Checked after the price and the timestamp, in this order.
FIELDS: tuple[Rule, ...] = (
    Rule(
        "a stop order has a trigger price, no other order has one",
        lambda t: t.is_stop is (t.trigger_price is None),
        InvalidTriggerPrice,
    ),
    Rule(
        "a trigger price is a multiple of the tick size within i64",
        lambda t: t.trigger_price is not None
        and (t.trigger_price % t.tick_size != 0 or not -(2**63) <= t.trigger_price < 2**63),
        InvalidTriggerPrice,
    ),
    Rule(
        "a display quantity is at most the quantity and a multiple of the lot size",
        lambda t: not 0 <= t.display_quantity <= t.quantity or t.display_quantity % t.lot_size != 0,
        InvalidDisplayQuantity,
    ),
    Rule(
        "an iceberg is an order that rests at a price, for more than an auction",
        lambda t: t.display_quantity > 0
        and (not t.rests_as_limit or bool(t.instructions & Instruction.ALL_OR_NONE)),
        InvalidDisplayQuantity,
    ),
    Rule(
        "a minimum quantity is at most the quantity and a multiple of the lot size",
        lambda t: not 0 <= t.minimum_quantity <= t.quantity or t.minimum_quantity % t.lot_size != 0,
        InvalidMinimumQuantity,
    ),
    Rule(
        "an order with a minimum quantity is a limit or market order, neither FOK nor GFA, and has no instructions",
        lambda t: t.minimum_quantity > 0
        and (
            t.order_type not in {OrderType.LIMIT, OrderType.MARKET}
            or t.time_in_force in {TimeInForce.FOK, GFA}
            or bool(t.instructions & ~Instruction.EXTENDED)
        ),
        InvalidMinimumQuantity,
    ),
    Rule(
        "a GTD order has an expiry time after its timestamp, no other order has one",
        lambda t: not t.timestamp < t.expiry_ns < 2**64
        if t.time_in_force is TimeInForce.GTD
        else t.expiry_ns != 0,
        InvalidExpiry,
    ),
    Rule(
        "protection points are a multiple of the tick size below 2**32, of a market or stop order that is not for one "
        "auction",
        lambda t: t.protection != 0
        and (
            t.order_type not in {OrderType.MARKET, OrderType.STOP}
            or t.protection % t.tick_size != 0
            or not 0 < t.protection < 2**32
            or bool(t.instructions & AUCTION_ONLY)
        ),
        InvalidProtection,
    ),
)  # fmt: skip


def check(rules: Iterable[Rule], terms: Terms) -> None:
    """Raise the error of the first rule that the terms break."""
    for rule in rules:
        if rule.breaks(terms):
            raise rule.error(f"{rule.rule}: {terms}")


def checked_terms(
    order_type: int, time_in_force: int, instructions: int, venue: Venue
) -> tuple[OrderType, TimeInForce, int]:
    """The terms of an order as members. Raises InvalidOrderType, InvalidTimeInForce, InvalidInstruction, NotSupported.

    Unknown values come first, then terms that contradict each other, then those without a rule.
    """
    kind = checks.order_type(order_type)
    time = checks.time_in_force(time_in_force)
    check(KINDS, Terms(kind, time, instructions))
    without_rule = instructions & Instruction.ALL_OR_NONE and not venue.all_or_none
    if kind not in venue.order_types or time not in venue.times_in_force or without_rule:
        raise errors.NotSupported(f"the venue does not accept {kind.name}, {time.name} and {instructions}")
    return kind, time, instructions


def check_ratio(venue: Venue, quantity: int, display: int) -> None:
    """Raises InvalidDisplayQuantity if an iceberg displays a smaller share than the venue allows."""
    if display and venue.iceberg_ratio and display * venue.iceberg_ratio < quantity:
        raise InvalidDisplayQuantity(f"display {display} of {quantity} is below 1/{venue.iceberg_ratio}")


def in_lots(quantity: int) -> bool:
    """Is it a quantity that an order can have?"""
    return 1 <= quantity <= MAX_QUANTITY
