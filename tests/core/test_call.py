"""Call phases of a book: what joins, the uncross and what it returns, and what goes on afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from pricetime import (
    ASK,
    BID,
    CommandType,
    Instruction,
    OrderBook,
    OrderType,
    Phase,
    Reason,
    ReportKind,
    SelfTrade,
    TimeInForce,
)
from pricetime.auctions import AuctionPrice
from pricetime.errors import InvalidPhase, LevelsFull, MustUncross, NotInPhase, ReadOnlyBook
from pricetime.phases import PHASES
from tests.books import command, ladder, queue

MARKET: dict[str, Any] = {"order_type": OrderType.MARKET}
MTL: dict[str, Any] = {"order_type": OrderType.MARKET_TO_LIMIT}
AT_CLOSE: dict[str, Any] = {"instructions": Instruction.AT_THE_CLOSE}
CALLS = [phase for phase, rule in PHASES.items() if rule.collects]


def collecting(phase: Phase = Phase.OPENING_AUCTION, capacity: int = 100, **settings: Any) -> OrderBook:
    return OrderBook(capacity, phase=phase, **settings)


def run(book: OrderBook, kind: CommandType, **fields: int) -> list[tuple[Any, ...]]:
    """The reports of a command: kind, order, quantity, price, reason; of auction trades the seller for the reason."""
    found = []
    for r in book.apply(command(kind, **fields)):
        name = ReportKind(r["kind"]).name
        last = int(r["maker_id"]) if r["kind"] == ReportKind.AUCTION_TRADE else Reason(r["reason"]).name
        found.append((name, int(r["order_id"]), int(r["quantity"]), int(r["price"]), last))
    return found


def test_an_opening_auction() -> None:
    book = collecting(venue={"reference_price": 100})
    book.add_order(1, BID, None, 5, **MARKET)
    book.add_order(2, BID, None, 9, **MTL)
    book.add_order(3, BID, 101, 4)
    book.add_order(4, ASK, 99, 6)
    book.add_order(5, ASK, 100, 2)
    assert ladder(book) == ([(101, 4, 1)], [(99, 6, 1), (100, 2, 1)])
    assert run(book, CommandType.INDICATE) == [("INDICATIVE", 0, 8, 101, "NONE")]
    assert run(book, CommandType.UNCROSS) == [
        ("UNCROSSED", 0, 8, 101, "NONE"),
        ("AUCTION_TRADE", 1, 5, 101, 4),
        ("AUCTION_TRADE", 2, 1, 101, 4),
        ("AUCTION_TRADE", 2, 2, 101, 5),
        ("REPLACED", 2, 6, 101, "PRICED"),
        ("PHASE_CHANGED", 0, 0, 0, "NONE"),
    ]
    assert queue(book, BID, 101) == [(3, 4), (2, 6)]
    assert (book.last_price, book.reference_price, book.phase) == (101, 101, Phase.CONTINUOUS)
    book.check()


def test_without_a_price() -> None:
    book = collecting()
    book.add_order(1, BID, None, 5, **MARKET)
    book.add_order(2, BID, None, 5, **MTL)
    book.add_order(3, ASK, None, 5, **MTL)
    assert run(book, CommandType.INDICATE) == [("INDICATIVE", 0, 0, 0, "NO_AUCTION_PRICE")]
    assert book.uncross() is None
    assert len(book) == 0
    assert (book.last_price, book.reference_price) == (None, None)


def test_orders_for_the_close_join_in_order_of_entry() -> None:
    book = OrderBook(10)
    book.add_order(1, BID, 100, 5, **AT_CLOSE)
    book.add_order(2, ASK, None, 3, **MARKET, **AT_CLOSE)
    book.add_order(3, BID, 100, 1, **AT_CLOSE)
    book.add_order(4, BID, 100, 1)
    assert (len(book), ladder(book)) == (4, ([(100, 1, 1)], []))
    assert [book.queue_position(number).orders for number in (1, 2, 3)] == [0, 1, 2]
    assert book.order(2).price == 0
    assert run(book, CommandType.SET_PHASE, flags=Phase.CLOSING_AUCTION) == [
        ("PHASE_CHANGED", 0, 6, 0, "NONE"),
        ("TRIGGERED", 1, 5, 100, "NONE"),
        ("TRIGGERED", 2, 3, 0, "AT_MARKET"),
        ("TRIGGERED", 3, 1, 100, "NONE"),
    ]
    book.add_order(5, BID, 99, 7, **AT_CLOSE)
    book.check()
    assert book.uncross(Phase.CLOSED) == AuctionPrice(100, 3, 4)
    assert list(book) == []
    assert book.phase is Phase.CLOSED


def test_the_uncross_into_the_next_auction_lets_its_orders_join() -> None:
    book = collecting()
    book.add_order(1, BID, 100, 5, **AT_CLOSE)
    assert run(book, CommandType.UNCROSS, flags=Phase.CLOSING_AUCTION) == [
        ("UNCROSSED", 0, 0, 0, "NO_AUCTION_PRICE"),
        ("PHASE_CHANGED", 0, 6, 0, "NONE"),
        ("TRIGGERED", 1, 5, 100, "NONE"),
    ]


def test_an_order_that_finds_no_level() -> None:
    book = OrderBook(10, level_capacity=1)
    book.add_order(1, BID, 100, 5, **AT_CLOSE)
    book.add_order(2, BID, 99, 5)
    book.set_phase(Phase.CLOSING_AUCTION)
    assert 1 not in book
    with pytest.raises(LevelsFull):
        book.add_order(3, BID, 98, 1)
    book.add_order(4, BID, None, 5, **MARKET)
    book.check()


def test_a_market_to_limit_order_that_finds_no_level() -> None:
    book = collecting(level_capacity=1)
    book.add_order(1, BID, None, 5, **MTL)
    book.add_order(2, BID, None, 7, **MTL)
    book.add_order(3, ASK, 100, 4)
    assert run(book, CommandType.UNCROSS)[2:] == [
        ("REPLACED", 1, 1, 100, "PRICED"),
        ("REPLACED", 2, 7, 100, "PRICED"),
        ("PHASE_CHANGED", 0, 0, 0, "NONE"),
    ]
    book = collecting(level_capacity=2)
    book.add_order(1, BID, None, 5, **MTL)
    book.add_order(2, ASK, 100, 4)
    book.add_order(3, ASK, 101, 4)
    book.add_order(4, BID, None, 4, **MARKET)
    reports = run(book, CommandType.UNCROSS)
    assert ("UNCROSSED", 0, 8, 101, "NONE") in reports
    book.check()


def test_an_iceberg_displays_its_next_slice_after_the_auction() -> None:
    book = collecting()
    book.add_order(1, BID, 100, 30, display_quantity=10)
    book.add_order(2, BID, 100, 5)
    book.add_order(3, ASK, 100, 12)
    reports = run(book, CommandType.UNCROSS)
    assert ("REFRESHED", 1, 10, 100, "NONE") in reports
    assert queue(book, BID, 100) == [(2, 5), (1, 10)]
    assert book.order(1).quantity == 18
    book.check()


def test_an_iceberg_keeps_what_is_left_of_its_slice() -> None:
    book = collecting()
    book.add_order(1, ASK, 100, 30, display_quantity=10)
    book.add_order(2, BID, 100, 4)
    assert [r[0] for r in run(book, CommandType.UNCROSS)] == ["UNCROSSED", "AUCTION_TRADE", "PHASE_CHANGED"]
    assert queue(book, ASK, 100) == [(1, 6)]


def test_orders_of_one_owner_trade() -> None:
    book = collecting(self_trade=SelfTrade.CANCEL_OLDEST)
    book.add_order(1, BID, 101, 5, owner=7)
    book.add_order(2, ASK, 101, 5, owner=7)
    assert book.uncross() == AuctionPrice(101, 5, 0)
    assert len(book) == 0


def test_a_price_triggers_stops_after_the_auction() -> None:
    book = collecting()
    book.add_order(1, BID, 101, 5)
    book.add_order(2, ASK, 101, 5)
    book.add_order(3, BID, 102, 4, order_type=OrderType.STOP_LIMIT, trigger_price=101)
    assert run(book, CommandType.UNCROSS)[-2:] == [
        ("PHASE_CHANGED", 0, 0, 0, "NONE"),
        ("TRIGGERED", 3, 4, 102, "NONE"),
    ]


def test_stops_inside_the_auction_of_cme() -> None:
    """The first price, 46, triggers a sell stop; with it the price is 44, which triggers the next."""
    book = collecting(profile="cme")
    for number, (side, price, lots) in enumerate(((BID, 46, 10), (BID, 45, 20), (BID, 44, 50), (ASK, 46, 10)), 1):
        book.add_order(number, side, price, lots)
    book.add_order(5, ASK, None, 50, order_type=OrderType.STOP, trigger_price=45)
    book.add_order(6, ASK, 44, 30, order_type=OrderType.STOP_LIMIT, trigger_price=46)
    book.add_order(7, BID, None, 1, order_type=OrderType.STOP, trigger_price=99)
    assert book.indicative() == AuctionPrice(44, 80, 0)
    assert run(book, CommandType.UNCROSS)[:3] == [
        ("TRIGGERED", 6, 30, 44, "NONE"),
        ("TRIGGERED", 5, 50, 0, "AT_MARKET"),
        ("UNCROSSED", 0, 80, 44, "NONE"),
    ]
    assert ladder(book) == ([], [(46, 10, 1)])
    book.check()


def test_a_stop_with_protection_inside_the_auction() -> None:
    book = collecting(profile="cme", low_price=40)
    book.add_order(1, BID, 46, 10)
    book.add_order(2, ASK, 46, 10)
    for number, points in ((3, 2), (4, 9)):
        stop: Any = {"order_type": OrderType.STOP, "trigger_price": 46, "protection": points}
        book.add_order(number, ASK, None, 5, **stop)
    assert book.indicative() == AuctionPrice(44, 10, 0)
    book.uncross()
    assert queue(book, ASK, 44) == []
    book.check()


@pytest.mark.parametrize("phase", CALLS)
def test_a_call_phase_ends_with_an_uncross_only(phase: Phase) -> None:
    book = collecting(phase)
    book.add_order(1, BID, 101, 5)
    with pytest.raises(MustUncross, match="begin phase CONTINUOUS with uncross"):
        book.set_phase(Phase.CONTINUOUS)
    book.set_phase(Phase.HALTED)
    with pytest.raises(MustUncross):
        book.set_phase(Phase.CONTINUOUS)
    with pytest.raises(NotInPhase, match="in phase HALTED"):
        book.uncross()
    book.set_phase(phase)
    assert book.uncross() is None
    book.check()


def test_what_is_not_a_call_phase_or_a_phase() -> None:
    with pytest.raises(NotInPhase):
        OrderBook(10).uncross()
    book = collecting()
    for phase in (99, None, "continuous", TimeInForce.GTC):
        with pytest.raises(InvalidPhase):
            book.uncross(phase)  # type: ignore[arg-type]
    assert run(book, CommandType.UNCROSS, flags=99)[0][-1] == "INVALID_PHASE"
    assert run(book, CommandType.SET_PHASE, flags=99)[0][-1] == "INVALID_PHASE"
    assert run(OrderBook(10), CommandType.INDICATE)[0][-1] == "NOT_IN_PHASE"


def test_a_rejected_uncross_makes_no_report() -> None:
    book = OrderBook(10)
    with pytest.raises(NotInPhase):
        book.uncross()
    assert book.apply(command(CommandType.INDICATE))["seq_num"].tolist() == [1]


def test_a_rebuilt_book_takes_none_of_it() -> None:
    from pricetime.core.builder import BookBuilder

    book = BookBuilder([0]).book(0)
    for call in (book.uncross, book.indicative, lambda: book.expire(1), lambda: book.set_price(1, 1)):
        with pytest.raises(ReadOnlyBook):
            call()
