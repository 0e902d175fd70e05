"""A trader's own reports tell what rests, and the position."""

from typing import Any

import numpy as np
import pytest

from pricetime.market.working_orders import WorkingOrder, WorkingOrders
from pricetime.types import (
    ORDER_EXTENSION,
    REPORT,
    CommandType,
    Instruction,
    OrderType,
    Reason,
    ReportKind,
    Side,
)


def reports(*rows: dict[str, int]) -> np.ndarray[Any, np.dtype[np.void]]:
    made = np.zeros(len(rows), REPORT)
    for place, row in enumerate(rows):
        for name, value in {"order_id": 1, **row}.items():
            made[place][name] = value
    return made


@pytest.fixture
def orders() -> WorkingOrders:
    made = WorkingOrders()
    made.add(7, Side.BID, 100, 10)
    return made


def only(orders: WorkingOrders) -> WorkingOrder:
    (order,) = orders.of(7, Side.BID)
    return order


ACCEPTED = {"kind": ReportKind.ACCEPTED, "quantity": 10}


def test_an_order_rests_trades_and_ends(orders: WorkingOrders) -> None:
    orders.read(reports(ACCEPTED, {"kind": ReportKind.TRADE, "quantity": 4}))
    assert only(orders).remaining == 6
    assert orders.position[7] == 4
    orders.read(reports({"kind": ReportKind.CANCELLED, "quantity": 6}))
    assert len(orders) == 0


def test_a_replace_changes_price_and_quantity(orders: WorkingOrders) -> None:
    orders.read(reports(ACCEPTED, {"kind": ReportKind.REPLACED, "price": 99, "quantity": 20}))
    assert (only(orders).price, only(orders).remaining) == (99, 20)


def test_what_is_sold_counts_below_zero() -> None:
    orders = WorkingOrders()
    orders.add(7, Side.ASK, 100, 10)
    orders.read(reports(ACCEPTED, {"kind": ReportKind.TRADE, "quantity": 10}))
    assert orders.position[7] == -10
    assert len(orders) == 0


@pytest.mark.parametrize(("reason", "stays"), [(Reason.UNKNOWN_ORDER, False), (Reason.PRICE_OUTSIDE_BAND, True)])
def test_a_rejected_replace_ends_an_order_only_if_it_has_left_the_book(
    orders: WorkingOrders, reason: Reason, stays: bool
) -> None:
    orders.read(reports(ACCEPTED, {"kind": ReportKind.REJECTED, "reason": reason}))
    assert (len(orders) == 1) is stays


def test_a_rejected_order_is_dropped(orders: WorkingOrders) -> None:
    orders.read(reports({"kind": ReportKind.REJECTED, "reason": Reason.PRICE_OUTSIDE_BAND}))
    assert len(orders) == 0


def test_reports_about_other_orders_change_nothing(orders: WorkingOrders) -> None:
    orders.read(reports({"kind": ReportKind.TRADE, "order_id": 5, "quantity": 3}))
    assert only(orders).remaining == 10
    assert orders.position[7] == 0


def test_auction_trades_change_the_position(orders: WorkingOrders) -> None:
    orders.read(reports(ACCEPTED, {"kind": ReportKind.AUCTION_TRADE, "quantity": 4}))
    assert only(orders).remaining == 6
    assert orders.position[7] == 4


def test_hidden_lots_of_a_replaced_iceberg_are_open_too(orders: WorkingOrders) -> None:
    orders.read(
        reports(ACCEPTED, {"kind": ReportKind.REPLACED, "quantity": 3}, {"kind": ReportKind.HIDDEN, "quantity": 6})
    )
    assert only(orders).remaining == 9


def test_more_fields_follow_the_order() -> None:
    orders = WorkingOrders()
    orders.add(7, Side.BID, 100, 10)
    orders.add(7, Side.ASK, 0, 5, order_type=OrderType.STOP, trigger_price=95)
    orders.add(7, Side.BID, 99, 80, display_quantity=8)
    commands = orders.take_commands()
    assert commands["type"].tolist() == [
        CommandType.NEW_ORDER, CommandType.NEW_ORDER, CommandType.ORDER_EXTENSION,
        CommandType.NEW_ORDER, CommandType.ORDER_EXTENSION,
    ]  # fmt: skip
    assert commands["instructions"][[0, 1, 3]].tolist() == [0, Instruction.EXTENDED, Instruction.EXTENDED]
    extensions = commands[[2, 4]].view(ORDER_EXTENSION)
    assert extensions["trigger_price"].tolist() == [95, 0]
    assert extensions["display_quantity"].tolist() == [0, 8]
    assert len(orders.take_commands()) == 0
