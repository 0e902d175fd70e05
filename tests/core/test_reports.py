"""What each command reports and in which order: enough to rebuild the book, order by order, from the feed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pricetime import COMPILED, Engine, Instrument, OrderBook
from pricetime.core import layout as layout_module
from pricetime.reference import ReferenceBook
from pricetime.reference.records import Report
from pricetime.types import (
    COMMAND,
    REPORT,
    CommandType,
    Reason,
    ReplacePolicy,
    ReportKind,
    SelfTrade,
    Side,
    TimeInForce,
)
from tests.books import IOC, MARKET, AppliedBook, ask, bid, command, reports_of

ACCEPTED, TRADE, CANCELLED, REPLACED, REDUCED = list(ReportKind)[:5]
BID, ASK = Side


@pytest.fixture(params=[ReferenceBook, AppliedBook], ids=lambda kind: kind.__name__)
def make_book(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """The books that tell what happened."""
    kind: Callable[..., Any] = request.param
    return kind


def last(book: Any, count: int) -> list[Report]:
    """The last reports of a book, which are all of its last command."""
    reports: list[Report] = book.reports[-count:]
    return reports


def test_an_order_that_rests(book: Any) -> None:
    bid(book, 1, 100, 5)
    assert book.reports == [Report(ACCEPTED, BID, Reason.NONE, 1, 0, 100, 5)]


def test_an_order_that_trades_and_rests(book: Any) -> None:
    ask(book, 1, 100, 5)
    ask(book, 2, 101, 5)
    bid(book, 3, 102, 12)
    assert last(book, 3) == [
        Report(ACCEPTED, BID, Reason.NONE, 3, 0, 102, 12),
        Report(TRADE, BID, Reason.NONE, 3, 1, 100, 5),
        Report(TRADE, BID, Reason.NONE, 3, 2, 101, 5),
    ]


@pytest.mark.parametrize(
    ("terms", "reason", "price"),
    [
        (IOC, Reason.IOC_REMAINDER, 102),
        (MARKET, Reason.MARKET_REMAINDER, 0),
        (MARKET | IOC, Reason.MARKET_REMAINDER, 0),
    ],
)
def test_a_remainder_that_may_not_rest(book: Any, terms: dict[str, Any], reason: Reason, price: int) -> None:
    ask(book, 1, 100, 5)
    bid(book, 3, 102, 12, **terms)
    assert last(book, 3) == [
        Report(ACCEPTED, BID, Reason.NEVER_RESTS, 3, 0, price, 12),
        Report(TRADE, BID, Reason.NONE, 3, 1, 100, 5),
        Report(CANCELLED, BID, reason, 3, 0, price, 7),
    ]
    ask(book, 4, 103, 2, **terms)
    assert last(book, 1) == [Report(CANCELLED, ASK, reason, 4, 0, 103 if price else 0, 2)]


def test_a_fok_that_is_killed(book: Any) -> None:
    ask(book, 1, 100, 5)
    bid(book, 3, 102, 12, time_in_force=TimeInForce.FOK)
    assert last(book, 2) == [
        Report(ACCEPTED, BID, Reason.NEVER_RESTS, 3, 0, 102, 12),
        Report(CANCELLED, BID, Reason.FOK_UNFILLABLE, 3, 0, 102, 12),
    ]


def test_cancel_and_reduce(book: Any) -> None:
    ask(book, 1, 100, 5)
    book.reduce_order(1, 2)
    assert last(book, 1) == [Report(REDUCED, ASK, Reason.NONE, 1, 0, 100, 2)]
    book.reduce_order(1, 7)
    assert last(book, 1) == [Report(REDUCED, ASK, Reason.NONE, 1, 0, 100, 3)]
    bid(book, 2, 90, 5)
    book.cancel_order(2)
    assert last(book, 1) == [Report(CANCELLED, BID, Reason.NONE, 2, 0, 90, 5)]


def test_replace(make_book: Any) -> None:
    book = make_book(10)
    bid(book, 1, 100, 5)
    book.replace_order(1, 100, 4)
    assert last(book, 1) == [Report(REPLACED, BID, Reason.KEPT_PLACE, 1, 1, 100, 4)]
    book.replace_order(1, 100, 6, new_id=2)
    assert last(book, 1) == [Report(REPLACED, BID, Reason.NONE, 2, 1, 100, 6)]
    ask(book, 3, 105, 4)
    book.replace_order(2, 110, 6, new_id=2**40)
    assert last(book, 2) == [
        Report(REPLACED, BID, Reason.NONE, 2**40, 2, 110, 6),
        Report(TRADE, BID, Reason.NONE, 2**40, 3, 105, 4),
    ]
    losing = make_book(10, replace_policy=ReplacePolicy.ALWAYS_LOSE)
    bid(losing, 1, 100, 5)
    losing.replace_order(1, 100, 4)
    assert last(losing, 1) == [Report(REPLACED, BID, Reason.NONE, 1, 1, 100, 4)]


@pytest.mark.parametrize(
    ("mode", "reported"),
    [
        (SelfTrade.CANCEL_NEWEST, [Report(CANCELLED, BID, Reason.SELF_TRADE, 9, 0, 101, 8)]),
        (
            SelfTrade.CANCEL_OLDEST,
            [
                Report(CANCELLED, ASK, Reason.SELF_TRADE, 2, 0, 100, 6),
                Report(TRADE, BID, Reason.NONE, 9, 3, 101, 5),
            ],
        ),
        (
            SelfTrade.CANCEL_BOTH,
            [
                Report(CANCELLED, BID, Reason.SELF_TRADE, 9, 0, 101, 8),
                Report(CANCELLED, ASK, Reason.SELF_TRADE, 2, 0, 100, 6),
            ],
        ),
        (
            SelfTrade.DECREMENT,
            [
                Report(REDUCED, BID, Reason.SELF_TRADE, 9, 0, 101, 6),
                Report(CANCELLED, ASK, Reason.SELF_TRADE, 2, 0, 100, 6),
                Report(TRADE, BID, Reason.NONE, 9, 3, 101, 2),
            ],
        ),
        (
            SelfTrade.CANCEL_SMALLER,
            [
                Report(CANCELLED, ASK, Reason.SELF_TRADE, 2, 0, 100, 6),
                Report(TRADE, BID, Reason.NONE, 9, 3, 101, 5),
            ],
        ),
    ],
)
def test_self_trade_prevention(book: Any, mode: SelfTrade, reported: list[Report]) -> None:
    """A bid of 12 meets 4 of theirs, 6 of ours and, a price further, 5 of theirs."""
    ask(book, 1, 100, 4, owner=2)
    ask(book, 2, 100, 6, owner=1)
    ask(book, 3, 101, 5, owner=2)
    bid(book, 9, 101, 12, owner=1, self_trade=mode)
    before = [Report(ACCEPTED, BID, Reason.NONE, 9, 0, 101, 12), Report(TRADE, BID, Reason.NONE, 9, 1, 100, 4)]
    assert last(book, 2 + len(reported)) == before + reported


def test_self_trade_prevention_when_the_incoming_order_is_smaller(book: Any) -> None:
    ask(book, 1, 100, 6, owner=1)
    bid(book, 2, 101, 4, owner=1, self_trade=SelfTrade.DECREMENT)
    assert last(book, 2) == [
        Report(CANCELLED, BID, Reason.SELF_TRADE, 2, 0, 101, 4),
        Report(REDUCED, ASK, Reason.SELF_TRADE, 1, 0, 100, 4),
    ]
    bid(book, 3, 101, 1, owner=1, self_trade=SelfTrade.CANCEL_SMALLER)
    assert last(book, 1) == [Report(CANCELLED, BID, Reason.SELF_TRADE, 3, 0, 101, 1)]
    bid(book, 4, 7, 1, owner=1, self_trade=SelfTrade.CANCEL_NEWEST, **MARKET)
    assert last(book, 1) == [Report(CANCELLED, BID, Reason.SELF_TRADE, 4, 0, 0, 1)]


def test_a_rejection_names_the_command() -> None:
    book = OrderBook(4)
    rejected = book.apply(command(CommandType.CANCEL_ORDER, order_id=5, price=6, quantity=7, side=9))
    assert reports_of(rejected) == [Report(ReportKind.REJECTED, 9, Reason.UNKNOWN_ORDER, 5, 0, 6, 7)]


def test_reports_are_numbered_and_typed() -> None:
    book = OrderBook(4)
    commands = np.zeros(3, COMMAND)
    commands["type"], commands["side"], commands["quantity"] = CommandType.NEW_ORDER, [1, 2, 7], 5
    commands["order_id"] = [1, 2, 3]
    reports = np.concatenate([book.apply(commands), book.apply(commands)])
    assert reports.dtype == REPORT
    assert reports["kind"].tolist() == [ACCEPTED, ACCEPTED, TRADE, 7, ACCEPTED, ACCEPTED, TRADE, 7]
    assert reports["seq_num"].tolist() == list(range(1, 9))
    assert set(reports["type"].tolist()) == {16}
    assert set(reports["instrument"].tolist()) == {0}


def test_no_command_no_report() -> None:
    book = OrderBook(4)
    reports = book.apply(np.zeros(0, COMMAND))
    assert reports.dtype == REPORT
    assert reports.shape == (0,)


def test_one_command_may_make_two_reports_for_every_resting_order() -> None:
    """Each maker is cancelled and the incoming order reduced by its size: the room for reports must do for this too."""
    book = OrderBook(1000)
    for order_id in range(500):
        ask(book, order_id, order_id % 7, 1, owner=1)
    reports = book.apply(
        command(
            CommandType.NEW_ORDER,
            order_id=999,
            side=Side.BID,
            price=7,
            quantity=501,
            owner=1,
            flags=SelfTrade.DECREMENT,
        )
    )
    assert len(reports) == 1 + 2 * 500
    assert reports["kind"].tolist() == [ReportKind.ACCEPTED, *[ReportKind.REDUCED, ReportKind.CANCELLED] * 500]
    assert [(order.id, order.quantity) for order in book] == [(999, 1)]


@pytest.mark.skipif(COMPILED, reason="compiled, it is for compiled callers")
@pytest.mark.parametrize("many", [0, 100])
def test_a_run_says_where_the_reports_of_each_command_end(monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    """With ``many`` 0, the books have many orders from the start."""
    from pricetime.native.uncompiled import ArrayMemory, Memory

    monkeypatch.setattr("pricetime.core.book.MANY_ORDERS", many)

    layout: Any = layout_module
    commands = np.concatenate(
        [
            command(CommandType.NEW_ORDER, order_id=1, side=2, price=100, quantity=5),
            command(CommandType.NEW_ORDER, order_id=2, side=1, price=100, quantity=9),
            command(CommandType.CANCEL_ORDER, order_id=1),
            command(CommandType.MASS_CANCEL, owner=1),
        ]
    )
    engine: Any = Engine([Instrument(0)], capacity=10)
    books = engine.books
    books.reports = Memory(48 * books.report_bound(4, 0, 0)).cells_of(layout.Report)
    ends = [0] * 4
    books.run(ArrayMemory(commands).cells_of(layout.Command), 4, ends)
    assert ends == [1, 3, 4, 5]
    assert [books.reports[i].kind for i in range(5)] == [1, 1, 2, 7, 8]
