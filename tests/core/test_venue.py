"""Rules of venues that meet each other: what random flows reach only now and then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pricetime import (
    ASK,
    BID,
    COMPILED,
    CommandType,
    Engine,
    Instruction,
    Instrument,
    OrderBook,
    OrderType,
    OwnerLimits,
    Phase,
    TimeInForce,
)
from pricetime.auctions import AuctionPrice
from pricetime.core import layout as layout_module
from pricetime.errors import DuplicateOrderId, PriceTooFar, QuantityAboveLimit
from pricetime.profiles import Venue
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.types import COMMAND, GTC_AND_GTD, ORDER_EXTENSION, PriceKind, Reason, ReportKind
from tests.books import command

STOP: dict[str, Any] = {"order_type": OrderType.STOP_LIMIT, "trigger_price": 105}


def iceberg(order_id: int, side: int, quantity: int, display: int, **fields: int) -> Any:
    given = {"order_id": order_id, "side": side, "price": 100, "quantity": quantity, "owner": 1}
    more = np.zeros(1, ORDER_EXTENSION)
    more["type"], more["display_quantity"] = CommandType.ORDER_EXTENSION, display
    order = command(CommandType.NEW_ORDER, **(given | fields), instructions=Instruction.EXTENDED)
    return np.concatenate([order, more.view(COMMAND)])


def both(commands: list[Any], **settings: Any) -> Any:
    """The reports of the core, which are those of the reference."""
    book = OrderBook(20, owner_limit=3, **settings)
    reports = book.apply(np.concatenate(commands))
    reference = ReferenceBook(20, owner_limit=3, **settings)
    assert reports.tobytes() == apply(reference, np.concatenate(commands)).tobytes()
    assert book.digest() == reference.digest()
    book.check()
    return reports


def test_an_iceberg_that_a_mass_cancel_has_yet_to_cancel_is_not_refreshed() -> None:
    trade = command(CommandType.NEW_ORDER, order_id=9, side=ASK, price=100, quantity=3, time_in_force=TimeInForce.IOC)
    reports = both([
        iceberg(1, BID, 10, 2, price=99),
        iceberg(2, BID, 10, 3),
        command(CommandType.MASS_CANCEL, owner=1, tag=1),
        trade,
        command(CommandType.CONTINUE, owner=1),
    ])  # fmt: skip
    ended = reports[reports["kind"] == ReportKind.CANCELLED]
    assert ended[["order_id", "quantity", "maker_id"]].tolist() == [(1, 10, 8), (2, 7, 7)]
    assert not (reports["kind"] == ReportKind.REFRESHED).any()
    assert reports["quantity"][-1] == 2


def test_a_part_of_its_slice_stays_while_a_mass_cancel_is_unfinished() -> None:
    trade = command(CommandType.NEW_ORDER, order_id=9, side=ASK, price=100, quantity=2, time_in_force=TimeInForce.IOC)
    mass_cancel = command(CommandType.MASS_CANCEL, owner=1, tag=1)
    commands = [iceberg(1, BID, 10, 3, price=99), iceberg(2, BID, 10, 3), mass_cancel, trade]
    reports = both(commands, venue=Venue(minimum_display=2))
    assert not (reports["kind"] == ReportKind.REFRESHED).any()


def test_an_iceberg_that_a_mass_cancel_keeps_is_refreshed_while_that_is_unfinished() -> None:
    trade = command(CommandType.NEW_ORDER, order_id=9, side=ASK, price=100, quantity=3, time_in_force=TimeInForce.IOC)
    mass_cancel = command(CommandType.MASS_CANCEL, owner=1, tag=1, quantity=GTC_AND_GTD)
    ends = command(CommandType.CONTINUE, owner=1)
    reports = both([iceberg(1, BID, 10, 3, price=99), iceberg(2, BID, 10, 3), mass_cancel, trade, ends])
    assert reports[["kind", "order_id"]][-2].tolist() == (ReportKind.REFRESHED, 2)
    assert reports[["kind", "quantity"]][-1].tolist() == (ReportKind.MASS_CANCELLED, 0)


def test_an_iceberg_rests_with_a_new_slice_if_too_little_is_displayed() -> None:
    maker = command(CommandType.NEW_ORDER, order_id=1, side=ASK, price=100, quantity=2)
    reports = both([maker, iceberg(2, BID, 10, 3)], venue=Venue(minimum_display=2))
    assert reports["kind"].tolist()[-2:] == [ReportKind.TRADE, ReportKind.REFRESHED]
    assert reports["quantity"][-1] == 3


def test_a_market_to_limit_order_rests_at_an_auction_price_outside_a_band_that_moved() -> None:
    book = OrderBook(20, phase=Phase.OPENING_AUCTION)
    book.add_order(1, ASK, 110, 5)
    book.add_order(2, BID, None, 9, order_type=OrderType.MARKET_TO_LIMIT)
    book.set_price(PriceKind.HIGH, 105)
    assert book.uncross() == AuctionPrice(110, 5, 4)
    assert book.best_bid == 110
    book.check()


def test_replaces_in_a_ruled_book() -> None:
    book = OrderBook(20, owner_limit=3, limits={1: OwnerLimits(quantity=9, price_distance=3)})
    book.add_order(1, BID, 100, 5, owner=1, **STOP)
    book.add_order(2, BID, 100, 5, owner=1)
    book.add_order(3, ASK, 101, 5)
    for order_id in (1, 2):
        with pytest.raises(DuplicateOrderId):
            book.replace_order(order_id, 100, 5, new_id=3)
        with pytest.raises(QuantityAboveLimit):
            book.replace_order(order_id, 100, 10)
        with pytest.raises(PriceTooFar):
            book.replace_order(order_id, 97, 5)
    book.replace_order(1, 98, 9, new_id=4)
    assert [(order.id, order.quantity) for order in (book.order(4), book.order(2))] == [(4, 9), (2, 5)]


def test_an_owner_asks_for_its_waiting_orders() -> None:
    stop = iceberg(1, BID, 5, 0, order_type=OrderType.STOP_LIMIT)
    stop.view(ORDER_EXTENSION)["trigger_price"][1] = 105
    reports = both([stop, iceberg(2, BID, 10, 4), command(CommandType.OPEN_ORDERS, owner=1)])
    told = reports[reports["kind"] == ReportKind.OPEN_ORDER]
    assert told[["order_id", "quantity", "reason", "maker_id"]].tolist() == [
        (1, 5, Reason.WAITS, 105),
        (2, 10, Reason.NONE, 6),
    ]


@pytest.mark.skipif(COMPILED, reason="compiled, it is for compiled callers; the tests of the router read it there")
def test_an_auction_trade_has_the_references_of_both_orders_beside_it() -> None:
    from pricetime.native.uncompiled import ArrayMemory, Memory

    layout: Any = layout_module
    engine: Any = Engine([Instrument(0)], capacity=20)
    engine.apply(np.concatenate([
        command(CommandType.SET_PHASE, flags=Phase.OPENING_AUCTION),
        command(CommandType.NEW_ORDER, order_id=1, side=ASK, price=100, quantity=5),
        command(CommandType.NEW_ORDER, order_id=2, side=BID, price=100, quantity=5),
    ]))  # fmt: skip
    books = engine.books
    books.reports = Memory(48 * books.report_bound(1, 1, books.order_count)).cells_of(layout.Report)
    books.references, books.buyers = [None] * 20, [None] * 20
    books.report_count = 0
    books.run(ArrayMemory(command(CommandType.UNCROSS)).cells_of(layout.Command), 1, [0])
    assert (books.reports[1].kind, books.references[1], books.buyers[1]) == (ReportKind.AUCTION_TRADE, 1, 2)
    assert books.buyers_end == 2


def test_stop_orders_that_trigger_each_other() -> None:
    """One command, as many stop orders as a large book has: each trade triggers the next."""
    count = 100_000 if COMPILED else 300
    stops = np.zeros((count, 2), COMMAND)
    orders, more = stops[:, 0], stops[:, 1]
    orders["type"], orders["instructions"] = CommandType.NEW_ORDER, Instruction.EXTENDED
    orders["order_id"], orders["side"] = np.arange(count) + count + 1, BID
    orders["quantity"], orders["order_type"] = 1, OrderType.STOP
    more["type"] = CommandType.ORDER_EXTENSION
    stops.view(ORDER_EXTENSION)["trigger_price"][:, 1] = np.arange(count)
    asks = np.zeros(count + 1, COMMAND)
    asks["type"], asks["side"], asks["quantity"] = CommandType.NEW_ORDER, ASK, 1
    asks["order_id"], asks["price"] = np.arange(count + 1), np.arange(count + 1)
    book = OrderBook(2 * count + 2)
    book.apply(np.concatenate([asks, stops.ravel()]))
    reports = book.apply(command(CommandType.NEW_ORDER, order_id=3 * count, side=BID, quantity=1, price=0))
    assert (len(book), len(reports)) == (0, 2 * count + 2)
    trades = reports[reports["kind"] == ReportKind.TRADE]
    assert trades["price"].tolist() == list(range(count + 1))
    assert trades["order_id"].tolist() == [3 * count, *range(count + 1, 2 * count + 1)]


def test_an_iceberg_of_the_other_side_is_refreshed_while_a_mass_cancel_is_unfinished() -> None:
    trade = command(CommandType.NEW_ORDER, order_id=9, side=ASK, price=100, quantity=3, time_in_force=TimeInForce.IOC)
    commands = [iceberg(order_id, ASK, 10, 3, price=110) for order_id in (1, 2)]
    mass_cancel = command(CommandType.MASS_CANCEL, owner=1, side=ASK, tag=1)
    reports = both([*commands, iceberg(3, BID, 10, 3), mass_cancel, trade])
    assert reports[["kind", "order_id"]][-1].tolist() == (ReportKind.REFRESHED, 3)
