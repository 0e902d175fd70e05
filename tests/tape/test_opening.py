"""An auction of collected orders, computed and compared with what a tape says."""

import random
from collections.abc import Sequence

import pytest

from pricetime import OrderBook
from pricetime.auctions import AuctionPrice
from pricetime.reference import ReferenceBook
from pricetime.reference.auction import auction_price
from pricetime.tape import mbo_replay
from pricetime.tape.market import Levels
from pricetime.tape.mbo import ADD, ASK, BID, FILL, TRADE, Record
from pricetime.tape.mbo_replay import MboReplay
from pricetime.tape.opening import PROFILE, price_of
from pricetime.tape.outcome import Auction

#: Time, action, side, order id, price, size.
Row = tuple[int, bytes, bytes, int, int, int]

NO_SIDE = b"N"

#: Bids 1 (4 lots at 103), 2 (5 at 101), 3 (5 at 101); asks 11 (3 at 99), 12 (8 at 101). 11 lots trade at 101.
COLLECTED: list[Row] = [
    (1, ADD, BID, 1, 103, 4), (1, ADD, BID, 2, 101, 5), (1, ADD, BID, 3, 101, 5),
    (1, ADD, ASK, 11, 99, 3), (1, ADD, ASK, 12, 101, 8),
]  # fmt: skip


def opening(*rows: Row) -> tuple[MboReplay, Auction]:
    """A replay of the collected orders and these records at time 2, and its auction."""
    replay = MboReplay([[Record(row[0], *row) for row in rows if row[0] == time] for time in (1, 2)], OrderBook)
    replay.run()
    (auction,) = replay.outcome.auctions
    return replay, auction


def traded(price: int, volume: int, *fills: tuple[int, int]) -> list[Row]:
    return [(2, TRADE, NO_SIDE, 0, price, volume), *((2, FILL, NO_SIDE, one, price, lots) for one, lots in fills)]


def test_an_auction_is_reproduced() -> None:
    replay, auction = opening(*COLLECTED, *traded(101, 11, (1, 4), (11, 3), (2, 5), (12, 8), (3, 2)))
    assert auction == Auction(2, 101, 11, AuctionPrice(101, 11, 3), 0, 0, exact=True)
    assert replay.outcome.facts[mbo_replay.COMPUTED] == 1
    assert replay.outcome.facts[mbo_replay.OTHERWISE] == 0
    assert replay.depth(9) == ([(101, 3, 1)], [])


@pytest.mark.parametrize("parts", [(4, 7), (1, 10)])
def test_an_auction_of_several_trades_is_one(parts: Sequence[int]) -> None:
    rows = traded(101, parts[0], (1, 4), (11, 3), (2, 5)) + traded(101, parts[1], (12, 8), (3, 2))
    replay, auction = opening(*COLLECTED, *rows)
    assert auction.exact
    assert (auction.volume, replay.outcome.facts[mbo_replay.COMPUTED]) == (11, 1)


def test_lots_never_shown_are_market_orders_of_the_side_that_lacks_them() -> None:
    """Buyers of 6 lots were never shown: all 11 lots of the sellers trade, and order 2 gets one."""
    _, auction = opening(*COLLECTED, *traded(101, 11, (77, 4), (11, 3), (1, 4), (12, 8), (2, 1), (78, 2)))
    assert auction == Auction(2, 101, 11, AuctionPrice(101, 11, 9), 6, 0, exact=True)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (traded(100, 3, (1, 3), (11, 3)), (101, 11, 3)),  # at a different price
        (traded(101, 11, (1, 4), (11, 3), (2, 2), (12, 8), (3, 5)), (101, 11, 3)),  # to other orders
        (traded(101, 4, (1, 4), (11, 3), (12, 1)), (101, 11, 3)),  # fewer lots
        (traded(101, 11, (1, 4), (2, 5), (3, 2)), None),  # the tape names one side only
        (traded(101, 3, (1, 4), (11, 3)), None),  # the tape contradicts itself
    ],
)
def test_an_auction_that_the_tape_has_otherwise(rows: list[Row], found: tuple[int, int, int] | None) -> None:
    replay, auction = opening(*COLLECTED, *rows)
    assert auction.computed == found
    assert not auction.exact
    assert replay.outcome.facts[mbo_replay.OTHERWISE] == 1


def random_levels(random: random.Random, sign: int) -> Levels:
    prices = sorted({random.randint(90, 110) for _ in range(random.randint(0, 12))}, reverse=sign < 0)
    return [(price, random.randint(1, 9), 1) for price in prices]


def test_levels_that_cannot_decide_are_left_out() -> None:
    chance = random.Random(1)
    for _ in range(500):
        bids, asks = random_levels(chance, -1), random_levels(chance, 1)
        bought, sold = chance.choice([0, 0, 3, 40]), chance.choice([0, 0, 3, 40])
        buyers: list[tuple[int | None, int]] = [(price, lots) for price, lots, _ in bids]
        sellers: list[tuple[int | None, int]] = [(price, lots) for price, lots, _ in asks]
        buyers += [(None, bought)] * (bought > 0)
        sellers += [(None, sold)] * (sold > 0)
        assert price_of(bids, asks, bought, sold) == auction_price(buyers, sellers, profile=PROFILE)


def test_the_reference_book_collects_as_well() -> None:
    rows = COLLECTED + traded(101, 11, (1, 4), (11, 3), (2, 5), (12, 8), (3, 2))
    replay = MboReplay([[Record(row[0], *row) for row in rows if row[0] == time] for time in (1, 2)], ReferenceBook)
    assert replay.run().auctions[0].exact
