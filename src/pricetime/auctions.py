"""Where an auction trades, and what each venue does differently when it determines the price.

``reference.auction`` has the algorithm.
"""

from __future__ import annotations

from typing import NamedTuple


class AuctionPrice(NamedTuple):
    """Where an auction trades, or would trade now."""

    price: int  #: ticks
    volume: int  #: lots that trade
    surplus: int  #: lots that buyers at this price have more than sellers; negative: sellers have more


class AuctionRule(NamedTuple):
    """What a venue does differently."""

    every_tick: bool = False  #: candidates are all prices between the lowest and the highest limit, not limits alone
    with_reference: bool = False  #: the reference price is a candidate too
    percent: int = 0  #: step 3 goes no farther than this from the reference price; 0: it may go to the end
    stops_inside: bool = False  #: stop orders that the price triggers take part: see ``with_stops``


#: One row for each auction profile. Market orders trade before limit orders in all of them, so ``hkex`` differs in name
#: only: its at-auction orders are market orders.
AUCTION_RULES: dict[str, AuctionRule] = {
    "xetra": AuctionRule(),
    "euronext": AuctionRule(with_reference=True),
    "cme": AuctionRule(stops_inside=True),
    "asx": AuctionRule(every_tick=True),
    "bnb": AuctionRule(every_tick=True, percent=5),
    "hkex": AuctionRule(),
}
