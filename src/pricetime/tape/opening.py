"""Computes an auction from the orders that a tape has collected, and compares it with the tape's trades."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate, takewhile

from ..auctions import AuctionPrice
from ..reference.auction import auction_price
from ..types import Side
from .market import Levels, Market
from .outcome import Auction

#: The auction profile. Without a reference price the profiles differ in little.
PROFILE = "cme"

#: More levels than a book has.
ALL = 10**9


def compute(
    market: Market, time_ns: int, price: int, volume: int, lots: Mapping[int, int], sides: Mapping[int, Side | None]
) -> Auction:
    """The auction of the collected orders, beside that of the tape. Call it before its fills are applied. O(levels).

    ``price``, ``volume``: of the tape. ``lots``: what each order gave or got; ``sides``: its side, None if it was never
    shown. Lots never shown take part as market orders, on the side whose shown orders lack them.
    """
    shown: Counter[Side | None] = Counter()
    for order_id, traded in lots.items():
        shown[sides[order_id]] += traded
    bought, sold = volume - shown[Side.BID], volume - shown[Side.ASK]
    if bought < 0 or sold < 0 or bought + sold != shown[None]:
        return Auction(time_ns, price, volume, None, 0, 0, exact=False)
    bids, asks = market.depth(ALL)
    found = price_of(bids, asks, bought, sold)
    exact = found is not None and (found.price, found.volume) == (price, volume)
    if exact:
        buyers = _allocated(market, Side.BID, bids, volume - bought)
        sellers = _allocated(market, Side.ASK, asks, volume - sold)
        exact = dict([*buyers, *sellers]) == {one: traded for one, traded in lots.items() if sides[one] is not None}
    return Auction(time_ns, price, volume, found, bought, sold, exact)


def price_of(bids: Levels, asks: Levels, bought: int, sold: int) -> AuctionPrice | None:
    """The price of an auction of these levels, best first, and of market orders for so many lots. O(levels).

    It looks only at levels at which the most volume could still trade, of which there are few: none of the others has a
    price with as much volume.
    """
    buys, sells = _lots_at(bids, bought, -1), _lots_at(asks, sold, 1)
    most = max((min(buys(price), sells(price)) for price, _, _ in (*bids, *asks)), default=0)
    if not most:
        return None
    near_bids = takewhile(lambda level: sells(level[0]) >= most, bids)
    near_asks = takewhile(lambda level: buys(level[0]) >= most, asks)
    return auction_price(_interest(near_bids, bought), _interest(near_asks, sold), profile=PROFILE)


def _interest(levels: Iterable[tuple[int, int, int]], unpriced: int) -> list[tuple[int | None, int]]:
    market_orders: list[tuple[int | None, int]] = [(None, unpriced)] if unpriced else []
    return market_orders + [(price, lots) for price, lots, _ in levels]


def _lots_at(levels: Levels, unpriced: int, sign: int) -> Callable[[int], int]:
    """A function: the lots of one side that could trade at a price. ``sign``: 1 for asks, -1 for bids."""
    keys = [sign * price for price, _, _ in levels]
    sums = list(accumulate((lots for _, lots, _ in levels), initial=unpriced))
    return lambda price: sums[bisect_right(keys, sign * price)]


def _allocated(market: Market, side: Side, levels: Levels, lots: int) -> Iterator[tuple[int, int]]:
    """Order id and lots of the orders that get them: the best price first, then the longest wait."""
    for price, _, _ in levels:
        for order in market.side[side].orders(side, price):
            if not lots:
                return
            taken = min(lots, order.quantity)
            lots -= taken
            yield order.id, taken
