"""What every uncross must leave behind, whatever orders were collected, and in which order."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pricetime import ASK, BID, COMPILED, OrderBook, OrderType, Phase, ReportKind, TimeInForce
from pricetime.auctions import AUCTION_RULES
from pricetime.types import CommandType, Side
from tests.books import command
from tests.reference import every_price

MANY = 300 if COMPILED else 15

#: Side, price (None: a market order), lots, displayed lots (0: all), time in force.
Collected = tuple[Side, int | None, int, int, TimeInForce]

kept = st.sampled_from([TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GFA])
collected = st.lists(
    st.tuples(
        st.sampled_from(Side), st.one_of(st.none(), st.integers(95, 105)), st.integers(1, 20), st.integers(0, 5), kept
    ),
    max_size=14,
)


def book_of(orders: list[Collected], profile: str, reference: int | None) -> OrderBook:
    book = OrderBook(50, venue={"auction": profile, "reference_price": reference}, phase=Phase.OPENING_AUCTION)
    for number, (side, price, lots, display, time) in enumerate(orders):
        given_: dict[str, Any] = {"time_in_force": time}
        if price is None:
            given_ |= {"order_type": OrderType.MARKET, "time_in_force": TimeInForce.GTC}
        elif display and display < lots and time is not TimeInForce.GFA:
            given_["display_quantity"] = display
        book.add_order(number, side, price, lots, **given_)
    return book


def uncross(book: OrderBook) -> Any:
    return book.apply(command(CommandType.UNCROSS, flags=Phase.CONTINUOUS))


def interest(orders: list[Collected], side: Side) -> list[tuple[int | None, int]]:
    return [(price, lots) for order_side, price, lots, _, _ in orders if order_side is side]


drawn_profile = st.sampled_from(list(AUCTION_RULES))
drawn_reference = st.one_of(st.none(), st.integers(90, 110))


@settings(max_examples=MANY, deadline=None)
@given(collected, drawn_profile, drawn_reference)
def test_what_holds_after_an_uncross(orders: list[Collected], profile: str, reference: int | None) -> None:
    book = book_of(orders, profile, reference)
    best = every_price.best_price(interest(orders, BID), interest(orders, ASK), profile, reference, 1)
    reports = uncross(book)
    book.check()
    found = reports[reports["kind"] == ReportKind.UNCROSSED]
    trades = reports[reports["kind"] == ReportKind.AUCTION_TRADE]
    assert len(found) == 1
    price, volume = int(found["price"][0]), int(found["quantity"][0])
    # no pair that could trade is left
    assert book.best_bid is None or book.best_ask is None or book.best_bid < book.best_ask
    # the volume is the most that any price gives, and all of it traded at one price
    assert (price, volume) == (best[:2] if best else (0, 0))
    assert set(trades["price"].tolist()) <= {price}
    assert int(trades["quantity"].sum()) == volume
    traded = Counter[int]()
    for trade in trades:
        traded[int(trade["order_id"])] += int(trade["quantity"])
        traded[int(trade["maker_id"])] += int(trade["quantity"])
    for number, (side, limit, lots, _, time) in enumerate(orders):
        left = book.order(number).quantity if number in book else 0
        ended = reports[(reports["kind"] == ReportKind.CANCELLED) & (reports["order_id"] == number)]
        # lots add up, and no order trades beyond its limit
        assert traded[number] + left + int(ended["quantity"].sum()) == lots
        assert not traded[number] or limit is None or (price <= limit if side is BID else price >= limit)
        # what was for this auction, or has no price, is gone
        assert not left or (limit is not None and time is not TimeInForce.GFA)
        # an order that would trade at a better price than the auction's is filled
        if volume and limit is not None and (limit > price if side is BID else limit < price):
            others = interest(orders, other(side))
            able = sum(more for at, more in others if able_at(other(side), at, price))
            assert traded[number] == lots or able == volume


def other(side: Side) -> Side:
    return ASK if side is BID else BID


def able_at(side: Side, limit: int | None, price: int) -> bool:
    """Can an order with this limit trade at a price?"""
    return limit is None or (limit >= price if side is BID else limit <= price)


@settings(max_examples=MANY, deadline=None)
@given(collected, drawn_profile, drawn_reference, st.integers(0, 2**32))
def test_the_order_of_arrival_counts_only_at_one_price(
    orders: list[Collected], profile: str, reference: int | None, seed: int
) -> None:
    orders = [
        (*order[:4], TimeInForce.DAY) for order in orders
    ]  # what is left of an order for one auction would not stay
    book = book_of(orders, profile, reference)
    random.Random(seed).shuffle(orders)
    other = book_of(orders, profile, reference)
    assert book.indicative() == other.indicative()
    assert book.uncross() == other.uncross()
    assert lots_by_price(book) == lots_by_price(other)


def lots_by_price(book: OrderBook) -> Counter[tuple[Side, int]]:
    """All lots at each price, those that icebergs hide too."""
    found = Counter[tuple[Side, int]]()
    for order in book:
        found[order.side, order.price] += book.order(order.id).quantity
    return found
