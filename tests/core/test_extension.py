"""Orders whose fields continue in an extension: the next command executes or rejects them."""

import pickle
from typing import Any

import numpy as np
import pytest

from pricetime import COMMAND, COMPILED, CommandType, Engine, Instruction, Instrument, OrderBook, OrderType, TimeInForce
from pricetime.errors import BookBusy
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.types import OPEN_ORDERS_TOLD, ORDER_EXTENSION, Reason, ReportKind
from tests.books import bid, command, reports_of

NEW, CANCEL, EXTENSION = CommandType.NEW_ORDER, CommandType.CANCEL_ORDER, CommandType.ORDER_EXTENSION
Commands = np.ndarray[Any, Any]


def order(order_id: int = 7, **fields: int) -> Commands:
    given = {"order_id": order_id, "side": 1, "price": 100, "quantity": 5, "instructions": Instruction.EXTENDED}
    kind = CommandType(fields.pop("type", NEW))
    return command(kind, **(given | fields))


def extension(**fields: int) -> Commands:
    made = np.zeros(1, ORDER_EXTENSION)
    made["type"] = EXTENSION
    for name, value in fields.items():
        made[name] = value
    return made.view(COMMAND)


REST = extension(trigger_price=-5, display_quantity=2**64 - 1, expiry_ns=9, minimum_quantity=2**63)
SLICES = extension(display_quantity=2)


def reasons(reports: Commands) -> list[tuple[int, Reason]]:
    assert set(reports["kind"].tolist()) <= {ReportKind.REJECTED}
    return [(report.order_id, Reason(report.reason)) for report in reports_of(reports)]


def test_an_order_and_its_extension_are_answered_once() -> None:
    book = OrderBook(10)
    reports = book.apply(np.concatenate([order(), REST]))
    assert reports_of(reports) == [(ReportKind.REJECTED, 1, Reason.INVALID_TRIGGER_PRICE, 7, 0, 100, 5)]
    assert reports["seq_num"].tolist() == [1]
    assert len(book) == 0


def test_an_order_waits_for_an_extension_in_a_later_array() -> None:
    book = OrderBook(10)
    assert len(book.apply(order())) == 0
    assert reports_of(book.apply(SLICES)) == [(ReportKind.ACCEPTED, 1, Reason.NONE, 7, 3, 100, 5)]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"instrument": 9}, Reason.UNKNOWN_INSTRUMENT),
        ({"side": 3}, Reason.INVALID_SIDE),
        ({"order_type": 5}, Reason.INVALID_ORDER_TYPE),
        ({"time_in_force": 6}, Reason.INVALID_TIME_IN_FORCE),
        ({"order_type": OrderType.MARKET, "time_in_force": TimeInForce.GTD}, Reason.INVALID_TIME_IN_FORCE),
        ({"instructions": Instruction.EXTENDED | 8}, Reason.NOT_SUPPORTED),
        ({"order_type": OrderType.STOP}, Reason.INVALID_DISPLAY_QUANTITY),
        ({"quantity": 0}, Reason.INVALID_QUANTITY),
        ({"type": CommandType.REPLACE_ORDER}, Reason.INVALID_MINIMUM_QUANTITY),
        ({"type": CommandType.REPLACE_ORDER, "instrument": 9}, Reason.UNKNOWN_INSTRUMENT),
    ],
)
def test_the_extension_executes_the_order_with_its_own_faults(fields: dict[str, int], reason: Reason) -> None:
    engine = Engine([Instrument(0)], capacity=10)
    assert len(engine.apply(order(**fields))) == 0
    [report] = engine.apply(REST)
    assert (report["reason"], report["order_id"], report["instrument"]) == (reason, 7, fields.get("instrument", 0))


@pytest.mark.parametrize("between", [command(NEW, order_id=1, side=1, price=90, quantity=5), order(8), command(CANCEL)])
def test_any_other_command_rejects_the_order_that_waits(between: Commands) -> None:
    book = OrderBook(10)
    reports = book.apply(np.concatenate([order(), between, REST]))
    assert (reports["order_id"][0], reports["reason"][0]) == (7, Reason.MALFORMED)
    assert reports["kind"][-1] == ReportKind.REJECTED
    alone = between["instructions"][0] == 0
    assert reports["reason"][-1] == (Reason.MALFORMED if alone else Reason.INVALID_TRIGGER_PRICE)


def test_an_extension_alone_is_rejected() -> None:
    engine = Engine([Instrument(5)], capacity=10)
    reports = engine.apply(np.concatenate([REST, REST]))
    assert reports_of(reports) == [(ReportKind.REJECTED, 0, Reason.MALFORMED, 0, 0, 0, 0)] * 2
    assert reports["instrument"].tolist() == [0, 0]


def test_a_call_rejects_the_order_that_waits_without_a_report() -> None:
    engine = Engine([Instrument(0)], capacity=10)
    engine.apply(order())
    bid(engine.book(0), 1, 100, 5)
    assert reasons(engine.apply(REST)) == [(0, Reason.MALFORMED)]
    engine.apply(order())
    assert engine.mass_cancel(5) == 0
    assert reasons(engine.apply(REST)) == [(0, Reason.MALFORMED)]


def test_no_snapshot_stands_between_an_order_and_its_extension() -> None:
    engine = Engine([Instrument(0)], capacity=10)
    engine.apply(order())
    for snapshot in (engine.dump, lambda: pickle.dumps(engine)):
        with pytest.raises(BookBusy, match="waits for its extension"):
            snapshot()
    engine.apply(REST)
    assert len(engine.dump().resting) == 0


def test_the_reference_agrees_on_every_sequence() -> None:
    """All sequences of four commands out of six (uncompiled of three), in one array and one by one."""
    length = 4 if COMPILED else 3
    kinds = [
        order(), REST, command(NEW, order_id=7, side=2, price=90, quantity=3),
        command(CANCEL, order_id=7), command(CommandType.GATEWAY_REJECT, flags=17), order(7, side=0),
    ]  # fmt: skip
    for number in range(len(kinds) ** length):
        commands = np.concatenate([kinds[number // len(kinds) ** place % len(kinds)] for place in range(length)])
        at_once = OrderBook(10).apply(commands)
        assert at_once.tobytes() == apply(ReferenceBook(10), commands).tobytes()
        book = OrderBook(10)
        assert np.concatenate([book.apply(c) for c in np.split(commands, len(commands))]).tobytes() == at_once.tobytes()


@pytest.mark.skipif(COMPILED, reason="compiled, the books of an engine are not visible")
def test_the_bound_on_reports_counts_listings_and_the_order_that_waits() -> None:
    engine: Any = Engine([Instrument(0)], capacity=10)
    assert engine.books.report_bound(2, 1, 3) == 4 * 2 + OPEN_ORDERS_TOLD + 2 * (3 + 2)
    engine.apply(order())
    assert engine.books.report_bound(2, 1, 3) == 4 * 2 + OPEN_ORDERS_TOLD + 2 * (3 + 2) + 1
