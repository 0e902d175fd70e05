"""What a rebuilt book says of an exchange: ``Snapshot``, all its orders at one point, and ``IndicativePrice``."""

from __future__ import annotations

from typing import NamedTuple

from pricetime.core.instrument import Instrument
from pricetime.types import Side, SnapshotOrderArray


class IndicativePrice(NamedTuple):
    """Where an auction would trade, or traded: the result of ``BookBuilder.auction``."""

    price: int | None  #: ticks; None if no two orders can trade
    quantity: int  #: lots that trade
    surplus: int  #: lots that find no counterparty at this price
    side: Side | None  #: of the surplus, None if it is 0
    final: bool  #: the auction traded there; False for a price that may still change


class Snapshot(NamedTuple):
    """The result of ``BookBuilder.snapshot`` and the argument of ``load_snapshot``."""

    seq_num: int  #: number of the last report that is included
    instruments: tuple[Instrument, ...]  #: by id, each with its phase
    #: dtype ``pricetime.types.SNAPSHOT_ORDER``, shape (n,): for each instrument bids, then asks, in priority order,
    #: then the market orders of a call phase
    orders: SnapshotOrderArray
    digest: int  #: over all books, as ``Engine.digest``
    checksum: int = 0  #: checksum of the feed's reports up to ``seq_num``; 0 if they did not come from a feed
    #: by place in ``instruments``: the last report about an auction, None without one; empty if there is none
    auctions: tuple[IndicativePrice | None, ...] = ()
