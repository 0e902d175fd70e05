"""All books of an exchange at one moment, order by order."""

from __future__ import annotations

from typing import NamedTuple

from pricetime.core.instrument import Instrument
from pricetime.types import SnapshotOrderArray


class Snapshot(NamedTuple):
    """What ``BookBuilder.snapshot`` gives and ``load_snapshot`` takes."""

    seq_num: int  #: of the last report that is in it
    instruments: tuple[Instrument, ...]  #: by id, each with the state that it is in
    #: of ``pricetime.types.SNAPSHOT_ORDER``: of each instrument bids, then asks, each in priority order
    orders: SnapshotOrderArray
    digest: int  #: of all books, as ``Engine.digest``
    checksum: int = 0  #: of the feed's reports up to ``seq_num``; 0 if the reports did not come from a feed
