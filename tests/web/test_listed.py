"""What a page shows of phases and auctions, report by report."""

from typing import Any

import numpy as np
import pytest

from pricetime.core.instrument import Instrument
from pricetime.profiles import Venue
from pricetime.types import DEPTH, REPORT, OrderType, Phase, Reason, ReportKind, Side, TimeInForce
from pricetime.web.listed import TRADES, Listed

Reports = np.ndarray[Any, np.dtype[np.void]]

EMPTY = np.zeros(0, DEPTH)


def reports(*rows: dict[str, int]) -> Reports:
    made = np.zeros(len(rows), REPORT)
    for row, given in zip(made, rows, strict=True):
        for name, value in given.items():
            row[name] = value
    made["seq_num"] = np.arange(1, len(rows) + 1)
    return made


def row(kind: ReportKind, reason: Reason) -> dict[str, int]:
    return {"kind": kind, "reason": reason}


def auction(kind: ReportKind, price: int, quantity: int, surplus: int = 0, side: int = 0) -> dict[str, int]:
    return {"kind": kind, "price": price, "quantity": quantity, "maker_id": surplus, "side": side}


def change(phase: Phase, reason: Reason = Reason.NONE) -> dict[str, int]:
    return {"kind": ReportKind.PHASE_CHANGED, "quantity": phase, "reason": reason}


@pytest.fixture
def listed() -> Listed:
    made = Listed(Instrument(1))
    made.show(Phase.OPENING_AUCTION, EMPTY, EMPTY)
    return made


def test_where_the_auction_would_trade(listed: Listed) -> None:
    assert listed.book["indicative"] is None
    listed.read(reports(auction(ReportKind.INDICATIVE, 100, 40, 2**60, Side.BID)), 7)
    book = listed.book
    assert (book["phase"], book["collects"], book["auction"]) == ("opening_auction", True, None)
    assert book["indicative"] == {
        "price": 100, "quantity": 40, "surplus": str(2**60), "side": "bid", "at": 7, "phase": "opening_auction",
    }  # fmt: skip
    assert listed.row["indicative"] == 100
    listed.read(reports(row(ReportKind.INDICATIVE, Reason.NO_AUCTION_PRICE)), 8)
    assert listed.indicative is not None
    assert (listed.indicative.price, listed.row["indicative"]) == (None, None)


def test_the_price_after_an_uncross(listed: Listed) -> None:
    listed.read(reports(auction(ReportKind.INDICATIVE, 99, 40)), 7)
    trades = [auction(ReportKind.AUCTION_TRADE, 100, 10)] * 3
    listed.read(
        reports(auction(ReportKind.UNCROSSED, 100, 30, 4, Side.ASK), *trades, change(Phase.CONTINUOUS)), 9
    )  # fmt: skip
    listed.show(Phase.CONTINUOUS, EMPTY, EMPTY)
    book = listed.book
    assert (book["collects"], book["indicative"]) == (False, None)
    assert book["auction"] == {
        "price": 100, "quantity": 30, "surplus": 4, "side": "ask", "at": 9, "phase": "opening_auction",
    }  # fmt: skip
    assert book["tape"] == [[1, 100, 30, "auction", 9]]
    assert (listed.row["last"], listed.row["side"]) == (100, "auction")


def test_an_auction_without_a_price_is_not_on_the_tape(listed: Listed) -> None:
    listed.read(reports(row(ReportKind.UNCROSSED, Reason.NO_AUCTION_PRICE), change(Phase.CONTINUOUS)), 9)
    assert listed.auction is not None
    assert listed.auction.price is None
    assert not listed.tape


def test_of_an_auction_with_too_many_trades_the_price_is_known(listed: Listed) -> None:
    listed.read(reports(*[auction(ReportKind.AUCTION_TRADE, 100, 10)] * 3, change(Phase.CONTINUOUS)), 9)
    assert (listed.book["auction"]["price"], listed.book["auction"]["quantity"]) == (100, None)
    assert listed.book["tape"] == [[1, 100, None, "auction", 9]]


def test_an_interruption_says_when_it_began() -> None:
    listed = Listed(Instrument(1))
    listed.read(reports(change(Phase.VOLATILITY_AUCTION, Reason.OUTSIDE_RANGE)), 5)
    listed.show(Phase.VOLATILITY_AUCTION, EMPTY, EMPTY)
    assert listed.book["interrupted"] == 5
    listed.read(reports(auction(ReportKind.UNCROSSED, 100, 30), change(Phase.CONTINUOUS)), 6)
    listed.show(Phase.CONTINUOUS, EMPTY, EMPTY)
    assert listed.book["interrupted"] is None
    assert listed.book["auction"]["phase"] == "volatility_auction"


def test_an_auction_that_the_operator_begins_is_no_interruption() -> None:
    listed = Listed(Instrument(1))
    listed.read(reports(change(Phase.VOLATILITY_AUCTION)), 5)
    listed.show(Phase.VOLATILITY_AUCTION, EMPTY, EMPTY)
    assert listed.book["interrupted"] is None


def test_the_history_of_a_call_phase_has_the_indicative_price(listed: Listed) -> None:
    crossed = np.array([(105, 10, 1)], DEPTH), np.array([(95, 20, 1)], DEPTH)
    listed.show(Phase.OPENING_AUCTION, *crossed)
    listed.note(1_000)
    assert listed.points[-1] == [1_000, None, None, 10, 20, 0, 0, 0]
    listed.read(reports(auction(ReportKind.INDICATIVE, 100, 10)), 1_100)
    listed.note(1_200)
    listed.read(reports(auction(ReportKind.UNCROSSED, 100, 10), change(Phase.CONTINUOUS)), 1_300)
    listed.note(1_400)
    assert listed.points[-1] == [1_000, None, None, 10, 20, 0, 0, 10]
    listed.show(Phase.CONTINUOUS, EMPTY, crossed[1])
    listed.note(2_000)
    assert list(listed.points)[1:] == [[2_000, None, 95, 0, 20, 0, 0, 0]]


def test_the_form_learns_what_the_venue_rejects() -> None:
    assert Listed(Instrument(1)).description["rejects"] == ["all-or-none"]
    few = Venue(
        order_types=frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT}),
        times_in_force=frozenset({TimeInForce.GTC, TimeInForce.GTD}),
        all_or_none=True,
    )
    assert Listed(Instrument(1, venue=few)).description["rejects"] == [
        "market", "market-to-limit", "stop", "day", "ioc", "fok", "gfa",
    ]  # fmt: skip


def test_the_tape_is_bounded(listed: Listed) -> None:
    for _ in range(2 * TRADES):
        listed.read(reports(auction(ReportKind.UNCROSSED, 100, 30)), 1)
    assert len(listed.tape) == TRADES
