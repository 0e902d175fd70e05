"""``Snapshot``: all orders of the books of an exchange at one point of its reports."""

from __future__ import annotations

from typing import NamedTuple

from pricetime.core.instrument import Instrument
from pricetime.types import SnapshotOrderArray


class Snapshot(NamedTuple):
    """The result of ``BookBuilder.snapshot`` and the argument of ``load_snapshot``."""

    seq_num: int  #: number of the last report that is included
    instruments: tuple[Instrument, ...]  #: by id, each with its phase
    #: dtype ``pricetime.types.SNAPSHOT_ORDER``, shape (n,): for each instrument bids, then asks, in priority order
    orders: SnapshotOrderArray
    digest: int  #: over all books, as ``Engine.digest``
    checksum: int = 0  #: checksum of the feed's reports up to ``seq_num``; 0 if they did not come from a feed
