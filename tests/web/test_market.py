"""Frames and history show what the engine has."""

import json
from decimal import Decimal
from typing import Any, cast

import pytest

from pricetime.core.instrument import Instrument
from pricetime.exchange.exchange import Exchange
from pricetime.native.histogram import Histogram
from pricetime.web import market as module
from pricetime.web.listed import HISTORY_S, LEVELS, TRADES, exact
from pricetime.web.market import MOST_INSTRUMENTS, MOST_READ, MOST_READ_BETWEEN, Market, compact, percentiles
from pricetime.wire.types import AcknowledgementLevel
from tests.web.market import ASK, BID, FakeExchange, add


@pytest.fixture
def exchange() -> FakeExchange:
    return FakeExchange([Instrument(1, symbol="ABC", tick_size=5), Instrument(2)])


@pytest.fixture
def market(exchange: FakeExchange) -> Market:
    return Market(cast(Exchange, exchange), exchange.instruments)


def seen(market: Market, instrument: int = 1) -> Any:
    """The frame that a page receives."""
    return json.loads(market.frame({instrument}).text(instrument))


def test_the_frame_has_the_books_of_the_engine(exchange: FakeExchange, market: Market) -> None:
    orders = [add(n, BID, 5 * n, 10 + n) for n in range(1, LEVELS + 9)]
    exchange.send(*orders, add(60, ASK, 300, 7), add(61, ASK, 300, 2))
    frame = seen(market)
    bids, asks = exchange.engine.book(1).depth(LEVELS)
    assert frame["book"]["bids"] == [list(level) for level in bids.tolist()]
    assert frame["book"]["asks"] == [list(level) for level in asks.tolist()] == [[300, 9, 2]]
    assert len(frame["book"]["bids"]) == LEVELS
    assert frame["instruments"][0] == {
        "id": 1,
        "phase": "continuous",
        "indicative": None,
        "bid": 5 * (LEVELS + 8),
        "ask": 300,
        "last": None,
        "side": None,
    }
    assert frame["instruments"][1]["bid"] is None
    assert frame["sequence"] == exchange.store.next_sequence - 1


def test_the_tape_has_the_trades_of_each_instrument_once(exchange: FakeExchange, market: Market) -> None:
    exchange.send(add(1, BID, 100, 10), add(2, ASK, 100, 4))
    assert seen(market)["book"]["tape"] == [[3, 100, 4, "ask", None]]  # made before the first sample
    exchange.send(add(3, ASK, 95, 1), add(9, BID, 7, 1, instrument=2), add(10, ASK, 7, 1, instrument=2))
    frame = seen(market)
    assert frame["book"]["tape"] == [[5, 100, 1, "ask", frame["at"]], [3, 100, 4, "ask", None]]
    assert (frame["instruments"][0]["last"], frame["instruments"][0]["side"]) == (100, "ask")
    assert len(seen(market)["book"]["tape"]) == 2
    assert [trade[1] for trade in seen(market, 2)["book"]["tape"]] == [7]


def test_of_too_many_reports_the_newest_are_read_and_the_others_counted(
    exchange: FakeExchange, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_READ", 8)
    exchange.send(add(1, BID, 100, 1000))
    assert seen(market)["skipped"] == 0
    exchange.send(*(add(n, ASK, 100, 1) for n in range(2, 22)))  # two reports each
    frame = seen(market)
    assert frame["skipped"] == 32
    assert len(frame["book"]["tape"]) == 4
    assert seen(market)["skipped"] == 0


def test_reports_that_are_gone_are_counted_too() -> None:
    exchange = FakeExchange([Instrument(1)], capacity=16)
    market = Market(cast(Exchange, exchange), exchange.instruments)
    seen(market)
    exchange.send(add(1, BID, 100, 1000))
    for n in range(2, 22):
        exchange.send(add(n, ASK, 100, 1))
    frame = seen(market)
    assert frame["skipped"] == 41 - 16
    assert len(frame["book"]["tape"]) == 8


def test_while_the_books_are_busy_they_are_shown_as_they_were(exchange: FakeExchange, market: Market) -> None:
    exchange.send(add(1, BID, 100, 10))
    assert seen(market)["book"]["bids"] == [[100, 10, 1]]
    exchange.is_busy = True
    exchange.send(add(2, ASK, 100, 4))
    assert seen(market)["book"]["bids"] == [[100, 10, 1]]
    exchange.is_busy = False
    assert seen(market)["book"]["bids"] == [[100, 6, 1]]


def test_counts_and_rates_are_not_asked_for_in_every_frame(exchange: FakeExchange, market: Market) -> None:
    for _ in range(20):
        frame = seen(market)
    assert exchange.counted == 2
    assert frame["counts"] == {"commands": 0, "reports": 0, "gateway_rejects": 2}
    exchange.send(add(1, BID, 100, 1))
    assert seen(market)["rates"]["commands_per_s"] > 0


class Clock:
    """The time that the market sees, in ms since 1970."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ms = 1_700_000_000_000
        monkeypatch.setattr("time.time_ns", lambda: self.ms * 1_000_000)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_the_history_has_a_point_for_each_second(exchange: FakeExchange, market: Market, clock: Clock) -> None:
    first = clock.ms
    seen(market)
    exchange.send(add(1, BID, 100, 10), add(2, BID, 95, 3), add(3, ASK, 110, 4))
    clock.ms += 100
    assert seen(market)["book"]["points"] == [[first, 100, 110, 13, 4, 0, 0, 0]]
    exchange.send(add(4, BID, 110, 1), add(5, ASK, 100, 2))
    clock.ms += 100
    assert seen(market)["book"]["points"] == [[first, 100, 110, 11, 3, 1, 2, 0]]
    exchange.send(add(6, ASK, 100, 3))
    clock.ms += 900
    newest = [[first, 100, 110, 11, 3, 1, 2, 0], [first + 1000, 100, 110, 8, 3, 0, 3, 0]]
    assert seen(market)["book"]["points"] == newest
    assert market.history(1) == {"type": "history", "instrument": 1, "points": newest}
    assert [point[1:] for point in market.history(2)["points"]] == [[None, None, 0, 0, 0, 0, 0]] * 2


def test_the_history_goes_on_without_a_page_and_is_bounded(
    exchange: FakeExchange, market: Market, clock: Clock
) -> None:
    market.sample_alone(1)
    exchange.send(add(1, BID, 100, 10))
    for number in range(HISTORY_S + 10):
        clock.ms += 1000
        exchange.send(add(2 + number, ASK, 100, 1), add(2 + number + 1000, BID, 100, 1))
        market.sample_alone(1)
    points = market.history(1)["points"]
    assert len(points) == HISTORY_S
    assert points[-1][0] - points[0][0] == 1000 * (HISTORY_S - 1)
    assert {tuple(point[5:]) for point in points} == {(0, 1, 0)}
    assert len(market.listed[1].tape) == TRADES


def test_trades_between_two_frames_have_their_own_times(exchange: FakeExchange, market: Market, clock: Clock) -> None:
    exchange.send(add(1, BID, 100, 1000))
    seen(market)
    times = []
    for number in range(3):
        clock.ms += 10
        times.append(clock.ms)
        exchange.send(add(2 + number, ASK, 100, 1))
        market.read_new_reports()
    clock.ms += 10
    assert [trade[4] for trade in seen(market)["book"]["tape"]] == times[::-1]


def test_many_reports_between_two_frames_are_left_to_the_frame(exchange: FakeExchange, market: Market) -> None:
    exchange.send(add(1, BID, 100, 1000))
    seen(market)
    exchange.send(*(add(2 + number, ASK, 100, 1) for number in range(MOST_READ_BETWEEN)))
    market.read_new_reports()
    assert not market.listed[1].tape
    assert len(seen(market)["book"]["tape"]) == TRADES


def test_the_role_of_a_node(exchange: FakeExchange, market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    assert market.hello()["role"] == ""
    monkeypatch.setattr(exchange, "level", AcknowledgementLevel.REPLICATED)
    monkeypatch.setattr(exchange, "term", 3)
    assert market.hello()["role"] == "leader, term 3, replicated"


def test_prices_come_with_their_unit() -> None:
    known = [Instrument(1, price_unit=Decimal("0.25")), Instrument(2, price_unit=Decimal("1E+2")), Instrument(3)]
    told = Market(cast(Exchange, FakeExchange(known)), known).hello()["instruments"]
    assert [(one["unit"], one["decimals"]) for one in told] == [(25, 2), (100, 0), (1, 0)]


def test_a_frame_is_encoded_once_for_all_pages(
    exchange: FakeExchange, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = []
    monkeypatch.setattr(module, "compact", lambda value: encoded.append(value) or compact(value))  # type: ignore[func-returns-value]
    frame = market.frame({1, 2})
    for _ in range(50):
        for instrument in (1, 2):
            frame.text(instrument)
    assert len(encoded) == 3  # what is common, and each book


@pytest.mark.parametrize("number", [0, -5, 2**53 - 1, -(2**53 - 1)])
def test_small_numbers_are_numbers(number: int) -> None:
    assert exact(number) == number


def test_numbers_that_javascript_does_not_hold_are_text(exchange: FakeExchange, market: Market) -> None:
    low = -(2**63) // 5 * 5 + 5
    exchange.send(add(1, BID, low, 2**62), add(2, BID, low, 2**62))
    assert seen(market)["book"]["bids"] == [[str(low), str(2**63), 2]]


def test_a_frame_is_bounded_whatever_the_exchange_has() -> None:
    exchange = FakeExchange([Instrument(n, symbol="\x01" * 16) for n in range(300)])
    market = Market(cast(Exchange, exchange), exchange.instruments)
    assert len(market.listed) == MOST_INSTRUMENTS
    assert market.unlisted == 200
    lowest = -(2**63)
    for n in range(MOST_INSTRUMENTS):
        exchange.send(add(1, BID, lowest, 2**62, instrument=n), add(2, ASK, 2**63 - 1, 2**62, instrument=n))
    levels = [add(10 + n, BID, lowest + 1 + n, 2**62, instrument=0) for n in range(2 * LEVELS)]
    trades = [add(100 + n, ASK, lowest, 2**60, instrument=0) for n in range(2 * TRADES)]
    exchange.send(*levels, *trades)
    text = market.frame({0}).text(0)
    assert len(json.loads(text)["book"]["tape"]) == TRADES
    assert len(text) < 32_000
    assert len(compact(market.hello())) < 32_000


def test_no_more_is_read_than_can_be_shown() -> None:
    assert MOST_READ * 48 < 2**19


def test_latencies_of_each_kind() -> None:
    rests, empty = Histogram(), Histogram()
    rests.record_many([1000] * 99 + [500_000])
    (row,) = percentiles({"match": {"rests": rests, "trades": empty}})
    assert (row["interval"], row["kind"], row["p50"]) == ("match", "rests", 1000)
    assert 500_000 <= row["max"] <= 500_500
