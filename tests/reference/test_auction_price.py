"""The price of an auction: worked examples of venues, and every price tried against the rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricetime.auctions import AUCTION_RULES, AuctionPrice
from pricetime.errors import InvalidPrice, InvalidQuantity, InvalidSetting
from pricetime.reference.auction import Stop, auction_price, with_stops
from pricetime.types import Side
from tests.reference import every_price

EXAMPLES: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("auction_examples.json").read_text(encoding="utf-8")
)

TICKS = (1, 2, 5)
quantities = st.integers(1, 12)


def orders(tick: int) -> st.SearchStrategy[list[tuple[int | None, int]]]:
    prices = st.one_of(st.none(), st.integers(-8, 20).map(lambda n: n * tick))
    return st.lists(st.tuples(prices, quantities), max_size=7)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["name"])
def test_a_worked_example(example: dict[str, Any]) -> None:
    names = ("profile", "reference", "tick")
    found = auction_price(example["bids"], example["asks"], **{name: example[name] for name in names})
    if example["price"] is None:
        assert found is None
        return
    assert found is not None
    assert (found.price, found.volume) == (example["price"], example["volume"])
    assert example["surplus"] in (None, found.surplus)


def test_all_examples_are_there() -> None:
    assert len(EXAMPLES) == 24
    assert {example["profile"] for example in EXAMPLES} == set(AUCTION_RULES)


def test_a_price_of_a_limit_in_percent_is_the_nearest_tick() -> None:
    """90 and 5 % are 94.5: the higher tick, as in example 5.3 of the venue."""
    assert auction_price([(99, 100)], [(92, 50)], profile="bnb", reference=90) == AuctionPrice(95, 50, 50)
    assert auction_price([(99, 100)], [(92, 50)], profile="bnb") == AuctionPrice(99, 50, 50)


def test_a_reference_between_two_ticks() -> None:
    assert auction_price([(110, 5)], [(100, 5)], profile="asx", reference=103, tick=5) == AuctionPrice(105, 5, 0)
    assert auction_price([(110, 5)], [(100, 5)], profile="asx", reference=102, tick=5) == AuctionPrice(100, 5, 0)
    assert auction_price([(104, 5)], [(100, 5)], profile="asx", reference=103, tick=2) == AuctionPrice(104, 5, 0)


def test_prices_far_apart_are_one_step() -> None:
    far = 2**62
    assert auction_price([(far, 5)], [(-far, 5)], profile="asx", reference=7) == AuctionPrice(7, 5, 0)


@pytest.mark.parametrize("profile", AUCTION_RULES)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_every_price_tried_gives_the_same(profile: str, data: st.DataObject) -> None:
    tick = data.draw(st.sampled_from(TICKS))
    bids, asks = data.draw(orders(tick)), data.draw(orders(tick))
    reference = data.draw(st.one_of(st.none(), st.integers(-50, 120)))
    if reference is not None and data.draw(st.booleans()):
        reference -= reference % tick
    found = auction_price(bids, asks, profile=profile, reference=reference, tick=tick)
    assert found == every_price.best_price(bids, asks, profile, reference, tick)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_no_price_trades_more(data: st.DataObject) -> None:
    bids, asks = data.draw(orders(1)), data.draw(orders(1))
    for profile in AUCTION_RULES:
        found = auction_price(bids, asks, profile=profile, reference=data.draw(st.integers(-10, 25)))
        for price in range(-12, 27) if found else ():
            assert found is not None
            assert min(every_price.book_at(bids, asks, price)) <= found.volume
        if found:
            buying, selling = every_price.book_at(bids, asks, found.price)
            assert (min(buying, selling), buying - selling) == found[1:]


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_stops_inside_the_auction(data: st.DataObject) -> None:
    bids, asks = data.draw(orders(1)), data.draw(orders(1))
    stop = st.tuples(st.booleans(), st.integers(-8, 20), st.one_of(st.none(), st.integers(-8, 20)), quantities)
    drawn = data.draw(st.lists(stop, max_size=6))
    reference = data.draw(st.one_of(st.none(), st.integers(-10, 25)))
    stops = [Stop(Side.BID if buys else Side.ASK, trigger, price, lots) for buys, trigger, price, lots in drawn]
    found = auction_price(bids, asks, profile="cme", reference=reference, stops=stops)
    assert found == every_price.with_stops(bids, asks, reference, drawn)
    plain = auction_price(bids, asks, profile="xetra", reference=reference, stops=stops)
    assert plain == auction_price(bids, asks, profile="cme", reference=reference)


def test_the_stops_that_join_are_named_in_their_order() -> None:
    """The first price, 46, triggers a sell stop; with it the price is 45, which triggers the next."""
    stops = [Stop(Side.ASK, 45, None, 50), Stop(Side.BID, 99, None, 1), Stop(Side.ASK, 46, 44, 30)]
    bids, asks = [(46, 10), (45, 20), (44, 50)], [(46, 10)]
    found, joined = with_stops(bids, asks, AUCTION_RULES["cme"], None, 1, stops)
    assert joined == [2, 0]
    assert found == AuctionPrice(44, 80, 0)


@pytest.mark.parametrize(
    ("given_", "error"),
    [
        ({"profile": "london"}, InvalidSetting),
        ({"tick": 0}, InvalidSetting),
        ({"bids": [(5, 0)]}, InvalidQuantity),
        ({"bids": [(5, None)]}, InvalidQuantity),
        ({"asks": [(5, 1)], "tick": 2}, InvalidPrice),
    ],
)
def test_bad_input(given_: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        auction_price(**({"bids": [], "asks": []} | given_))
