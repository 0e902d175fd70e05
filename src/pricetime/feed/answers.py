"""What the recovery server is asked, and what it answers: bytes in, values out, no sockets."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import numpy as np

from pricetime.core.instrument import MAX_INSTRUMENTS, Instrument
from pricetime.core.snapshot import Snapshot
from pricetime.errors import InvalidSetting
from pricetime.feed.errors import InvalidAnswer
from pricetime.feed.sequencer import REPORT_BYTES, RangeWanted, Wanted
from pricetime.types import SNAPSHOT_ORDER, InstrumentState
from pricetime.wire.messages import (
    RetransmitReply,
    RetransmitRequest,
    SnapshotHeader,
    SnapshotInstrument,
    SnapshotOrder,
    SnapshotRequest,
)
from pricetime.wire.types import RetransmitStatus

#: No snapshot has more orders: such a length is not believed.
MOST_ORDERS = 1 << 31


class RangeAnswer(NamedTuple):
    status: RetransmitStatus
    seq_num: int  #: of the first report
    reports: bytes
    next_sequence: int  #: of the next report of the feed
    epoch: int
    checksum: int  #: of all reports before ``seq_num``; 0 where the status leaves it unknown


class SnapshotAnswer(NamedTuple):
    snapshot: Snapshot
    epoch: int


Answer = RangeAnswer | SnapshotAnswer


def question(wanted: Wanted) -> bytes:
    """The request for what is wanted."""
    if isinstance(wanted, RangeWanted):
        return RetransmitRequest(count=wanted.reports, seq_num=wanted.seq_num, epoch=wanted.epoch).encode()
    return SnapshotRequest().encode()


class Answers:
    """The stream of answers, in whatever pieces it comes."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def receive(self, data: bytes) -> list[Answer]:
        """The answers that are whole now. Raises InvalidAnswer: then the stream is of no more use."""
        self._bytes += data
        found: list[Answer] = []
        while True:
            size = self._size()
            if size is None or len(self._bytes) < size:
                return found
            with memoryview(self._bytes) as view:
                whole = bytes(view[:size])
            del self._bytes[:size]
            found.append(_range(whole) if whole[0] == RetransmitReply.TYPE else _snapshot(whole))

    def _size(self) -> int | None:
        """Bytes of the answer that comes now, None while its head is not there."""
        if not self._bytes:
            return None
        if self._bytes[0] == RetransmitReply.TYPE:
            if len(self._bytes) < RetransmitReply.SIZE:
                return None
            reply = RetransmitReply.decode(self._bytes[: RetransmitReply.SIZE])
            return RetransmitReply.SIZE + REPORT_BYTES * reply.count
        if self._bytes[0] != SnapshotHeader.TYPE:
            raise InvalidAnswer(f"the recovery server sent a message of type {self._bytes[0]}, which is no answer")
        if len(self._bytes) < SnapshotHeader.SIZE:
            return None
        header = SnapshotHeader.decode(self._bytes[: SnapshotHeader.SIZE])
        if header.instruments > MAX_INSTRUMENTS or header.orders > MOST_ORDERS:
            raise InvalidAnswer(
                f"a snapshot of {header.instruments} instruments and {header.orders} orders: nobody has so many"
            )
        return SnapshotHeader.SIZE + header.instruments * SnapshotInstrument.SIZE + header.orders * SnapshotOrder.SIZE


def _range(whole: bytes) -> RangeAnswer:
    reply = RetransmitReply.decode(whole[: RetransmitReply.SIZE])
    if reply.status not in set(RetransmitStatus):
        raise InvalidAnswer(f"the recovery server answered with status {reply.status}, which is unknown")
    reports = whole[RetransmitReply.SIZE :]
    return RangeAnswer(
        RetransmitStatus(reply.status), reply.seq_num, reports, reply.next_sequence, reply.epoch, reply.checksum
    )


def _snapshot(whole: bytes) -> SnapshotAnswer:
    header = SnapshotHeader.decode(whole[: SnapshotHeader.SIZE])
    end = SnapshotHeader.SIZE + header.instruments * SnapshotInstrument.SIZE
    starts = range(SnapshotHeader.SIZE, end, SnapshotInstrument.SIZE)
    instruments = tuple(_instrument(whole[at : at + SnapshotInstrument.SIZE]) for at in starts)
    orders = np.frombuffer(whole, SNAPSHOT_ORDER, offset=end)
    return SnapshotAnswer(Snapshot(header.seq_num, instruments, orders, header.digest, header.checksum), header.epoch)


def _instrument(data: bytes) -> Instrument:
    try:
        sent = SnapshotInstrument.decode(data)
        return Instrument(
            sent.instrument,
            symbol=sent.symbol.rstrip(b"\0").decode(errors="replace"),
            tick_size=sent.tick_size,
            lot_size=sent.lot_size,
            low_price=None if sent.low_price == -(2**63) else sent.low_price,
            high_price=None if sent.high_price == 2**63 - 1 else sent.high_price,
            state=InstrumentState(sent.state),
            price_unit=Decimal(sent.price_unit).scaleb(-sent.price_decimals),
        )
    except (InvalidSetting, ValueError) as error:
        raise InvalidAnswer(f"the recovery server sent an instrument that cannot be: {error}") from error
