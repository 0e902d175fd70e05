"""An order of the sandbox, report by report."""

import pytest

from pricetime.types import Instruction, OrderType, Reason, ReportKind, Side, TimeInForce
from pricetime.web.orders import MOST_ORDERS, OwnOrder, OwnOrders, Request
from pricetime.web.words import SILENT, WHY, why
from pricetime.wire.messages import ExecutionReport


def order(number: int = 1, quantity: int = 10) -> OwnOrder:
    return OwnOrder(number, 1, Request(Side.BID, quantity, 100))


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


def test_the_row_has_the_terms_of_the_order() -> None:
    plain = order().row
    assert plain == {
        "id": 1, "instrument": 1, "side": "bid", "type": "limit", "time_in_force": "gtc", "instruction": "",
        "quantity": 10, "price": 100, "trigger_price": None, "display_quantity": None, "minimum_quantity": None,
        "expiry": None, "protection": None, "traded": 0, "hidden": 0, "status": "sent", "why": "", "last_price": None,
    }  # fmt: skip
    terms = (OrderType.STOP_LIMIT, TimeInForce.GTD, int(Instruction.AT_THE_CLOSE), 95, 2**60, 3, 1_700_000_000_123_456)
    row = OwnOrder(2, 1, Request(Side.ASK, 10, 90, *terms)).row
    assert [row[name] for name in ("side", "type", "time_in_force", "instruction")] == [
        "ask", "stop-limit", "gtd", "at-the-close",
    ]  # fmt: skip
    assert [row[name] for name in ("trigger_price", "display_quantity", "minimum_quantity", "expiry")] == [
        95, str(2**60), 3, 1_700_000_000,
    ]  # fmt: skip


def made(request: Request) -> OwnOrders:
    orders = OwnOrders()
    orders.add(OwnOrder(1, 1, request))
    return orders


def test_a_stop_waits_until_it_is_triggered() -> None:
    orders = made(Request(Side.ASK, 10, None, OrderType.STOP, trigger_price=95))
    assert states(orders, report(ReportKind.ACCEPTED, 10, reason=Reason.WAITS)) == [("waiting", 0)]
    assert len(orders.open) == 1
    assert orders.rows()[0]["hidden"] == 0
    assert states(
        orders, report(ReportKind.TRIGGERED, 10), report(ReportKind.TRADE, 4),
        report(ReportKind.CANCELLED, 6, reason=Reason.OUTSIDE_RANGE),
    ) == [("resting", 0), ("resting", 4), ("cancelled", 4)]  # fmt: skip
    assert orders.rows()[0]["why"] == "it would have traded outside the price range"


def hidden(orders: OwnOrders, *reports: ExecutionReport) -> list[int]:
    found = []
    for one in reports:
        orders.take(one)
        found.append(orders.rows()[0]["hidden"])
    return found


def test_the_hidden_lots_of_an_iceberg() -> None:
    orders = made(Request(Side.BID, 100, 100, display_quantity=10))
    assert hidden(
        orders,
        report(ReportKind.ACCEPTED, 100),
        report(ReportKind.TRADE, 4),
        report(ReportKind.TRADE, 6),
        report(ReportKind.REFRESHED, 10),
        report(ReportKind.REDUCED, 75),  # hidden lots go first
        report(ReportKind.REDUCED, 10),
        report(ReportKind.AUCTION_TRADE, 5),
    ) == [90, 90, 90, 80, 5, 0, 0]
    assert orders.rows()[0]["status"] == "filled"
    assert orders.positions.rows()[0]["quantity"] == 15


def test_an_auction_trades_hidden_lots_too() -> None:
    orders = made(Request(Side.BID, 100, 100, display_quantity=10))
    accepted, traded = report(ReportKind.ACCEPTED, 100), report(ReportKind.AUCTION_TRADE, 40)
    assert hidden(orders, accepted, traded, report(ReportKind.REFRESHED, 10)) == [90, 60, 50]


def test_a_market_to_limit_order_gets_its_price_from_the_market() -> None:
    orders = made(Request(Side.BID, 10, None, OrderType.MARKET_TO_LIMIT))
    orders.take(report(ReportKind.ACCEPTED, 10, price=103))
    assert orders.rows()[0]["price"] == 103
    orders = made(Request(Side.BID, 10, None, OrderType.MARKET_TO_LIMIT))
    orders.take(report(ReportKind.ACCEPTED, 10, price=0, reason=Reason.AT_MARKET))
    assert orders.rows()[0]["price"] is None
    orders.take(report(ReportKind.AUCTION_TRADE, 4, price=104))
    orders.take(report(ReportKind.REPLACED, 6, price=104, reason=Reason.PRICED))
    row = orders.rows()[0]
    assert (row["price"], row["hidden"], row["why"]) == (104, 0, "the remainder rests at the auction price")


def test_an_order_that_expires_says_so(orders: OwnOrders) -> None:
    expired = report(ReportKind.EXPIRED, 10, reason=Reason.DAY_ENDED)
    assert states(orders, report(ReportKind.ACCEPTED, 10), expired)[-1] == ("expired", 0)
    assert orders.rows()[0]["why"] == "the day has ended"


def test_every_reason_has_words() -> None:
    assert set(Reason) - set(WHY) == SILENT
    assert why(Reason.NONE) == ""
    assert why(250) == "reason 250"
