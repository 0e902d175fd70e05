"""An order of the sandbox, report by report."""

import pytest

from pricetime.types import Reason, ReportKind, Side
from pricetime.web.orders import MOST_ORDERS, OwnOrder, OwnOrders
from pricetime.web.words import SILENT, WHY, why
from pricetime.wire.messages import ExecutionReport


def order(number: int = 1, quantity: int = 10) -> OwnOrder:
    return OwnOrder(number, 1, Side.BID, 100, quantity)


def report(
    kind: ReportKind, quantity: int = 0, *, reason: int = 0, order_id: int = 1, price: int = 100
) -> ExecutionReport:
    return ExecutionReport(
        kind=kind, side=1, reason=reason, instrument=1, seq_num=1, order_id=order_id, maker_id=0, price=price,
        quantity=quantity,
    )  # fmt: skip


@pytest.fixture
def orders() -> OwnOrders:
    made = OwnOrders()
    made.add(order())
    return made


def states(orders: OwnOrders, *reports: ExecutionReport) -> list[tuple[str, int]]:
    found = []
    for one in reports:
        orders.take(one)
        row = orders.rows()[0]
        found.append((row["status"], row["traded"]))
    return found


def test_it_rests_and_trades_until_it_is_filled(orders: OwnOrders) -> None:
    assert states(
        orders,
        report(ReportKind.ACCEPTED, 10),
        report(ReportKind.TRADE, 4, reason=Reason.AS_MAKER),
        report(ReportKind.TRADE, 6, price=99),
    ) == [("resting", 0), ("resting", 4), ("filled", 10)]
    assert orders.rows()[0]["last_price"] == 99
    assert orders.open == []


def test_trades_change_the_position(orders: OwnOrders) -> None:
    states(orders, report(ReportKind.ACCEPTED, 10), report(ReportKind.TRADE, 4), report(ReportKind.TRADE, 6, price=99))
    assert orders.positions.rows() == [{"instrument": 1, "quantity": 10, "cost": 994, "realised": 0}]


def test_what_is_cancelled_says_why(orders: OwnOrders) -> None:
    states(orders, report(ReportKind.ACCEPTED, 10), report(ReportKind.TRADE, 4))
    assert states(orders, report(ReportKind.CANCELLED, 6, reason=Reason.IOC_REMAINDER)) == [("cancelled", 4)]
    assert orders.rows()[0]["why"] == "no more orders to trade with at this price"


def test_what_is_rejected_says_why(orders: OwnOrders) -> None:
    assert states(orders, report(ReportKind.REJECTED, reason=Reason.PRICE_OUTSIDE_BAND)) == [("rejected", 0)]
    assert orders.rows()[0]["why"] == "the price is outside the price band of this instrument"


def test_a_cancel_that_is_rejected_changes_nothing(orders: OwnOrders) -> None:
    states(orders, report(ReportKind.ACCEPTED, 10))
    assert states(orders, report(ReportKind.REJECTED, reason=Reason.UNKNOWN_ORDER)) == [("resting", 0)]


def test_reports_of_unknown_orders_change_nothing(orders: OwnOrders) -> None:
    version = orders.version
    orders.take(report(ReportKind.ACCEPTED, 10, order_id=2))
    assert orders.version == version


def test_what_is_lost_says_so_unless_it_is_over(orders: OwnOrders) -> None:
    orders.add(order(2))
    orders.take(report(ReportKind.ACCEPTED, 10, order_id=2))
    orders.take(report(ReportKind.TRADE, 10, order_id=2))
    orders.lose_all("the session ended")
    assert [(row["id"], row["status"], row["why"]) for row in orders.rows()] == [
        (2, "filled", ""),
        (1, "lost", "the session ended"),
    ]


def test_the_oldest_that_is_over_makes_room(orders: OwnOrders) -> None:
    for number in range(2, MOST_ORDERS + 1):
        orders.add(order(number))
    orders.take(report(ReportKind.REJECTED, order_id=3))
    orders.add(order(MOST_ORDERS + 1))
    numbers = [row["id"] for row in orders.rows()]
    assert len(numbers) == MOST_ORDERS
    assert 3 not in numbers
    assert numbers[0] == MOST_ORDERS + 1


def test_every_reason_has_words() -> None:
    assert set(Reason) - set(WHY) == SILENT
    assert why(Reason.NONE) == ""
    assert why(250) == "reason 250"
