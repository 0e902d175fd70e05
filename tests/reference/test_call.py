"""Call phases: what they accept, what waits for them, and the uncross that ends them."""

from __future__ import annotations

from typing import Any

import pytest

from pricetime.auctions import AuctionPrice
from pricetime.errors import InstrumentHalted, InvalidPhase, InvalidPrice, MustUncross, NotInPhase, PricetimeError
from pricetime.phases import PHASES
from pricetime.reference.commands import apply
from pricetime.types import CommandType, Instruction, Phase, PriceKind, Reason, ReportKind, TimeInForce
from tests.reference.venue_flow import command
from tests.reference.venues import (
    ASK,
    BID,
    MARKET,
    MTL,
    STOP,
    STOP_LIMIT,
    enter,
    queue,
    told,
    venue_book,
)

OPENING, CLOSING, CLOSED = Phase.OPENING_AUCTION, Phase.CLOSING_AUCTION, Phase.CLOSED
CALLS = [phase for phase, rule in PHASES.items() if rule.collects]


def collecting(phase: int = OPENING, **settings: Any) -> Any:
    book = venue_book(**settings)
    book.set_phase(phase)
    return book


@pytest.mark.parametrize("phase", PHASES)
def test_the_table_of_phases(phase: int) -> None:
    """Each kind of command in each phase: accepted, or rejected for the reason of the row."""
    kinds = {
        CommandType.NEW_ORDER: {"order_id": 2, "side": 1, "price": 90, "quantity": 1},
        CommandType.REPLACE_ORDER: {"order_id": 1, "price": 90, "quantity": 1},
        CommandType.REDUCE_ORDER: {"order_id": 1, "quantity": 1},
        CommandType.CANCEL_ORDER: {"order_id": 1},
    }
    for kind, fields in kinds.items():
        book = venue_book()
        enter(book, 1, BID, 5, 80)
        book.set_phase(phase)
        [report] = apply(book, command(kind, **fields))[:1]
        rule = PHASES[phase]
        rejected = report["kind"] == ReportKind.REJECTED
        assert rejected == (kind not in rule.accepts)
        assert not rejected or report["reason"] == rule.reason


def test_an_opening_auction() -> None:
    book = collecting(reference_price=100)
    assert enter(book, 1, BID, 5, order_type=MARKET) == [("ACCEPTED", 1, 5, 0, "AT_MARKET")]
    assert enter(book, 2, BID, 9, order_type=MTL) == [("ACCEPTED", 2, 9, 0, "AT_MARKET")]
    enter(book, 3, BID, 4, 101)
    enter(book, 4, ASK, 6, 99)
    enter(book, 5, ASK, 2, 100)
    assert book.depth() == ([(101, 4, 1)], [(99, 6, 1), (100, 2, 1)])
    assert book.indicative() == AuctionPrice(101, 8, 10)
    seen = len(book.reports)
    assert book.uncross() == AuctionPrice(101, 8, 10)
    assert told(book, seen) == [
        ("UNCROSSED", 0, 8, 101, "NONE"),
        ("AUCTION_TRADE", 1, 4, 5, 101),
        ("AUCTION_TRADE", 2, 4, 1, 101),
        ("AUCTION_TRADE", 2, 5, 2, 101),
        ("REPLACED", 2, 6, 101, "PRICED"),
        ("PHASE_CHANGED", 0, 0, 0, "NONE"),
    ]
    assert queue(book, BID, 101) == [(3, 4, 0), (2, 6, 0)]
    assert (book.last, book.reference, book.phase, book.collecting) == (101, 101, Phase.CONTINUOUS, False)


def test_market_orders_that_nothing_meets_are_cancelled() -> None:
    book = collecting()
    enter(book, 1, BID, 5, order_type=MARKET)
    enter(book, 2, BID, 5, order_type=MTL)
    enter(book, 3, ASK, 5, order_type=MTL)
    assert book.indicative() is None
    seen = len(book.reports)
    assert book.uncross() is None
    assert told(book, seen) == [
        ("UNCROSSED", 0, 0, 0, "NO_AUCTION_PRICE"),
        ("CANCELLED", 1, 5, 0, "MARKET_REMAINDER"),
        ("CANCELLED", 2, 5, 0, "AUCTION_REMAINDER"),
        ("CANCELLED", 3, 5, 0, "AUCTION_REMAINDER"),
        ("PHASE_CHANGED", 0, 0, 0, "NONE"),
    ]


def test_the_indicative_report() -> None:
    book = collecting()
    seen = len(book.reports)
    book.indicate()
    enter(book, 1, BID, 5, 101)
    enter(book, 2, ASK, 7, 100)
    book.indicate()
    found = [r for r in book.reports[seen:] if r.kind == 14]
    assert [(r.side, r.maker_id, r.price, r.quantity) for r in found] == [(0, 0, 0, 0), (ASK, 2, 100, 5)]


def test_volumes_beyond_64_bits_are_reported_as_the_largest() -> None:
    book = collecting()
    for order_id in range(3):
        enter(book, order_id, BID, 2**63 - 1, 101 + order_id)
        enter(book, 10 + order_id, ASK, 2**63 - 1, 98 + order_id)
    book.indicate()
    assert book.reports[-1].quantity == 2**64 - 1


def test_orders_for_the_close_wait_for_it() -> None:
    book = venue_book()
    at_close = Instruction.AT_THE_CLOSE
    assert enter(book, 1, BID, 5, 100, instructions=at_close) == [("ACCEPTED", 1, 5, 100, "WAITS")]
    enter(book, 2, ASK, 3, order_type=MARKET, instructions=at_close)
    enter(book, 3, BID, 1, 100)
    assert book.depth() == ([(100, 1, 1)], [])
    seen = len(book.reports)
    book.set_phase(CLOSING)
    assert told(book, seen) == [
        ("PHASE_CHANGED", 0, 6, 0, "NONE"),
        ("TRIGGERED", 1, 5, 100, "NONE"),
        ("TRIGGERED", 2, 3, 0, "AT_MARKET"),
    ]
    assert enter(book, 4, BID, 7, 99, instructions=at_close) == [("ACCEPTED", 4, 7, 99, "NONE")]
    seen = len(book.reports)
    book.uncross(CLOSED)
    assert told(book, seen)[1:] == [
        ("AUCTION_TRADE", 3, 2, 1, 100),
        ("AUCTION_TRADE", 1, 2, 2, 100),
        ("CANCELLED", 1, 3, 100, "AUCTION_REMAINDER"),
        ("CANCELLED", 4, 7, 99, "AUCTION_REMAINDER"),
        ("PHASE_CHANGED", 0, 2, 0, "NONE"),
    ]


def test_an_order_for_the_close_that_no_level_is_left_for() -> None:
    book = venue_book(level_capacity=1)
    enter(book, 1, BID, 5, 100, instructions=Instruction.AT_THE_CLOSE)
    enter(book, 2, BID, 5, 99)
    book.set_phase(CLOSING)
    assert told(book)[-1] == ("CANCELLED", 1, 5, 100, "LEVELS_FULL")


def test_orders_wait_only_for_their_own_auction() -> None:
    book = collecting(Phase.PRE_OPEN)
    assert enter(book, 1, BID, 5, 100, instructions=Instruction.AT_THE_OPEN)[0][-1] == "WAITS"
    book.set_phase(CLOSING)
    assert book.by_id[1].waits
    book.set_phase(OPENING)
    assert not book.by_id[1].waits


@pytest.mark.parametrize("phase", CALLS)
@pytest.mark.parametrize(
    "terms",
    [
        {"time_in_force": TimeInForce.IOC},
        {"time_in_force": TimeInForce.FOK},
        {"minimum_quantity": 1},
        {"post_only": True},
        {"order_type": MARKET, "protection": 5},
    ],
    ids=str,
)
def test_what_a_call_phase_does_not_accept(phase: int, terms: dict[str, Any]) -> None:
    with pytest.raises(NotInPhase):
        enter(collecting(phase), 1, BID, 5, 100, **terms)


def test_what_only_a_call_phase_accepts() -> None:
    with pytest.raises(NotInPhase):
        enter(venue_book(), 1, BID, 5, 100, time_in_force=TimeInForce.GFA)
    with pytest.raises(NotInPhase):
        venue_book().uncross()
    with pytest.raises(NotInPhase):
        venue_book().indicate()


def test_only_an_uncross_lets_collected_orders_match() -> None:
    book = collecting()
    enter(book, 1, BID, 5, 101)
    enter(book, 2, ASK, 5, 100)
    with pytest.raises(MustUncross):
        book.set_phase(Phase.CONTINUOUS)
    book.set_phase(Phase.HALTED)
    with pytest.raises(MustUncross):
        book.set_phase(Phase.CONTINUOUS)
    with pytest.raises(InstrumentHalted):
        enter(book, 3, BID, 1, 100)
    book.set_phase(OPENING)
    with pytest.raises(InvalidPhase):
        book.uncross(99)
    book.uncross()
    assert len(book) == 0


def test_a_replace_of_a_market_order() -> None:
    book = collecting()
    for order_id in (1, 2, 3):
        enter(book, order_id, BID, 5, order_type=MARKET)
    seen = len(book.reports)
    book.replace_order(1, 0, 6)
    book.replace_order(2, 999, 4, new_id=12)
    assert told(book, seen) == [("REPLACED", 1, 6, 0, "AT_MARKET"), ("REPLACED", 12, 4, 0, "AT_MARKET")]
    assert [order.id for order in book.market_orders[BID][0]] == [12, 3, 1]


def test_stops_do_not_trigger_while_orders_are_collected_but_by_the_auction_price() -> None:
    book = venue_book()
    enter(book, 1, BID, 5, 90, order_type=STOP_LIMIT, trigger_price=101)
    book.set_phase(OPENING)
    enter(book, 2, BID, 5, 101)
    enter(book, 3, ASK, 5, 101)
    seen = len(book.reports)
    book.uncross()
    assert [r[0] for r in told(book, seen)] == ["UNCROSSED", "AUCTION_TRADE", "PHASE_CHANGED", "TRIGGERED"]


def test_a_stop_that_a_closing_price_reached_triggers_when_orders_match_again() -> None:
    book = venue_book()
    enter(book, 1, BID, 5, 90, order_type=STOP_LIMIT, trigger_price=101)
    book.set_phase(CLOSING)
    enter(book, 2, BID, 5, 101)
    enter(book, 3, ASK, 5, 101)
    book.uncross(CLOSED)
    assert book.by_id[1].waits
    book.set_phase(OPENING)
    book.uncross()
    assert not book.by_id[1].waits


def test_stops_inside_the_auction_of_cme() -> None:
    book = collecting(auction="cme")
    for order_id, price, quantity in ((1, 46, 10), (2, 45, 20), (3, 44, 50)):
        enter(book, order_id, BID, quantity, price)
    enter(book, 4, ASK, 10, 46)
    enter(book, 5, ASK, 50, order_type=STOP, trigger_price=45)
    enter(book, 6, ASK, 30, 44, order_type=STOP_LIMIT, trigger_price=46)
    assert book.indicative() == AuctionPrice(44, 80, 0)
    seen = len(book.reports)
    book.uncross()
    assert told(book, seen)[:3] == [
        ("TRIGGERED", 6, 30, 44, "NONE"),
        ("TRIGGERED", 5, 50, 0, "AT_MARKET"),
        ("UNCROSSED", 0, 80, 44, "NONE"),
    ]
    assert book.depth() == ([], [(46, 10, 1)])


def test_a_stop_inside_the_auction_that_finds_no_level_does_not_count() -> None:
    book = collecting(auction="cme", level_capacity=2)
    enter(book, 1, BID, 30, 46)
    enter(book, 2, ASK, 10, 46)
    enter(book, 3, ASK, 20, 44, order_type=STOP_LIMIT, trigger_price=46)
    seen = len(book.reports)
    assert book.uncross() == AuctionPrice(46, 10, 20)
    assert [r[0] for r in told(book, seen)] == ["TRIGGERED", "CANCELLED", "UNCROSSED", "AUCTION_TRADE", "PHASE_CHANGED"]


def test_orders_of_one_owner_trade_in_an_auction() -> None:
    book = collecting(self_trade=3)
    enter(book, 1, BID, 5, 101, owner=7)
    enter(book, 2, ASK, 5, 101, owner=7)
    book.uncross()
    assert len(book) == 0


def test_an_all_or_none_order_waits_through_a_call_phase() -> None:
    book = venue_book(all_or_none=True)
    enter(book, 1, BID, 5, 100, instructions=Instruction.ALL_OR_NONE)
    book.set_phase(OPENING)
    enter(book, 2, ASK, 5, 100)
    assert book.indicative() is None
    book.uncross()
    assert len(book) == 0
    with pytest.raises(NotInPhase):
        enter(collecting(all_or_none=True), 1, BID, 5, 100, instructions=Instruction.ALL_OR_NONE)


def test_the_prices_of_an_instrument() -> None:
    book = venue_book(tick_size=5)
    book.set_price(PriceKind.REFERENCE, 100)
    book.set_price(PriceKind.LOW, 90)
    book.set_price(PriceKind.HIGH, 110)
    assert (book.reference, book.low_price, book.high_price) == (100, 90, 110)
    for kind, price in ((9, 100), (PriceKind.LAST, 101)):
        with pytest.raises(PricetimeError):
            book.set_price(kind, price)
    with pytest.raises(PricetimeError):
        enter(book, 1, BID, 5, 115)
    assert [r.reason for r in book.reports] == [Reason.NONE] * 3


def test_the_lowest_price_is_at_most_the_highest() -> None:
    book = venue_book(low_price=90, high_price=110)
    for kind, price in ((PriceKind.LOW, 111), (PriceKind.HIGH, 89)):
        with pytest.raises(InvalidPrice):
            book.set_price(kind, price)
    book.set_price(PriceKind.LOW, 110)
    assert (book.low_price, book.high_price) == (110, 110)


def test_a_price_kind_that_a_command_cannot_set() -> None:
    for flags in (0, 5):
        [report] = apply(venue_book(), command(CommandType.SET_PRICE, flags=flags, price=100))
        assert (report["kind"], report["reason"]) == (ReportKind.REJECTED, Reason.MALFORMED)
