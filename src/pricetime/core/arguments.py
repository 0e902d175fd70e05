"""Arguments of calls from Python as machine integers.

Each is converted without Python code if it is a plain int that fits. ``checks`` converts or rejects the rest.
"""

from __future__ import annotations

from typing import Any

import cython

from pricetime import checks, errors
from pricetime.types import OrderType, Side, TimeInForce

if not cython.compiled:  # the compiled form cimports them in arguments.pxd
    from pricetime.core.book import refuse_terms
    from pricetime.core.layout import *
    from pricetime.native.numbers import LEAST, as_i64, as_u64

_BID = Side.BID
_ASK = Side.ASK
_LIMIT = OrderType.LIMIT
_GTC = TimeInForce.GTC


def order_id_of(value: Any) -> u64:
    if type(value) is int:
        number: i64 = as_i64(value)
        if number >= 0:
            return number
    return large_u64(value, checks.order_id)


def timestamp_of(value: Any) -> u64:
    if type(value) is int:
        number: i64 = as_i64(value)
        if number >= 0:
            return number
    return large_u64(value, checks.timestamp)


def large_u64(value: Any, check: Any) -> u64:
    """A number from 2**63 on; otherwise the result of ``check``."""
    if type(value) is int:
        try:
            return as_u64(value)
        except OverflowError:
            pass
    return check(value)


def quantity_of(value: Any) -> u64:
    if type(value) is int:
        number: i64 = as_i64(value)
        if number > 0:
            return number
    return checks.quantity(value)


def price_of(value: Any) -> i64:
    if type(value) is int:
        number: i64 = as_i64(value)
        if number != LEAST:
            return number
    return checks.price(value)


def owner_of(value: Any) -> u32:
    if type(value) is int:
        number: i64 = as_i64(value)
        if 0 <= number < 1 << 32:
            return number
    return checks.owner(value)


def side_of(value: Any) -> u32:
    if value is _BID:
        return BID
    if value is _ASK:
        return ASK
    return checks.side(value)


def order_type_of(value: Any) -> u32:
    if value is _LIMIT:
        return LIMIT
    return checks.order_type(value)


def time_in_force_of(value: Any) -> u32:
    if value is _GTC:
        return GTC
    return checks.time_in_force(value)


def instructions_of(value: Any) -> u32:
    """Bits of ``Instruction``. EXTENDED is left out: a call has no extension that follows it."""
    bits: u32 = checks.whole(value, 0, 255, errors.InvalidInstruction, "instructions")
    return bits & ~cython.cast(u32, EXTENDED)


def check_terms(book: cython.pointer[Book], order_type: u32, time_in_force: u32, instructions: u32) -> cython.int:
    """Raises InvalidTimeInForce, InvalidInstruction and NotSupported."""
    reason: u32 = refuse_terms(order_type, time_in_force, instructions)
    if reason == INVALID_TIME_IN_FORCE:
        raise errors.InvalidTimeInForce(
            "a market order is not GTD, and a stop or market-to-limit order is GTC, DAY or GTD"
        )
    if reason == INVALID_INSTRUCTION:
        raise errors.InvalidInstruction(
            "post-only and all-or-none are for limit orders that are GTC, DAY or GTD; an order is for one auction, and "
            "then neither a stop order nor IOC, FOK, GFA, post-only or all-or-none"
        )
    whole: cython.bint = instructions & ALL_OR_NONE and not book.venue.rule.all_or_none
    if whole or not book.kinds >> (order_type * 8 + time_in_force) & 1:
        terms = f"{OrderType(order_type).name} with {TimeInForce(time_in_force).name}"
        raise errors.NotSupported(
            f"the venue of this book does not accept {terms}{' and all-or-none' if whole else ''}"
        )
    return 0


def trigger_price_of(value: Any) -> i64:
    return checks.whole(value, -(2**63), 2**63 - 1, errors.InvalidTriggerPrice, "trigger price")


def part_of(value: Any, error: Any, what: Any) -> u64:
    """A part of an order's quantity. Raises ``error``."""
    return checks.whole(value, 0, 2**64 - 1, error, what)


def expiry_of(value: Any) -> u64:
    return checks.whole(value, 0, 2**64 - 1, errors.InvalidExpiry, "expiry time")


def protection_of(value: Any) -> u32:
    return checks.whole(value, 0, 2**32 - 1, errors.InvalidProtection, "protection")


def self_trade_of(value: Any) -> u32:
    return checks.self_trade(value)
