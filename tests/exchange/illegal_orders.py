"""For each rule about what fits together in an order, orders that break it and no earlier rule."""

from __future__ import annotations

from typing import Any

from pricetime.reference.terms import FIELDS, KINDS, Rule
from pricetime.types import Instruction, OrderType, TimeInForce

LIMIT, MARKET, MTL, STOP, STOP_LIMIT = OrderType
GTC, DAY, GTD, IOC, FOK, GFA = TimeInForce
POST_ONLY, OPEN, CLOSE, WHOLE, _ = Instruction

RULES: dict[str, Rule] = {rule.rule: rule for rule in (*KINDS, *FIELDS)}

#: By the words with which a rule begins: arguments of ``Client.add_order``, of an instrument with tick 5 and lot 10.
#: Without others an order is a limit bid for 100 lots at 100.
ILLEGAL: dict[str, list[dict[str, Any]]] = {
    "a market order has": [{"order_type": MARKET, "time_in_force": GTD, "expiry_ns": 2**63}],
    "a stop or market-to-limit": [
        {"order_type": kind, "time_in_force": time, "trigger_price": 95}
        for kind in (STOP, STOP_LIMIT, MTL)
        for time in (IOC, FOK, GFA)
    ],
    "instructions are": [{"instructions": 16}, {"instructions": 64}],
    "a post-only order": [
        {"instructions": POST_ONLY, "time_in_force": IOC},
        {"instructions": POST_ONLY, "time_in_force": GFA},
        {"instructions": POST_ONLY, "order_type": MARKET},
        {"instructions": POST_ONLY, "order_type": STOP_LIMIT, "trigger_price": 95},
    ],
    "an order is for one auction": [{"instructions": OPEN | CLOSE}],
    "an order at the open": [
        {"instructions": OPEN, "time_in_force": IOC},
        {"instructions": CLOSE, "time_in_force": GFA},
        {"instructions": CLOSE, "order_type": STOP, "trigger_price": 95},
        {"instructions": OPEN | POST_ONLY},
    ],
    "an all-or-none order": [
        {"instructions": WHOLE, "time_in_force": FOK},
        {"instructions": WHOLE, "order_type": MARKET},
        {"instructions": WHOLE | OPEN},
        {"instructions": WHOLE | POST_ONLY},
    ],
    "a stop order has": [
        {"order_type": STOP},
        {"order_type": STOP_LIMIT},
        {"trigger_price": 95},
        {"order_type": MARKET, "trigger_price": 95},
    ],
    "a trigger price is": [{"order_type": STOP, "trigger_price": 96}],
    "a display quantity is": [{"display_quantity": 110}, {"display_quantity": 15}],
    "an iceberg is": [
        {"display_quantity": 10, "time_in_force": IOC},
        {"display_quantity": 10, "time_in_force": GFA},
        {"display_quantity": 10, "order_type": MARKET},
        {"display_quantity": 10, "instructions": CLOSE},
        {"display_quantity": 10, "order_type": STOP, "trigger_price": 95},
    ],
    "a minimum quantity is": [{"minimum_quantity": 110}, {"minimum_quantity": 15}],
    "an order with a minimum": [
        {"minimum_quantity": 10, "time_in_force": FOK},
        {"minimum_quantity": 10, "instructions": POST_ONLY},
        {"minimum_quantity": 10, "order_type": STOP, "trigger_price": 95},
    ],
    "a GTD order has": [
        {"time_in_force": GTD},
        {"time_in_force": GTD, "expiry_ns": 1},
        {"expiry_ns": 2**63},
        {"time_in_force": DAY, "expiry_ns": 2**63},
    ],
    "protection points are": [
        {"protection": 5},
        {"order_type": STOP_LIMIT, "trigger_price": 95, "protection": 5},
        {"order_type": MARKET, "protection": 6},
        {"order_type": MARKET, "instructions": OPEN, "protection": 5},
    ],
}

#: A rule, and an order that breaks it.
CASES = [
    (next(rule for text, rule in RULES.items() if text.startswith(begin)), terms)
    for begin, orders in ILLEGAL.items()
    for terms in orders
]


def name_of(value: object) -> str:
    """For the names of tests."""
    if isinstance(value, Rule):
        return value.error.__name__
    return ",".join(f"{name}={number}" for name, number in value.items()) if isinstance(value, dict) else ""
