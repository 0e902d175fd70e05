"""The price of an auction: one algorithm, and what each venue does differently.

At a candidate price every buyer that pays it and every seller that takes it could trade: ``volume`` is what the
smaller of the two sides has, ``surplus`` is what buyers have more than sellers. The price is the candidate

1. with the most volume (without any volume the auction has no price),
2. of these with the smallest surplus, whichever side has it,
3. of these the highest if buyers have the surplus at all of them, the lowest if sellers have it at all of them,
4. otherwise the one nearest to the reference price, the higher of two equally near; without a reference the highest.

If only market orders meet, the price is the reference price.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from ..auctions import AUCTION_RULES, AuctionPrice, AuctionRule
from ..errors import InvalidPrice, InvalidQuantity, InvalidSetting
from ..types import Side

#: What an order offers an auction: its price, None for a market order, and all its lots.
Interest: TypeAlias = tuple[int | None, int]


class Stop(NamedTuple):
    """A stop order that waits while an auction determines its price."""

    side: Side
    trigger_price: int
    price: int | None  #: its limit once it is triggered, None for a market order
    quantity: int


class Span(NamedTuple):
    """Candidate prices from ``low`` to ``high``, all with the same volume and surplus."""

    low: int
    high: int
    volume: int
    surplus: int


def auction_price(
    bids: Iterable[Sequence[int | None]],
    asks: Iterable[Sequence[int | None]],
    *,
    profile: str = "xetra",
    reference: int | None = None,
    tick: int = 1,
    stops: Iterable[Stop] = (),
) -> AuctionPrice | None:
    """The price at which these orders would trade, None if no two of them can.

    ``bids``, ``asks``: pairs of price (None: a market order) and quantity. ``profile``: a row of ``AUCTION_RULES``.
    ``stops``: stop orders; only a profile with ``stops_inside`` looks at them. Raises InvalidSetting (unknown profile,
    tick below 1), InvalidQuantity and InvalidPrice (no multiple of the tick).

    >>> auction_price([(202, 400), (201, 200)], [(199, 300), (198, 200)])
    AuctionPrice(price=201, volume=500, surplus=100)
    """
    if profile not in AUCTION_RULES:
        raise InvalidSetting(f"auction profile {profile!r} is unknown: give one of {', '.join(AUCTION_RULES)}")
    if tick < 1:
        raise InvalidSetting(f"tick {tick} is out of range: give one from 1")
    rule = AUCTION_RULES[profile]
    buyers, sellers = checked(bids, tick), checked(asks, tick)
    if rule.stops_inside:
        return with_stops(buyers, sellers, rule, reference, tick, stops)[0]
    return price_of(buyers, sellers, rule, reference, tick)


def checked(orders: Iterable[Sequence[int | None]], tick: int) -> list[Interest]:
    """The orders of one side as pairs."""
    found = []
    for price, quantity in orders:
        if quantity is None or quantity < 1:
            raise InvalidQuantity(f"quantity {quantity} is out of range: give one from 1")
        if price is not None and price % tick:
            raise InvalidPrice(f"price {price} is not a multiple of the tick {tick}")
        found.append((price, quantity))
    return found


def with_stops(
    bids: Sequence[Interest],
    asks: Sequence[Interest],
    rule: AuctionRule,
    reference: int | None,
    tick: int,
    stops: Iterable[Stop],
) -> tuple[AuctionPrice | None, list[int]]:
    """The price once every stop order that it triggers takes part, and the places of these in ``stops``.

    Buy stops join if the price is at or above their trigger price, sell stops if it is at or below. The price is then
    determined again, until it triggers no more of them. They join in the order of ``stops``.
    """
    sides = {Side.BID: list(bids), Side.ASK: list(asks)}
    waiting = dict(enumerate(stops))
    joined: list[int] = []
    while True:
        found = price_of(sides[Side.BID], sides[Side.ASK], rule, reference, tick)
        triggered = [n for n, stop in waiting.items() if found is not None and triggers(stop, found.price)]
        if not triggered:
            return found, joined
        for number in triggered:
            stop = waiting.pop(number)
            sides[stop.side].append((stop.price, stop.quantity))
        joined += triggered


def triggers(stop: Stop, price: int) -> bool:
    """Does a trade at this price trigger the stop order?"""
    return price >= stop.trigger_price if stop.side is Side.BID else price <= stop.trigger_price


def price_of(
    bids: Sequence[Interest], asks: Sequence[Interest], rule: AuctionRule, reference: int | None, tick: int
) -> AuctionPrice | None:
    """The four steps of the module."""
    spans = [span for span in candidates(bids, asks, rule, reference, tick) if span.volume]
    if not spans:
        return None
    volume = max(span.volume for span in spans)
    spans = [span for span in spans if span.volume == volume]
    least = min(abs(span.surplus) for span in spans)
    spans = [span for span in spans if abs(span.surplus) == least]
    if all(span.surplus > 0 for span in spans):
        return result(highest(spans, rule, reference, tick), spans)
    if all(span.surplus < 0 for span in spans):
        return result(lowest(spans, rule, reference, tick), spans)
    return result(nearest(spans, reference, tick), spans)


def candidates(
    bids: Sequence[Interest], asks: Sequence[Interest], rule: AuctionRule, reference: int | None, tick: int
) -> Iterator[Span]:
    """The candidate prices from low to high. Between two limits volume and surplus do not change: one span."""
    limits = {price for price, _ in (*bids, *asks) if price is not None}
    if (rule.with_reference or not limits) and reference is not None:
        limits.add(reference)
    below = None
    for price in sorted(limits):
        if rule.every_tick and below is not None and below + tick < price:
            yield span_of(bids, asks, below + tick, price - tick)
        yield span_of(bids, asks, price, price)
        below = price


def span_of(bids: Sequence[Interest], asks: Sequence[Interest], low: int, high: int) -> Span:
    """What could trade at the prices from low to high, between which no limit lies."""
    buyers = sum(quantity for price, quantity in bids if price is None or price >= high)
    sellers = sum(quantity for price, quantity in asks if price is None or price <= low)
    return Span(low, high, min(buyers, sellers), buyers - sellers)


def highest(spans: Sequence[Span], rule: AuctionRule, reference: int | None, tick: int) -> int:
    """The highest candidate; with a limit in percent, the one nearest to the reference price plus the limit."""
    if rule.percent and reference is not None:
        return clamped(spans, rounded(reference * (100 + rule.percent), tick))
    return max(span.high for span in spans)


def lowest(spans: Sequence[Span], rule: AuctionRule, reference: int | None, tick: int) -> int:
    """The lowest candidate; with a limit in percent, the one nearest to the reference price minus the limit."""
    if rule.percent and reference is not None:
        return clamped(spans, rounded(reference * (100 - rule.percent), tick))
    return min(span.low for span in spans)


def rounded(hundredths: int, tick: int) -> int:
    """A price given in hundredths as the nearest multiple of the tick, the higher of two equally near."""
    return (2 * hundredths + 100 * tick) // (200 * tick) * tick


def clamped(spans: Sequence[Span], price: int) -> int:
    """The price, or the end of the candidates that is nearest to it."""
    return max(min(price, max(span.high for span in spans)), min(span.low for span in spans))


def nearest(spans: Sequence[Span], reference: int | None, tick: int) -> int:
    """The candidate nearest to the reference price, the higher of two equally near; without a reference the highest."""
    if reference is None:
        return max(span.high for span in spans)
    above = span_ends(spans, reference - reference % tick, tick)
    return min(above, key=lambda price: (abs(price - reference), -price))


def span_ends(spans: Sequence[Span], near: int, tick: int) -> Iterator[int]:
    """The candidates that can be nearest to a reference price from ``near`` to below the next tick."""
    for span in spans:
        for price in (near, near + tick):
            yield min(max(price, span.low), span.high)


def result(price: int, spans: Sequence[Span]) -> AuctionPrice:
    """The price with the volume and surplus of its span."""
    span = next(span for span in spans if span.low <= price <= span.high)
    return AuctionPrice(price, span.volume, span.surplus)
