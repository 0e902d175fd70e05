"""Rebuilt books in call phases, and of icebergs and orders that wait: what fits and what does not."""

from __future__ import annotations

import contextlib
import copy

import numpy as np
import pytest

from pricetime import ASK, BID, Phase, Reason, ReportKind
from pricetime.core.builder import BookBuilder
from pricetime.core.snapshot import IndicativePrice
from pricetime.errors import InvalidSetting, OrdersFull, PricetimeError, ReportMismatch, SnapshotMismatch
from tests.core.test_builder import Fields, accepted, builder, queue, report, reports

AT_MARKET, PRICED = Reason.AT_MARKET, Reason.PRICED
TRADE, CANCELLED, REPLACED, REFRESHED = (
    ReportKind.TRADE, ReportKind.CANCELLED, ReportKind.REPLACED, ReportKind.REFRESHED,
)  # fmt: skip
TRIGGERED, AUCTION_TRADE, INDICATIVE = ReportKind.TRIGGERED, ReportKind.AUCTION_TRADE, ReportKind.INDICATIVE
PHASE_CHANGED = ReportKind.PHASE_CHANGED


def phase(number: int) -> Fields:
    return report(PHASE_CHANGED, side=0, price=0, quantity=number)


def market(order_id: int, **fields: int) -> Fields:
    return accepted(order_id, **({"price": 0, "reason": AT_MARKET, "quantity": 5} | fields))


def collected(**settings: int) -> BookBuilder:
    """A crossed book in a call phase, with a market order on each side, after 5 reports."""
    orders = accepted(1), accepted(2, side=ASK, price=99), market(3), market(4, side=ASK)
    return builder(phase(Phase.PRE_OPEN), *orders, **settings)


MISFITS: list[tuple[Fields, str]] = [
    (market(9, price=1), "price is not"),
    (market(3), "in the book already"),
    (market(9, side=0), "side is not"),
    (market(9, quantity=0), "quantity does not fit"),
    (report(CANCELLED, order_id=3, quantity=5), "price is not"),
    (report(CANCELLED, order_id=3, quantity=4, price=0), "quantity does not fit"),
    (report(REPLACED, order_id=3, maker_id=3), "price is not"),
    (report(REPLACED, order_id=3, maker_id=3, reason=AT_MARKET), "price is not"),
    (report(REPLACED, order_id=3, maker_id=3, reason=AT_MARKET, price=0, side=ASK), "side is not"),
    (report(REPLACED, order_id=3, maker_id=3, reason=AT_MARKET, price=0, quantity=0), "quantity does not fit"),
    (report(REPLACED, order_id=3, maker_id=3, reason=PRICED, quantity=6), "quantity does not fit"),
    (report(REPLACED, order_id=1, maker_id=3, reason=AT_MARKET, price=0), "in the book already"),
    (report(REFRESHED, order_id=3, price=0), "price is not"),
    (report(AUCTION_TRADE, side=0, order_id=1, maker_id=2, quantity=0), "quantity does not fit"),
    (report(AUCTION_TRADE, side=0, order_id=2, maker_id=1), "side is not"),
    (report(AUCTION_TRADE, side=0, order_id=1, maker_id=3), "side is not"),
    (report(AUCTION_TRADE, side=0, order_id=1, maker_id=2, price=101), "price is not"),
    (report(AUCTION_TRADE, side=0, order_id=1, maker_id=2, price=98), "price is not"),
    (report(INDICATIVE, side=3), "side is not"),
    (phase(Phase.CONTINUOUS), "whether orders rest"),
    (phase(7), "phase is unknown"),
]


@pytest.mark.parametrize(("row", "why"), MISFITS, ids=[f"{i} {row[1]}" for i, row in enumerate(MISFITS)])
def test_what_does_not_fit_a_call_phase_changes_nothing(row: Fields, why: str) -> None:
    made = collected()
    before = made.snapshot().orders.tobytes()
    with pytest.raises(ReportMismatch, match=f"report 6 does not fit the books: .*{why}"):
        made.apply(reports(row, first=6))
    assert made.snapshot().orders.tobytes() == before
    made.check()


def test_market_orders_need_room_too() -> None:
    made = collected(capacity=4)
    with pytest.raises(OrdersFull):
        made.apply(reports(market(9), first=6))


def later(made: BookBuilder) -> BookBuilder:
    """A builder that loads a snapshot."""
    found = BookBuilder([1, 2])
    found.load_snapshot(made.snapshot())
    return found


def test_a_snapshot_has_the_last_report_about_an_auction() -> None:
    made = collected()
    assert made.snapshot().auctions == ()
    indicated, nothing = IndicativePrice(-100, 3, 7, BID, final=False), IndicativePrice(None, 0, 0, None, final=False)
    told = [
        (report(INDICATIVE, side=BID, maker_id=7, quantity=3, price=-100), indicated),
        (report(INDICATIVE, side=0, price=0, quantity=0, reason=Reason.NO_AUCTION_PRICE), nothing),
    ]
    for number, (row, expected) in enumerate(told, 6):
        made.apply(reports(row, first=number))
        assert made.snapshot().auctions == (expected, None)
        assert (later(made).auction(1), later(made).auction(2)) == (expected, None)
    empty = made.snapshot()._replace(auctions=())
    made.load_snapshot(empty)
    assert made.auction(1) is None
    for wrong in (indicated,), (indicated._replace(quantity=-1), None), (None, indicated._replace(price=1 << 63)):
        with pytest.raises(InvalidSetting, match="auction"):
            made.load_snapshot(empty._replace(auctions=wrong))


def test_an_auction_from_its_first_order_to_the_next_phase() -> None:
    made = collected()
    assert (len(made), made.in_progress, made.auction(1)) == (4, False, None)
    surplus = {"side": ASK, "maker_id": 5, "quantity": 10, "price": 100}
    made.apply(reports(report(INDICATIVE, **surplus), report(ReportKind.UNCROSSED, **surplus), first=6))
    assert made.auction(1) == IndicativePrice(100, 10, 5, ASK, final=True)
    assert later(made).auction(1) == made.auction(1)
    made.apply(reports(
        report(AUCTION_TRADE, side=0, order_id=3, maker_id=4, quantity=5),
        report(AUCTION_TRADE, side=0, order_id=1, maker_id=2, quantity=5),
        report(AUCTION_TRADE, side=0, order_id=77, maker_id=78, quantity=5),  # hidden lots of two icebergs
        first=8,
    ))  # fmt: skip
    assert queue(made) == [(BID, 100, 1, 5), (ASK, 99, 2, 5)]
    made.apply(reports(report(CANCELLED, order_id=2, side=ASK, price=99, quantity=5), first=11))
    made.check()
    made.apply(reports(phase(Phase.CONTINUOUS), accepted(3, side=ASK, price=101), first=12))
    assert (queue(made), made.auction(2)) == ([(BID, 100, 1, 5), (ASK, 101, 3, 10)], None)
    made.check()


def test_market_orders_change_and_get_the_auction_price() -> None:
    made = collected()
    made.apply(reports(
        report(REPLACED, order_id=8, maker_id=3, reason=AT_MARKET, price=0, quantity=7),
        report(REPLACED, order_id=4, maker_id=4, side=ASK, reason=PRICED, price=105, quantity=5),
        first=6,
    ))  # fmt: skip
    assert queue(made) == [(BID, 100, 1, 10), (ASK, 99, 2, 10), (ASK, 105, 4, 5)]
    again = copy.copy(made)
    assert again.snapshot().orders["order_id"].tolist() == [1, 2, 4, 8]
    again.apply(reports(report(CANCELLED, order_id=8, price=0, quantity=7), first=8))
    again.check()
    assert (len(again), again.digest()) == (3, made.digest())


def test_market_orders_alone_keep_orders_from_matching() -> None:
    made = builder(phase(Phase.PRE_OPEN), market(3, side=ASK))
    with pytest.raises(ReportMismatch, match="whether orders rest"):
        made.apply(reports(phase(Phase.CONTINUOUS), first=3))
    made.apply(reports(phase(Phase.HALTED), first=3))
    again = copy.copy(made)
    again.check()
    again.load_snapshot(builder(accepted(1)).snapshot())
    again.check()


def test_an_iceberg_that_the_taker_used_up_is_refreshed() -> None:
    """The taker met nothing else, so it rested for a moment; a copy between the two reports goes on too."""
    made = builder(accepted(1, side=ASK), accepted(2, quantity=25))
    made.apply(reports(report(TRADE, order_id=2, maker_id=1), report(REFRESHED, order_id=1, side=ASK), first=3))
    for one in (copy.copy(made), made):
        one.check()
        one.apply(reports(report(TRADE, order_id=2, maker_id=1), first=5))
        assert (one.in_progress, queue(one)) == (False, [(BID, 100, 2, 5)])


ROLES: list[Fields] = [
    report(TRADE, order_id=9, maker_id=1),
    report(TRADE, order_id=2, maker_id=1, price=99),
    report(TRADE, order_id=2, maker_id=1, quantity=11),
    report(TRADE, order_id=2, maker_id=1, quantity=0),
    report(TRADE, order_id=2, maker_id=1, side=ASK),
]


@pytest.mark.parametrize("row", ROLES)
def test_a_trade_that_is_not_of_the_refreshed_iceberg_changes_nothing(row: Fields) -> None:
    made = builder(accepted(1, side=ASK), accepted(2, quantity=25))
    made.apply(reports(report(TRADE, order_id=2, maker_id=1), report(REFRESHED, order_id=1, side=ASK), first=3))
    before = made.snapshot().orders.tobytes()
    with pytest.raises(ReportMismatch):
        made.apply(reports(row, first=5))
    assert made.snapshot().orders.tobytes() == before


def test_an_iceberg_is_refreshed_though_the_taker_has_the_last_level() -> None:
    made = builder(accepted(8, price=90), accepted(1, side=ASK), level_capacity=2)
    made.apply(reports(report(TRIGGERED, order_id=2, quantity=25), report(TRADE, order_id=2, maker_id=1), first=3))
    made.apply(reports(report(REFRESHED, order_id=1, side=ASK), report(TRADE, order_id=2, maker_id=1), first=5))
    assert (made.in_progress, queue(made)) == (False, [(BID, 100, 2, 5), (BID, 90, 8, 10)])
    made.check()


def test_an_order_that_never_rests_is_no_maker() -> None:
    made = builder(accepted(1), accepted(5, side=ASK, reason=Reason.NEVER_RESTS))
    with pytest.raises(ReportMismatch, match="not in the book"):
        made.apply(reports(report(TRADE, order_id=1, maker_id=5), first=3))
    assert made.in_progress


def test_a_taker_that_interrupts_trading_rests() -> None:
    made = builder(accepted(1, side=ASK), accepted(2, price=105, quantity=25), phase(Phase.VOLATILITY_AUCTION))
    assert (made.in_progress, queue(made)) == (False, [(BID, 105, 2, 25), (ASK, 100, 1, 10)])
    made.check()
    assert copy.copy(made).digest() == made.digest()


def test_a_stop_order_without_a_level_takes_until_it_is_cancelled() -> None:
    made = builder(accepted(1), accepted(2, price=99), level_capacity=2)
    made.apply(reports(report(TRIGGERED, order_id=5, price=98), first=3))
    assert (made.in_progress, len(made)) == (True, 2)
    again = copy.copy(made)
    for one in (again, made):
        one.apply(reports(report(CANCELLED, order_id=5, price=98), first=4))
        assert (one.in_progress, len(one)) == (False, 2)


def all_or_none(capacity: int = 20) -> BookBuilder:
    """An ask of 99 is triggered, which crosses the bid of 100, for the order that takes it whole."""
    return builder(accepted(1, quantity=3), report(TRIGGERED, order_id=2, side=ASK, price=99), capacity=capacity)


def test_all_or_none_orders_rest_crossed_until_they_trade() -> None:
    made = all_or_none()
    made.apply(reports(report(TRIGGERED, order_id=3, price=100), first=3))
    assert made.in_progress
    for one in (copy.copy(made), made):
        one.apply(reports(report(TRADE, order_id=3, maker_id=2, price=99), first=4))
        assert (one.in_progress, queue(one)) == (False, [(BID, 100, 1, 3)])
        one.check()


def test_a_second_all_or_none_order_needs_room() -> None:
    made = all_or_none(capacity=2)
    with pytest.raises(ReportMismatch, match="not complete"):
        made.apply(reports(report(TRIGGERED, order_id=3, price=100), first=3))


def test_a_snapshot_of_a_crossed_book_needs_a_taker() -> None:
    snapshot = collected().snapshot()
    orders = snapshot.orders[snapshot.orders["taking"] == 0]
    matching = builder().snapshot().instruments
    with pytest.raises(SnapshotMismatch, match="order 2: whether orders rest"):
        builder().load_snapshot(snapshot._replace(instruments=matching, orders=orders))
    with pytest.raises(SnapshotMismatch, match="order 3: its phase"):
        builder().load_snapshot(snapshot._replace(instruments=matching, orders=snapshot.orders[2:]))


@pytest.mark.parametrize(("hidden", "left"), [(0, 10), (4, 6), (10, None)])
def test_of_the_reports_of_an_engine_only_displayed_lots_count(hidden: int, left: int | None) -> None:
    made = builder(accepted(1, maker_id=hidden))
    assert queue(made) == ([] if left is None else [(BID, 100, 1, left)])
    made.apply(reports(
        report(ReportKind.HIDDEN, order_id=1), report(REPLACED, order_id=1, maker_id=1, reason=Reason.WAITS),
        report(ReportKind.EXPIRY_DONE), report(ReportKind.PRICE_SET),
        report(CANCELLED, order_id=1, maker_id=hidden), first=2,
    ))  # fmt: skip
    assert (len(made), made.seq_num) == (0, 6)


def test_every_report_of_every_kind_keeps_the_book_whole() -> None:
    rng = np.random.default_rng(5)
    for _ in range(300):
        made = collected() if rng.random() < 0.5 else all_or_none()
        row = {name: int(rng.integers(0, 7)) for name in ("kind", "side", "order_id", "maker_id", "quantity")}
        row |= {"kind": int(rng.integers(0, 21)), "price": int(rng.choice([0, 99, 100, 101]))}
        row["reason"] = int(rng.choice([0, 0, AT_MARKET, PRICED, Reason.KEPT_PLACE, Reason.NEVER_RESTS]))
        with contextlib.suppress(PricetimeError):
            made.apply(reports(report(**row), first=made.seq_num + 1))
        if not made.in_progress and row["kind"] != TRIGGERED:  # all-or-none orders may rest crossed
            made.check()
