"""A trader's own reports tell what rests, and the position."""

from typing import Any

import numpy as np
import pytest

from pricetime.market.working_orders import WorkingOrder, WorkingOrders
from pricetime.types import REPORT, Reason, ReportKind, Side


def reports(*rows: dict[str, int]) -> np.ndarray[Any, np.dtype[np.void]]:
    made = np.zeros(len(rows), REPORT)
    for place, row in enumerate(rows):
        for name, value in {"order_id": 1, **row}.items():
            made[place][name] = value
    return made


@pytest.fixture
def orders() -> WorkingOrders:
    made = WorkingOrders()
    made.new(7, Side.BID, 100, 10)
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
    assert 1 not in orders


def test_a_replace_changes_price_and_quantity(orders: WorkingOrders) -> None:
    orders.read(reports(ACCEPTED, {"kind": ReportKind.REPLACED, "price": 99, "quantity": 20}))
    assert (only(orders).price, only(orders).remaining) == (99, 20)


def test_what_is_sold_counts_below_zero() -> None:
    orders = WorkingOrders()
    orders.new(7, Side.ASK, 100, 10)
    orders.read(reports(ACCEPTED, {"kind": ReportKind.TRADE, "quantity": 10}))
    assert orders.position[7] == -10
    assert len(orders) == 0


@pytest.mark.parametrize(("reason", "stays"), [(Reason.UNKNOWN_ORDER, False), (Reason.PRICE_OUTSIDE_BAND, True)])
def test_a_rejected_replace_ends_an_order_only_if_it_has_left_the_book(
    orders: WorkingOrders, reason: Reason, stays: bool
) -> None:
    orders.read(reports(ACCEPTED, {"kind": ReportKind.REJECTED, "reason": reason}))
    assert (1 in orders) is stays


def test_a_rejected_order_is_dropped(orders: WorkingOrders) -> None:
    orders.read(reports({"kind": ReportKind.REJECTED, "reason": Reason.PRICE_OUTSIDE_BAND}))
    assert len(orders) == 0


def test_reports_about_other_orders_change_nothing(orders: WorkingOrders) -> None:
    orders.read(reports({"kind": ReportKind.TRADE, "order_id": 5, "quantity": 3}))
    assert only(orders).remaining == 10
    assert orders.position[7] == 0
