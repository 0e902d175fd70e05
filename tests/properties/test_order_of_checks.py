"""With several faults in one call the error is that of the first check, in the order of the table in orders.md."""

import re
from enum import Enum
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricetime import COMMAND, Engine, Instrument, OrderType, Phase, Side, TimeInForce
from pricetime.errors import ERROR_OF_REASON, PricetimeError
from pricetime.reference import ReferenceBook
from pricetime.types import Reason, ReportKind
from tests.books import as_command

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "orders.md"
RULES: dict[str, Any] = {"low_price": 50, "high_price": 150, "tick_size": 5, "lot_size": 2, "owner_limit": 10}

Given = dict[str, Any]

#: Per method: arguments that are fine, and faults. A fault is what it changes; "halted" and "full" change the book.
FAULTS: dict[str, tuple[Given, list[Given]]] = {
    "add_order": (
        {"order_id": 50, "side": Side.BID, "price": 100, "quantity": 4, "owner": 1, "timestamp": 1},
        [
            *({"order_id": bad} for bad in ("x", -1, 2**64, 1)),
            *({"side": bad} for bad in (0, 3, "bid", TimeInForce.IOC)),
            *({"order_type": bad} for bad in (5, None, Side.BID)),
            *({"time_in_force": bad} for bad in (6, None, Side.BID)),
            {"order_type": OrderType.MARKET, "time_in_force": TimeInForce.GTD},
            {"order_type": OrderType.MARKET, "post_only": True},
            {"time_in_force": TimeInForce.FOK, "post_only": True},
            *({"self_trade": bad} for bad in (7, "off", TimeInForce.FOK)),
            *({"quantity": bad} for bad in (0, 3, 2**63, 2**70, 1.0, None)),
            *({"price": bad} for bad in (96, 2**70, 1.0, None, 40, 155)),
            *({"owner": bad} for bad in ("x", -1, 2**32)),
            *({"timestamp": bad} for bad in ("x", -1, 2**64)),
            {"post_only": True, "price": 120},
            {"halted": True},
            {"full": True},
        ],
    ),
    "match_order": (
        {"order_id": 50, "side": Side.BID, "price": 100, "quantity": 4, "owner": 1},
        [
            *({"order_id": bad} for bad in ("x", -1, 1)),
            {"side": 3},
            *({"quantity": bad} for bad in (0, 3, 2**70)),
            *({"price": bad} for bad in (96, 2**70, 40)),
            {"owner": "x"},
            {"halted": True},
        ],
    ),
    "cancel_order": ({"order_id": 1, "owner": 3}, [{"order_id": "x"}, {"order_id": 99}, {"owner": "x"}, {"owner": 4}]),
    "mass_cancel": ({"owner": 3, "side": 1}, [{"owner": "x"}, {"owner": 0}, {"side": 3}]),
    "reduce_order": (
        {"order_id": 1, "by": 2, "owner": 3},
        [
            *({"order_id": bad} for bad in ("x", 99)),
            *({"by": bad} for bad in (0, 3, 2**70)),
            *({"owner": bad} for bad in ("x", 4)),
        ],
    ),
    "replace_order": (
        {"order_id": 1, "price": 95, "quantity": 8, "new_id": None, "owner": None},
        [
            *({"order_id": bad} for bad in ("x", 2**64, 99)),
            *({"price": bad} for bad in (96, 2**70, 40)),
            *({"quantity": bad} for bad in (0, 3, 2**70)),
            *({"new_id": bad} for bad in ("x", -1, 2)),
            *({"owner": bad} for bad in ("x", 4)),
            {"order_id": 5, "price": 120},
            {"halted": True},
        ],
    ),
}


def order_of_checks() -> list[str]:
    """The exceptions of the table, in its order. The last row stands for three."""
    page = PAGE.read_text(encoding="utf-8")
    table = page[page.index("\n## Rejected\n") :]
    names = [row.split("|")[2] for row in table.splitlines() if row.startswith("| ") and row.count("|") == 4]
    found = [name for names_ in names for name in re.findall(r"`(\w+)`", names_)]
    return [*found, "OrdersFull", "LevelsFull", "LevelQuantityFull"]


def filled(book: Any) -> Any:
    """Some orders that rest: 1 of owner 3, 2, a post-only one, and an ask."""
    book.add_order(1, Side.BID, 100, 6, owner=3)
    book.add_order(2, Side.BID, 90, 6)
    book.add_order(5, Side.BID, 90, 6, post_only=True)
    book.add_order(9, Side.ASK, 120, 6)
    return book


class Applied:
    """A book driven by ``apply``: what a command cannot say is not asked of it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def __getattr__(self, method: str) -> Any:
        def call(**given: Any) -> None:
            [report] = self.engine.apply(as_command((method, given)))[:1]
            if report["kind"] == ReportKind.REJECTED:
                raise ERROR_OF_REASON[Reason(report["reason"])]

        return call


def make(kind: str, full: bool, halted: bool) -> Any:
    capacity = 4 if full else 20
    if kind == "reference":
        book: Any = ReferenceBook(capacity, **RULES)
    else:
        rules = {name: value for name, value in RULES.items() if name != "owner_limit"}
        engine = Engine([Instrument(0, **rules)], capacity=capacity, owner_limit=RULES["owner_limit"])
        book = engine.book(0)
    filled(book)
    if halted:
        book.set_phase(Phase.HALTED)
    return Applied(engine) if kind == "applied" else book


def error_of(kind: str, method: str, given: Given) -> type[PricetimeError] | None:
    given = dict(given)
    book = make(kind, given.pop("full", False), given.pop("halted", False))
    try:
        getattr(book, method)(**given)
    except PricetimeError as error:
        return type(error)
    return None


ENUMS = {"side": Side, "order_type": OrderType, "time_in_force": TimeInForce}


def fits_a_command(method: str, given: Given) -> bool:
    """Can a command say this? Whole numbers within its fields, and either an owner or a new id."""
    if given.get("owner") == 0 or (given.get("owner") is not None and given.get("new_id") is not None):
        return False
    if method == "mass_cancel" and given.get("owner") == 0:
        return False  # a command of owner 0 cancels nothing
    fields = {"by": "quantity", "post_only": "instructions", "new_id": "order_id", "self_trade": "flags"}
    for name, value in given.items():
        if name in ("full", "halted") or (value is None and name in ("owner", "new_id", "self_trade")):
            continue
        if type(value) is not int and not isinstance(value, bool | Side | TimeInForce | OrderType):
            return False
        if isinstance(value, Enum) and not isinstance(value, ENUMS.get(name, ())):
            return False
        info = np.iinfo(COMMAND[fields.get(name, name)])
        if not info.min <= value <= info.max:
            return False
    return True


@pytest.mark.parametrize("method", FAULTS)
def test_the_first_check_of_the_table_gives_the_error(method: str) -> None:
    good, faults = FAULTS[method]
    order = order_of_checks()
    alone = [error_of("reference", method, {**good, **fault}) for fault in faults]
    assert None not in alone
    assert error_of("reference", method, good) is None
    for one, other in combinations(range(len(faults)), 2):
        if faults[one].keys() & faults[other].keys():
            continue
        given = {**good, **faults[one], **faults[other]}
        names = [error.__name__ for error in (alone[one], alone[other]) if error is not None]
        expected = min(names, key=order.index)
        for kind in ("reference", "library", "applied"):
            if kind == "applied" and not fits_a_command(method, given):
                continue
            error = error_of(kind, method, given)
            assert error is not None, (kind, given)
            assert error.__name__ == expected, (kind, given)


@pytest.mark.parametrize("method", FAULTS)
def test_one_fault_gives_the_same_error_everywhere(method: str) -> None:
    good, faults = FAULTS[method]
    for fault in ({}, *faults):
        given = {**good, **fault}
        expected = error_of("reference", method, given)
        assert error_of("library", method, given) is expected, given
        if fits_a_command(method, given):
            assert error_of("applied", method, given) is expected, given
