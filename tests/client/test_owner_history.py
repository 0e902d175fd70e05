"""An owner's orders explained from the reports of its stream."""

import numpy as np
import pytest

from pricetime import OrderBook, Phase, Reason, ReportKind, Side
from pricetime.client.owner_history import RESTS, WAITS, OwnerHistory
from pricetime.errors import UnknownOrder
from pricetime.standing import OrderState, Place
from pricetime.types import REPORT, ReportArray

BID, ASK = Side
ACCEPTED, TRADE, CANCELLED, REPLACED = (
    ReportKind.ACCEPTED, ReportKind.TRADE, ReportKind.CANCELLED, ReportKind.REPLACED,
)  # fmt: skip

#: Kind, order id, reason, reference, price and quantity of a report.
Row = tuple[int, int, int, int, int, int]


def stream(*rows: Row) -> ReportArray:
    """Reports of kind, order id, reason, reference, price and quantity: bids on instrument 1."""
    reports = np.zeros(len(rows), REPORT)
    for number, (report, row) in enumerate(zip(reports, rows, strict=True), 1):
        report["side"], report["instrument"], report["seq_num"] = BID, 1, number
        for name, value in zip(("kind", "order_id", "reason", "maker_id", "price", "quantity"), row, strict=True):
            report[name] = value
    return reports


def history_of(*rows: Row) -> OwnerHistory:
    history = OwnerHistory(3)
    history.take(stream(*rows))
    return history


def test_an_order_that_rests() -> None:
    history = history_of(
        (ACCEPTED, 7, 0, 40, 100, 9), (ACCEPTED, 8, 0, 41, 99, 1), (TRADE, 7, Reason.AS_MAKER, 8, 100, 2),
        (TRADE, 8, Reason.AS_MAKER, 7, 100, 1), (ReportKind.OPEN_ORDER, 7, 0, 40, 100, 7),
    )  # fmt: skip
    found = history.explain(7)
    assert (found.state, found.remaining, found.filled, found.reference) == (OrderState.RESTING, 7, 2, 40)
    assert (found.why, found.place_now, found.sequence) == (RESTS, None, None)
    assert [event.sequence for event in found.events] == [1, 3]
    assert found.accepted == found.events[0]
    assert "bid 9 at 100\n" in str(found)
    assert history.explain(8).why == "it traded whole, the last 1 lot at 100"
    assert history.sequence == 5


def test_with_the_book_of_a_subscriber() -> None:
    """The book of a subscriber names orders by their references."""
    book = OrderBook(price_unit="0.5")
    for reference, side, price, quantity in (
        (39, BID, 100, 4),
        (40, BID, 100, 7),
        (50, BID, 101, 3),
        (60, ASK, 103, 1),
    ):
        book.add_order(reference, side, price, quantity)
    history = history_of((ACCEPTED, 7, 0, 40, 100, 9), (TRADE, 7, Reason.AS_MAKER, 8, 100, 2))
    found = history.explain(7, book=book)
    assert (found.place_now, found.distance, found.hidden) == (Place(1, 4, 3), 3, 0)
    assert found.why == "the best ask is 51.5, 3 ticks away from its price"
    book.set_phase(Phase.HALTED)
    assert history.explain(7, book=book).why == "the instrument is halted: no order matches"
    book.cancel_order(40)
    assert history.explain(7, book=book).why == RESTS  # the feed is ahead of the session


def test_an_iceberg_hides_lots_from_the_book() -> None:
    book = OrderBook()
    book.add_order(40, BID, 100, 2)
    found = history_of((ACCEPTED, 7, 0, 40, 100, 9)).explain(7, book=book)
    assert (found.hidden, found.remaining, found.why) == (7, 9, "no ask rests that it could trade with")


def test_an_order_that_waits_and_enters() -> None:
    rows: list[Row] = [(ACCEPTED, 7, Reason.WAITS, 40, 0, 9)]
    assert history_of(*rows).explain(7, book=OrderBook()).why == WAITS
    rows += [
        (ReportKind.TRIGGERED, 7, 0, 0, 102, 9),
        (REPLACED, 7, 0, 40, 101, 4),
        (ReportKind.HIDDEN, 7, 0, 0, 101, 2),
    ]
    found = history_of(*rows).explain(7)
    assert (found.state, found.remaining, found.terms.price) == (OrderState.RESTING, 6, 101)
    rows += [(CANCELLED, 7, Reason.BY_DISCONNECT, 0, 101, 6)]
    assert history_of(*rows).explain(7).why == "the session of its owner ended"
    rows += [(ReportKind.REJECTED, 7, Reason.UNKNOWN_ORDER, 0, 0, 0)]
    found = history_of(*rows).explain(7)
    assert (found.state, found.events[-1].kind) == (OrderState.CANCELLED, ReportKind.REJECTED)


def test_the_newest_order_of_an_id() -> None:
    rows: list[Row] = [(ReportKind.REJECTED, 7, Reason.INVALID_PRICE, 0, 5, 1)]
    assert history_of(*rows).explain(7).why.startswith("rejected with INVALID_PRICE: the price is not a whole number")
    rows += [(ACCEPTED, 7, 0, 41, 6, 1), (CANCELLED, 7, 0, 0, 6, 1), (ACCEPTED, 7, Reason.AT_MARKET, 42, 0, 1)]
    found = history_of(*rows).explain(7)
    assert (found.reference, found.terms.price, found.state) == (42, None, OrderState.RESTING)
    with pytest.raises(UnknownOrder, match="no report of owner 3 names an order 7 on instrument 2"):
        history_of(*rows).explain(7, instrument=2)
