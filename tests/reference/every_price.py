"""A second way to determine the price of an auction: try every price and follow the rules word by word.

Written from the text of the rules, not from ``pricetime.reference.auction``. It visits each candidate price, so prices
must be small.
"""

from __future__ import annotations

from collections.abc import Sequence

Orders = Sequence[tuple[int | None, int]]
Row = tuple[int, int, int]


def candidate_prices(bids: Orders, asks: Orders, profile: str, reference: int | None, tick: int) -> list[int]:
    """All prices that the profile allows, from low to high."""
    limits = [order[0] for order in [*bids, *asks] if order[0] is not None]
    if not limits:  # only market orders
        return [] if reference is None else [reference]
    if profile in ("asx", "bnb"):
        return list(range(min(limits), max(limits) + 1, tick))
    if profile == "euronext" and reference is not None:
        limits.append(reference)
    return sorted(set(limits))


def book_at(bids: Orders, asks: Orders, price: int) -> tuple[int, int]:
    """Lots that would buy and lots that would sell at a price."""
    buying = selling = 0
    for limit, lots in bids:
        buying += lots if limit is None or limit >= price else 0
    for limit, lots in asks:
        selling += lots if limit is None or limit <= price else 0
    return buying, selling


def best_price(
    bids: Orders, asks: Orders, profile: str, reference: int | None, tick: int
) -> tuple[int, int, int] | None:
    """Price, volume and surplus, or None."""
    rows = []
    for price in candidate_prices(bids, asks, profile, reference, tick):
        buying, selling = book_at(bids, asks, price)
        rows.append((price, min(buying, selling), buying - selling))
    if max((volume for _, volume, _ in rows), default=0) == 0:
        return None
    most = max(volume for _, volume, _ in rows)
    rows = [row for row in rows if row[1] == most]
    least = min(abs(surplus) for _, _, surplus in rows)
    rows = [row for row in rows if abs(row[2]) == least]
    surpluses = [surplus for _, _, surplus in rows]
    if min(surpluses) > 0:
        return pressed(rows, reference, 5) if profile == "bnb" and reference is not None else rows[-1]
    if max(surpluses) < 0:
        return pressed(rows, reference, -5) if profile == "bnb" and reference is not None else rows[0]
    if reference is None:
        return rows[-1]
    return nearest(rows, reference * 100)


def pressed(rows: list[Row], reference: int, percent: int) -> Row:
    """The row nearest to the reference price moved by a percentage."""
    return nearest(rows, reference * (100 + percent))


def nearest(rows: list[Row], hundredths: int) -> Row:
    """The row nearest to a price in hundredths; of two equally near the higher."""
    best = rows[0]
    for row in rows[1:]:
        if abs(row[0] * 100 - hundredths) <= abs(best[0] * 100 - hundredths):
            best = row
    return best


def with_stops(
    bids: Orders, asks: Orders, reference: int | None, stops: Sequence[tuple[bool, int, int | None, int]]
) -> tuple[int, int, int] | None:
    """The ``cme`` rule: start again with the first stop order that the price triggers, until it triggers no more.

    A stop: whether it buys, its trigger price, its limit or None, its lots. A stop that was triggered stays triggered.
    """
    waiting = list(stops)
    buys, sells = list(bids), list(asks)
    while True:
        found = best_price(buys, sells, "cme", reference, 1)
        if found is None:
            return None
        price = found[0]
        reached = [stop for stop in waiting if (price >= stop[1] if stop[0] else price <= stop[1])]
        if not reached:
            return found
        for stop in reached:
            waiting.remove(stop)
            (buys if stop[0] else sells).append((stop[2], stop[3]))
