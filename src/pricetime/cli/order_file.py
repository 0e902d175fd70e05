"""A CSV file of orders: a command on each line."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..errors import PricetimeError
from .order_request import Request, Size, new_order, price_of, side_of, yes_or_no

#: How the text of each column is read.
COLUMNS: dict[str, Callable[[str], Any]] = {
    "action": str,
    "side": str,
    "quantity": int,
    "price": price_of,
    "order_id": int,
    "instrument": int,
    "order_type": str,
    "time_in_force": str,
    "post_only": yes_or_no,
    "trigger_price": price_of,
    "display_quantity": int,
    "expiry_ns": int,
    "minimum_quantity": int,
}

#: The columns that an action needs.
NEEDED = {
    "add": ("side", "quantity"),
    "cancel": ("order_id",),
    "reduce": ("order_id", "quantity"),
    "replace": ("order_id", "quantity", "price"),
    "mass-cancel": (),
}


class OrdersError(PricetimeError, ValueError):
    """A line of a file of orders is invalid. The message names the line."""


def read_orders(file: Iterable[str]) -> Iterator[Request]:
    """Read the commands of a CSV file. Raises OrdersError."""
    rows = csv.DictReader(file, skipinitialspace=True)
    unknown = set(rows.fieldnames or ["no columns"]) - set(COLUMNS)
    if unknown:
        raise OrdersError(f"line 1: unknown column {min(unknown)!r}: the columns are {', '.join(COLUMNS)}")
    for row in rows:
        try:
            yield from_row({name: COLUMNS[name](text) for name, text in row.items() if name and text})
        except ValueError as error:
            raise OrdersError(f"line {rows.line_num}: {error}") from error


def from_row(row: dict[str, Any]) -> Request:
    """The command of a line. Raises ValueError."""
    action = row.pop("action", "")
    if action not in NEEDED:
        raise ValueError(f"unknown action {action!r}: give {', '.join(NEEDED)}")
    for name in NEEDED[action]:
        if name not in row:
            raise ValueError(f"column {name!r} is empty, but the action needs it")
    if action == "add":
        return new_order(size=Size(row.pop("quantity"), row.pop("price", None)), **row)
    if action == "mass-cancel":
        return Request("mass_cancel", {"side": side_of(row.get("side")), "instrument": row.get("instrument")})
    arguments = {name: row[name] for name in NEEDED[action]} | {"instrument": row.get("instrument", 1)}
    if action == "reduce":
        arguments["by"] = arguments.pop("quantity")
    return Request(f"{action}_order", arguments)
