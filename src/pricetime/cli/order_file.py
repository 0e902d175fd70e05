"""A file of orders: CSV with a command on each line, or a JSON array with an object for each command."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TextIO

from ..errors import PricetimeError
from .order_request import (
    INSTRUCTIONS,
    REPLACEABLE,
    Request,
    Size,
    distance_of,
    new_order,
    price_of,
    replace_order,
    side_of,
    time_of,
    yes_or_no,
)

#: How the text of each column, or name of an object, is read.
COLUMNS: dict[str, Callable[[str], Any]] = {
    "action": str,
    "side": str,
    "quantity": int,
    "price": price_of,
    "order_id": int,
    "instrument": int,
    "order_type": str,
    "time_in_force": str,
    **dict.fromkeys(INSTRUCTIONS, yes_or_no),
    "trigger_price": price_of,
    "display_quantity": int,
    "expiry": time_of,
    "minimum_quantity": int,
    "protection": distance_of,
    "unpriced": yes_or_no,
}

#: The columns that an action needs.
NEEDED = {
    "add": ("side", "quantity"),
    "cancel": ("order_id",),
    "reduce": ("order_id", "quantity"),
    "replace": ("order_id", "quantity"),
    "mass-cancel": (),
}


class OrdersError(PricetimeError, ValueError):
    """A file of orders is invalid. The message names the line, or the number of the object."""


def read_orders(file: TextIO) -> Iterator[Request]:
    """Read the commands of a file: JSON if it begins with a bracket, otherwise CSV. Raises OrdersError."""
    text = file.read()
    return from_json(text) if text.lstrip().startswith(("[", "{")) else from_csv(text)


def from_csv(text: str) -> Iterator[Request]:
    """Read the commands of a CSV file. Raises OrdersError."""
    rows = csv.DictReader(text.splitlines(), skipinitialspace=True)
    check_names("line 1", rows.fieldnames or ["no columns"])
    for row in rows:
        yield from_text(f"line {rows.line_num}", row)


def from_json(text: str) -> Iterator[Request]:
    """Read the commands of a JSON array of objects, whose names are those of the columns. Raises OrdersError."""
    try:
        found = json.loads(text, parse_int=str, parse_float=str)
    except ValueError as error:
        raise OrdersError(f"invalid JSON: {error}") from error
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise OrdersError("invalid JSON: give an array of objects, one for each command")
    for number, row in enumerate(found, 1):
        check_names(f"object {number}", row)
        for name, value in row.items():
            if not isinstance(value, str | bool | None):
                raise OrdersError(f"object {number}: {name!r} is neither text nor a number")
        texts = {name: {True: "yes", False: "no"}.get(value, value) for name, value in row.items()}
        yield from_text(f"object {number}", texts)


def check_names(where: str, names: Iterable[str]) -> None:
    """Raise OrdersError for a name that no column has."""
    if unknown := set(names) - set(COLUMNS):
        raise OrdersError(f"{where}: unknown column {min(unknown)!r}: the columns are {', '.join(COLUMNS)}")


def from_text(where: str, row: Mapping[str, Any]) -> Request:
    """The command of a row of texts, of which empty ones are not given. Raises OrdersError."""
    try:
        return from_row({name: COLUMNS[name](text) for name, text in row.items() if name and text})
    except ValueError as error:
        raise OrdersError(f"{where}: {error}") from error


def from_row(row: dict[str, Any]) -> Request:
    """The command of a line. Raises ValueError."""
    action = row.pop("action", "")
    if action not in NEEDED:
        raise ValueError(f"unknown action {action!r}: give {', '.join(NEEDED)}")
    for name in NEEDED[action]:
        if name not in row:
            raise ValueError(f"column {name!r} is empty, but the action needs it")
    if "expiry" in row:
        row["expiry_ns"] = row.pop("expiry")
    if action == "add":
        row.pop("unpriced", None)
        return new_order(size=Size(row.pop("quantity"), row.pop("price", None)), **row)
    if action == "replace":
        terms = {name: row[name] for name in ("order_id", "instrument", "unpriced", *REPLACEABLE) if name in row}
        return replace_order(size=Size(row["quantity"], row.get("price")), **terms)
    if action == "mass-cancel":
        return Request("mass_cancel", {"side": side_of(row.get("side")), "instrument": row.get("instrument")})
    arguments = {name: row[name] for name in NEEDED[action]} | {"instrument": row.get("instrument", 1)}
    if action == "reduce":
        arguments["by"] = arguments.pop("quantity")
    return Request(f"{action}_order", arguments)
