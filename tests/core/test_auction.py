"""The price of an auction in the core: the examples of venues, the reference, and every price tried."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricetime import ASK, BID, COMPILED, OrderBook, OrderType, Phase
from pricetime.auctions import AUCTION_RULES, AuctionPrice
from pricetime.reference.auction import Stop, auction_price
from pricetime.types import Side
from tests.reference import every_price

EXAMPLES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "reference" / "auction_examples.json").read_text(encoding="utf-8")
)
MANY = 300 if COMPILED else 15
MARKET, STOP, STOP_LIMIT = OrderType.MARKET, OrderType.STOP, OrderType.STOP_LIMIT

Orders = list[tuple[int | None, int]]
Stops = list[tuple[bool, int, int | None, int]]

quantities = st.integers(1, 12)
ticks = st.sampled_from((1, 2, 5))


def orders(tick: int) -> st.SearchStrategy[Orders]:
    prices = st.one_of(st.none(), st.integers(-8, 20).map(lambda n: n * tick))
    return st.lists(st.tuples(prices, quantities), max_size=9)


def collected(bids: Any, asks: Any, profile: str = "xetra", reference: int | None = None, **given: Any) -> OrderBook:
    """A book in a call phase with these orders: prices, None for market orders, and quantities."""
    book = OrderBook(100, venue={"auction": profile, "reference_price": reference}, phase=Phase.PRE_OPEN, **given)
    for side, side_orders in ((BID, bids), (ASK, asks)):
        for price, quantity in side_orders:
            kind: Any = {"order_type": MARKET} if price is None else {}
            book.add_order(len(book), side, price, quantity, **kind)
    return book


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["name"])
def test_a_worked_example(example: dict[str, Any]) -> None:
    book = collected(
        example["bids"], example["asks"], example["profile"], example["reference"], tick_size=example["tick"]
    )
    found = book.indicative()
    if example["price"] is None:
        assert found is None
        return
    assert found is not None
    assert (found.price, found.volume) == (example["price"], example["volume"])
    assert example["surplus"] in (None, found.surplus)
    assert book.uncross() == found
    assert (book.last_price, book.reference_price) == (found.price, found.price)


@pytest.mark.parametrize("profile", AUCTION_RULES)
@settings(max_examples=MANY, deadline=None)
@given(data=st.data())
def test_random_orders(profile: str, data: st.DataObject) -> None:
    tick = data.draw(ticks)
    bids, asks = data.draw(orders(tick)), data.draw(orders(tick))
    reference = data.draw(st.one_of(st.none(), st.integers(-50, 120)))
    found = collected(bids, asks, profile, reference, tick_size=tick).indicative()
    assert found == auction_price(bids, asks, profile=profile, reference=reference, tick=tick)
    if reference is None or reference % tick == 0:
        assert found == every_price.best_price(bids, asks, profile, reference, tick)


@settings(max_examples=MANY, deadline=None)
@given(data=st.data())
def test_stops_inside_the_auction(data: st.DataObject) -> None:
    bids, asks = data.draw(orders(1)), data.draw(orders(1))
    stop = st.tuples(st.booleans(), st.integers(-8, 20), st.one_of(st.none(), st.integers(-8, 20)), quantities)
    drawn = data.draw(st.lists(stop, max_size=12))
    check_stops(bids, asks, drawn, data.draw(st.one_of(st.none(), st.integers(-10, 25))))


@pytest.mark.parametrize("seed", range(40))
def test_many_stops_inside_the_auction(seed: int) -> None:
    """At few prices, so that stop orders share their limits, and some are above all other orders."""
    drawn = random.Random(seed)

    def price() -> int | None:
        return drawn.randrange(6) if drawn.random() < 0.85 else None

    def some() -> Orders:
        return [(price(), drawn.randint(1, 9)) for _ in range(drawn.randint(0, 4))]

    stops = [(drawn.random() < 0.6, drawn.randrange(6), price(), drawn.randint(1, 9)) for _ in range(8)]
    check_stops(some(), some(), stops, drawn.choice((None, 0, 3)))


def check_stops(
    bids: Orders, asks: Orders, drawn: list[tuple[bool, int, int | None, int]], reference: int | None
) -> None:
    """The core finds the price of the reference. Stop orders as whether they buy, trigger price, limit and quantity."""
    book = collected(bids, asks, "cme", reference)
    for buys, trigger, price, lots in drawn:
        kind = STOP if price is None else STOP_LIMIT
        book.add_order(len(book), BID if buys else ASK, price, lots, order_type=kind, trigger_price=trigger)
    stops = [Stop(Side.BID if buys else Side.ASK, trigger, price, lots) for buys, trigger, price, lots in drawn]
    found = auction_price(bids, asks, profile="cme", reference=reference, stops=stops)
    assert book.indicative() == found
    assert book.uncross() == found
    book.check()


LIMITS = (-(2**63), -(2**63) + 1, -(2**62), -1, 0, 1, 2**62, 2**63 - 2, 2**63 - 1)


@pytest.mark.parametrize("profile", AUCTION_RULES)
@settings(max_examples=MANY, deadline=None)
@given(data=st.data())
def test_prices_at_the_ends_of_their_range(profile: str, data: st.DataObject) -> None:
    side = st.lists(st.tuples(st.sampled_from(LIMITS), st.integers(1, 3)), min_size=1, max_size=4)
    bids, asks, reference = data.draw(side), data.draw(side), data.draw(st.sampled_from((None, *LIMITS)))
    found = collected(bids, asks, profile, reference).indicative()
    assert found == auction_price(bids, asks, profile=profile, reference=reference)


@pytest.mark.parametrize("tick", [2**62, 2**63 - 1])
@pytest.mark.parametrize("profile", ["asx", "bnb"])
def test_the_largest_ticks(profile: str, tick: int) -> None:
    for reference in (None, -(2**63), -5, 0, 7, 2**63 - 1):
        found = collected([(tick, 3)], [(-tick, 3)], profile, reference, tick_size=tick).indicative()
        assert found == auction_price([(tick, 3)], [(-tick, 3)], profile=profile, reference=reference, tick=tick)


@pytest.mark.parametrize(("reference", "price"), [(103, 105), (102, 100), (105, 105), (99, 100), (111, 110)])
def test_a_reference_between_two_ticks(reference: int, price: int) -> None:
    found = collected([(110, 5)], [(100, 5)], "asx", reference, tick_size=5).indicative()
    assert found == AuctionPrice(price, 5, 0)


@pytest.mark.parametrize(("reference", "price"), [(113, 115), (112, 110), (115, 115)])
def test_a_reference_among_many_ticks(reference: int, price: int) -> None:
    found = collected([(130, 5)], [(100, 5)], "asx", reference, tick_size=5).indicative()
    assert found == AuctionPrice(price, 5, 0)


def test_volumes_beyond_64_bits() -> None:
    lots = 2**63 - 1
    bids = [(price, lots) for price in range(101, 106)]
    asks = [(price, lots) for price in range(96, 100)]
    found = collected(bids, asks).indicative()
    assert found == AuctionPrice(102, 4 * lots, 0) == auction_price(bids, asks)
    many = [(None, lots)] * 5
    assert collected(many, asks).indicative() == AuctionPrice(99, 4 * lots, lots) == auction_price(many, asks)
    assert collected([(103, lots)], many).indicative() == AuctionPrice(103, lots, -4 * lots)


def test_hidden_lots_take_part() -> None:
    book = collected([], [(100, 30)])
    book.add_order(8, BID, 101, 50, display_quantity=10)
    assert book.indicative() == AuctionPrice(101, 30, 20)


def test_the_price_is_asked_in_every_phase() -> None:
    book = OrderBook(10)
    assert book.indicative() is None
    book.add_order(1, BID, 100, 5)
    assert book.indicative() is None
    book.add_order(2, ASK, 101, 5)
    assert book.indicative() is None


def test_a_stop_order_that_is_triggered_and_takes_no_part() -> None:
    """A seller with a limit above every buyer's."""
    book = collected([(100, 5)], [(99, 5)], "cme")
    book.add_order(8, ASK, 110, 5, order_type=STOP_LIMIT, trigger_price=100)
    expected = auction_price([(100, 5)], [(99, 5)], profile="cme", stops=[Stop(Side.ASK, 100, 110, 5)])
    assert book.uncross() == expected
    assert (book.best_ask, book.last_price) == (110, expected.price if expected else None)
