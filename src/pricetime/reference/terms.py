"""Which order types, times in force and instructions an order can have, together."""

from __future__ import annotations

from .. import checks, errors
from ..types import Instruction, OrderType, TimeInForce

#: What has a rule.
SUPPORTED_TYPES = {OrderType.LIMIT, OrderType.MARKET}
SUPPORTED_TIMES = {TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}
SUPPORTED_INSTRUCTIONS = Instruction.POST_ONLY


def may_rest(order_type: OrderType, time_in_force: TimeInForce) -> bool:
    """May the remainder of such an order rest?"""
    return order_type is not OrderType.MARKET and time_in_force not in (TimeInForce.IOC, TimeInForce.FOK)


def checked_terms(order_type: int, time_in_force: int, instructions: int) -> tuple[OrderType, TimeInForce, Instruction]:
    """The terms of an order as members. Raises InvalidOrderType, InvalidTimeInForce, InvalidInstruction, NotSupported.

    Unknown values come first, then terms that contradict each other, then those without a rule.
    """
    kind = checks.order_type(order_type)
    time = checks.time_in_force(time_in_force)
    if kind is OrderType.MARKET and time is TimeInForce.GTD:
        raise errors.InvalidTimeInForce("a market order never rests, so it has no expiry time")
    if instructions & ~sum(Instruction):
        raise errors.InvalidInstruction(f"instructions {instructions} have an unknown bit")
    asked = Instruction(instructions)
    if Instruction.POST_ONLY in asked and not may_rest(kind, time):
        raise errors.InvalidInstruction(f"a {kind.name} order that is {time.name} never rests: it cannot be post-only")
    if kind not in SUPPORTED_TYPES or time not in SUPPORTED_TIMES or asked & ~SUPPORTED_INSTRUCTIONS:
        raise errors.NotSupported(f"there is no rule for {kind.name}, {time.name} and {asked!r}")
    return kind, time, asked
