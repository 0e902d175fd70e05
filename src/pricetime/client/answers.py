"""The answers of the recovery server: bytes in, values out, without sockets."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import numpy as np

from pricetime.client.errors import InvalidAnswer
from pricetime.core.instrument import MAX_INSTRUMENTS, Instrument
from pricetime.core.snapshot import IndicativePrice, Snapshot
from pricetime.errors import InvalidSetting
from pricetime.types import REPORT, SNAPSHOT_ORDER, Phase, ReportKind, Side
from pricetime.wire.messages import (
    RetransmitReply,
    SnapshotHeader,
    SnapshotInstrument,
    SnapshotOrder,
)
from pricetime.wire.types import RetransmitStatus

#: The most orders that an answer may announce.
MOST_ORDERS = 1 << 31


class RangeAnswer(NamedTuple):
    status: RetransmitStatus
    seq_num: int  #: of the first report
    reports: bytes
    next_sequence: int  #: of the next report of the feed
    epoch: int
    checksum: int  #: of all reports before ``seq_num``; 0 if unknown
    term: int = 0  #: of the exchange's log; 0 if unknown


class SnapshotAnswer(NamedTuple):
    snapshot: Snapshot
    epoch: int
    term: int = 0  #: of the exchange's log; 0 if unknown


Answer = RangeAnswer | SnapshotAnswer


class Answers:
    """The stream of answers, received in pieces of any size."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def receive(self, data: bytes) -> list[Answer]:
        """Return the answers that are complete. After InvalidAnswer the stream cannot be used."""
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
        """Size in bytes of the answer that is being received, None while unknown."""
        if not self._bytes:
            return None
        if self._bytes[0] == RetransmitReply.TYPE:
            if len(self._bytes) < RetransmitReply.SIZE:
                return None
            reply = RetransmitReply.decode(self._bytes[: RetransmitReply.SIZE])
            return RetransmitReply.SIZE + REPORT.itemsize * reply.count
        if self._bytes[0] != SnapshotHeader.TYPE:
            raise InvalidAnswer(f"the recovery server sent a message of type {self._bytes[0]}, which is not an answer")
        if len(self._bytes) < SnapshotHeader.SIZE:
            return None
        header = SnapshotHeader.decode(self._bytes[: SnapshotHeader.SIZE])
        if header.instruments > MAX_INSTRUMENTS or header.orders > MOST_ORDERS:
            raise InvalidAnswer(
                f"the recovery server announced a snapshot of {header.instruments} instruments and {header.orders} "
                f"orders: at most {MAX_INSTRUMENTS} and {MOST_ORDERS} are possible"
            )
        return SnapshotHeader.SIZE + header.instruments * SnapshotInstrument.SIZE + header.orders * SnapshotOrder.SIZE


def _range(whole: bytes) -> RangeAnswer:
    reply = RetransmitReply.decode(whole[: RetransmitReply.SIZE])
    if reply.status not in set(RetransmitStatus):
        raise InvalidAnswer(f"the recovery server answered with the unknown status {reply.status}")
    reports = whole[RetransmitReply.SIZE :]
    return RangeAnswer(
        RetransmitStatus(reply.status),
        reply.seq_num,
        reports,
        reply.next_sequence,
        reply.epoch,
        reply.checksum,
        reply.term,
    )


def _snapshot(whole: bytes) -> SnapshotAnswer:
    header = SnapshotHeader.decode(whole[: SnapshotHeader.SIZE])
    end = SnapshotHeader.SIZE + header.instruments * SnapshotInstrument.SIZE
    starts = range(SnapshotHeader.SIZE, end, SnapshotInstrument.SIZE)
    found = [_instrument(whole[at : at + SnapshotInstrument.SIZE]) for at in starts]
    orders = np.frombuffer(whole, SNAPSHOT_ORDER, offset=end)
    instruments, auctions = tuple(known for known, _ in found), tuple(auction for _, auction in found)
    snapshot = Snapshot(header.seq_num, instruments, orders, header.digest, header.checksum, auctions)
    return SnapshotAnswer(snapshot, header.epoch, header.term)


def _instrument(data: bytes) -> tuple[Instrument, IndicativePrice | None]:
    try:
        sent = SnapshotInstrument.decode(data)
        known = Instrument(
            sent.instrument,
            symbol=sent.symbol.rstrip(b"\0").decode(errors="replace"),
            tick_size=sent.tick_size,
            lot_size=sent.lot_size,
            low_price=None if sent.low_price == -(2**63) else sent.low_price,
            high_price=None if sent.high_price == 2**63 - 1 else sent.high_price,
            phase=Phase(sent.phase),
            price_unit=Decimal(sent.price_unit).scaleb(-sent.price_decimals),
        )
        return known, _auction(sent)
    except (InvalidSetting, ValueError) as error:
        raise InvalidAnswer(f"the recovery server sent an invalid instrument: {error}") from error


def _auction(sent: SnapshotInstrument) -> IndicativePrice | None:
    """The last report about an auction. Raises ValueError."""
    if sent.auction == 0:
        return None
    if sent.auction not in {ReportKind.INDICATIVE, ReportKind.UNCROSSED}:
        raise ValueError(f"a report of kind {sent.auction} is not about an auction")
    price = sent.auction_price if sent.auction_priced else None
    side = Side(sent.surplus_side) if sent.surplus_side else None
    final = sent.auction == ReportKind.UNCROSSED
    return IndicativePrice(price, sent.auction_quantity, sent.surplus, side, final)
