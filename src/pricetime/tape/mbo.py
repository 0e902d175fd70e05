"""Market-by-order records, and how they are grouped into events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

#: The action of a record.
ADD, CANCEL, MODIFY, CLEAR, TRADE, FILL = b"A", b"C", b"M", b"R", b"T", b"F"

#: The side of a record. Any other value means that it has no side.
BID, ASK = b"B", b"A"

#: Flags: the last record of an event; a record of a snapshot.
LAST, SNAPSHOT = 0x80, 0x20

#: One record in an array, as Databento lays it out: prices in units of 10**-9, times in ns since 1970 UTC.
MBO = np.dtype(
    [
        ("length", "u1"),
        ("rtype", "u1"),
        ("publisher_id", "<u2"),
        ("instrument_id", "<u4"),
        ("ts_event", "<u8"),
        ("order_id", "<u8"),
        ("price", "<i8"),
        ("size", "<u4"),
        ("flags", "u1"),
        ("channel_id", "u1"),
        ("action", "S1"),
        ("side", "S1"),
        ("ts_recv", "<u8"),
        ("ts_in_delta", "<i4"),
        ("sequence", "<u4"),
    ]
)

Records: TypeAlias = NDArray[np.void]

#: The columns of a ``Record``, in its order.
FIELDS = ["ts_event", "sequence", "action", "side", "order_id", "price", "size", "flags"]


class Record(NamedTuple):
    """The fields of a record that a replay needs."""

    time_ns: int  #: when it happened at the exchange
    sequence: int  #: the exchange's number of the message
    action: bytes  #: one of ``ADD`` to ``FILL``; a replay ignores other actions
    side: bytes  #: ``BID``, ``ASK``, or anything else for no side; for a fill, the side of the resting order
    order_id: int  #: for a trade, the aggressing order, 0 if the tape does not name it
    price: int  #: in units of the tape
    size: int  #: lots; for a cancel, the cancelled lots; for a modify, the lots that remain open
    flags: int = LAST  #: a sum of ``LAST`` and ``SNAPSHOT``; a replay ignores other bits


def events(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Group the records of one instrument into events: what the exchange did at one instant.

    Records of one event have the same time. ``LAST`` ends an event unless the next record has the same sequence:
    some feeds set it on every record of a trade. Each record of a snapshot is an event. O(1) for each record.
    """
    event: list[Record] = []
    for record in records:
        if event and _begins_an_event(record, event[-1]):
            yield event
            event = []
        event.append(record)
    if event:
        yield event


def _begins_an_event(record: Record, before: Record) -> bool:
    if record.time_ns != before.time_ns or (record.flags | before.flags) & SNAPSHOT:
        return True
    return before.flags & LAST != 0 and record.sequence != before.sequence
