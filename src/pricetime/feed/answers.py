"""What the recovery server is asked, and what it answers: bytes in, values out, no sockets."""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np

from pricetime.core.instrument import MAX_INSTRUMENTS, Instrument
from pricetime.core.snapshot import Snapshot
from pricetime.errors import InvalidSetting
from pricetime.feed.errors import InvalidAnswer
from pricetime.feed.sequencer import REPORT_BYTES, RangeStatus, RangeWanted, Wanted
from pricetime.types import SNAPSHOT_ORDER, InstrumentState

#: No snapshot has more orders: such a length is not believed.
MOST_ORDERS = 1 << 31
ORDER_BYTES = SNAPSHOT_ORDER.itemsize

RETRANSMIT_REQUEST, RETRANSMIT_REPLY, SNAPSHOT_REQUEST, SNAPSHOT_HEADER, SNAPSHOT_INSTRUMENT = range(49, 54)
_RANGE_REQUEST = struct.Struct("<B3xIQQ")  # type, count, seq_num, epoch
_SNAPSHOT_REQUEST = struct.Struct("<B7x")  # type
_REPLY = struct.Struct("<xBxxIQQQQ")  # status, count, seq_num, oldest_sequence, next_sequence, epoch
_HEADER = struct.Struct("<4xIQQQQ8x")  # instruments, seq_num, orders, digest, epoch
_INSTRUMENT = struct.Struct("<xBxxIQQqq16s")  # state, instrument, tick_size, lot_size, low_price, high_price, symbol


class RangeAnswer(NamedTuple):
    status: RangeStatus
    seq_num: int  #: of the first report
    reports: bytes
    next_sequence: int  #: of the next report of the feed
    epoch: int


class SnapshotAnswer(NamedTuple):
    snapshot: Snapshot
    epoch: int


Answer = RangeAnswer | SnapshotAnswer


def question(wanted: Wanted) -> bytes:
    """The request for what is wanted."""
    if isinstance(wanted, RangeWanted):
        return _RANGE_REQUEST.pack(RETRANSMIT_REQUEST, wanted.count, wanted.seq_num, wanted.epoch)
    return _SNAPSHOT_REQUEST.pack(SNAPSHOT_REQUEST)


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
            whole = bytes(memoryview(self._bytes)[:size])
            del self._bytes[:size]
            found.append(_range(whole) if whole[0] == RETRANSMIT_REPLY else _snapshot(whole))

    def _size(self) -> int | None:
        """Bytes of the answer that comes now, None while its head is not there."""
        if not self._bytes:
            return None
        if self._bytes[0] == RETRANSMIT_REPLY:
            if len(self._bytes) < _REPLY.size:
                return None
            return _REPLY.size + REPORT_BYTES * int(_REPLY.unpack_from(self._bytes)[1])
        if self._bytes[0] != SNAPSHOT_HEADER:
            raise InvalidAnswer(f"the recovery server sent a message of type {self._bytes[0]}, which is no answer")
        if len(self._bytes) < _HEADER.size:
            return None
        instruments, _, orders, _, _ = _HEADER.unpack_from(self._bytes)
        if instruments > MAX_INSTRUMENTS or orders > MOST_ORDERS:
            raise InvalidAnswer(f"a snapshot of {instruments} instruments and {orders} orders: nobody has so many")
        return _HEADER.size + int(instruments) * _INSTRUMENT.size + int(orders) * ORDER_BYTES


def _range(whole: bytes) -> RangeAnswer:
    status, _, seq_num, _, next_sequence, epoch = _REPLY.unpack_from(whole)
    if status not in set(RangeStatus):
        raise InvalidAnswer(f"the recovery server answered with status {status}, which is unknown")
    return RangeAnswer(RangeStatus(status), seq_num, whole[_REPLY.size :], next_sequence, epoch)


def _snapshot(whole: bytes) -> SnapshotAnswer:
    count, seq_num, _, digest, epoch = _HEADER.unpack_from(whole)
    at = _HEADER.size + count * _INSTRUMENT.size
    instruments = tuple(_instrument(whole, i) for i in range(_HEADER.size, at, _INSTRUMENT.size))
    orders = np.frombuffer(whole, SNAPSHOT_ORDER, offset=at)
    return SnapshotAnswer(Snapshot(seq_num, instruments, orders, digest), epoch)


def _instrument(whole: bytes, at: int) -> Instrument:
    state, number, tick_size, lot_size, low, high, symbol = _INSTRUMENT.unpack_from(whole, at)
    try:
        return Instrument(
            number,
            symbol=symbol.rstrip(b"\0").decode(errors="replace"),
            tick_size=tick_size,
            lot_size=lot_size,
            low_price=None if low == -(2**63) else low,
            high_price=None if high == 2**63 - 1 else high,
            state=InstrumentState(state),
        )
    except (InvalidSetting, ValueError) as error:
        raise InvalidAnswer(f"the recovery server sent an instrument that cannot be: {error}") from error
