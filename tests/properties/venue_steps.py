"""Random calls of every kind for a book with a venue: the commands of ``venue_flow`` as calls of methods."""

import random
from typing import Any

from pricetime.types import COMMAND, ORDER_EXTENSION, CommandType, Instruction, OrderType
from tests.books import Step
from tests.reference.venue_flow import Flow

#: The method of each command, and its arguments out of the fields of the command.
METHODS: dict[int, tuple[str, dict[str, str]]] = {
    CommandType.CANCEL_ORDER: ("cancel_order", {"order_id": "order_id"}),
    CommandType.REDUCE_ORDER: ("reduce_order", {"order_id": "order_id", "by": "quantity"}),
    CommandType.SET_PHASE: ("set_phase", {"phase": "flags"}),
    CommandType.UNCROSS: ("uncross", {"phase": "flags"}),
    CommandType.INDICATE: ("indicative", {}),
    CommandType.EXPIRE: ("expire", {"now_ns": "quantity", "limit": "tag"}),
    CommandType.SET_PRICE: ("set_price", {"kind": "flags", "price": "price"}),
}

FIELDS = ("display_quantity", "expiry_ns", "minimum_quantity", "protection")


def next_step(flow: Flow, known: list[int], rng: random.Random) -> Step:
    """The next command of a flow as a call."""
    commands = flow.next(known)
    row = dict(zip(COMMAND.names or (), commands[0].tolist(), strict=True))
    more = dict(zip(ORDER_EXTENSION.names or (), commands[-1:].view(ORDER_EXTENSION)[0].tolist(), strict=True))
    extended = len(commands) > 1
    if row["type"] == CommandType.NEW_ORDER:
        return "add_order", new_order(row, more if extended else {})
    if row["type"] in (CommandType.REPLACE_ORDER, CommandType.REPLACE_ORDER_AS):
        return "replace_order", replaced(row, more if extended else {}, rng)
    if row["type"] == CommandType.MASS_CANCEL:
        return "mass_cancel", {"owner": row["owner"], "side": row["side"] or None}
    method, arguments = METHODS[row["type"]]
    return method, {name: row[field] for name, field in arguments.items()}


def new_order(row: dict[str, Any], more: dict[str, int]) -> dict[str, Any]:
    names = ("order_id", "side", "price", "quantity", "owner", "order_type", "time_in_force", "timestamp")
    given = {name: row[name] for name in names}
    given["instructions"] = row["instructions"] & ~Instruction.EXTENDED
    if more.get("trigger_price") or (more and row["order_type"] in (OrderType.STOP, OrderType.STOP_LIMIT)):
        given["trigger_price"] = more["trigger_price"]
    return given | {name: more[name] for name in FIELDS if more.get(name)}


def replaced(row: dict[str, Any], more: dict[str, int], rng: random.Random) -> dict[str, Any]:
    """A replace gives only some fields, and not always ones that its order has."""
    given = {name: row[name] for name in ("order_id", "price", "quantity", "timestamp")}
    if row["type"] == CommandType.REPLACE_ORDER_AS:
        given["new_id"] = row["owner"]
    given |= {name: more[name] for name in ("trigger_price", "display_quantity", "protection") if more.get(name)}
    if more and rng.random() < 0.3:
        given["expiry_ns"] = row["timestamp"] + rng.randint(0, 40)
    if more and rng.random() < 0.1:
        given[rng.choice(["trigger_price", "display_quantity", "protection", "expiry_ns"])] = 0
    return given
