"""Databento's market-by-order files (DBN, schema mbo, plain or compressed with zstd), read as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ..extras import require
from .file import Progress, TapeError, open_tape

#: One record as it lies in the file: prices in units of 10**-9, times in ns since 1970 UTC.
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

#: Units of a price in one unit of currency.
PRICE_SCALE = 10**9

ADD, CANCEL, MODIFY, CLEAR, TRADE, FILL = b"A", b"C", b"M", b"R", b"T", b"F"
BID, ASK = b"B", b"A"

#: Flags: the last record of an event; a record of a snapshot, not of something that happened.
LAST, SNAPSHOT = 0x80, 0x20

CHUNK_BYTES = 1 << 16
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
DBN_MAGIC = b"DBN"


class Record(NamedTuple):
    """What a replay needs of one record."""

    time_ns: int
    sequence: int
    action: bytes
    side: bytes
    order_id: int
    price: int
    size: int
    flags: int


FIELDS = ["ts_event", "sequence", "action", "side", "order_id", "price", "size", "flags"]


def read(path: str | Path, *, progress: Progress | None = None) -> Iterator[np.ndarray[Any, np.dtype[np.void]]]:
    """The records of a file as arrays of dtype ``MBO``, shape (n,), n as it comes; memory does not grow.

    Raises TapeError for a file that cannot be opened, is not DBN, is of another schema, is corrupt, or ends within
    a record (a cut that falls exactly between two records cannot be told from the end of a shorter tape), and
    MissingExtra without databento-dbn.
    """
    dbn = require("databento_dbn", "tape", "reading Databento files")
    path = Path(path)
    with open_tape(path, progress) as file:
        head = file.read(len(ZSTD_MAGIC))
        zstd = head == ZSTD_MAGIC
        decoder = dbn.DBNDecoder(compression=dbn.Compression.ZSTD if zstd else dbn.Compression.NONE)
        started = False
        records = 0
        for data in _chunks(file, head):
            try:
                decoded = decoder.write_and_decode(data)
            except (dbn.DBNError, RuntimeError) as error:
                raise TapeError(_broken(path, records, error)) from error
            if decoded and not started:
                _check_schema(path, decoded[0])
                started = True
            messages = [message for message in decoded if isinstance(message, dbn.MBOMsg)]
            records += len(messages)
            if messages:
                # A live capture appends the time of sending to each record: leave it out.
                yield np.frombuffer(b"".join([bytes(m)[: MBO.itemsize] for m in messages]), MBO)
    if not started or decoder.buffer():
        where = f"record {records + 1}" if started else "its header"
        raise TapeError(f"{path}: ends within {where}: is it truncated?")


def events(
    path: str | Path, *, instrument: int | None = None, progress: Progress | None = None
) -> Iterator[list[Record]]:
    """The records of one instrument, event by event: what the exchange did at one instant belongs together.

    Each record of a snapshot is an event of its own. Without an instrument id the file must hold one only.
    Raises TapeError when it holds several, and as ``read`` does.
    """
    sole = instrument is None
    event: list[Record] = []
    for chunk in read(path, progress=progress):
        instruments = chunk["instrument_id"]
        if instrument is None:
            instrument = int(instruments[0])
        mine = instruments == instrument
        if sole and not mine.all():
            found = ", ".join(map(str, np.unique(instruments)))
            raise TapeError(f"{path}: holds several instruments ({found} and perhaps more): name one of them")
        for record in map(Record._make, chunk[mine][FIELDS].tolist()):
            event.append(record)
            if record.flags & (LAST | SNAPSHOT):
                yield event
                event = []
    if event:
        yield event


def start_ns(path: str | Path) -> int:
    """When the tape starts: the time its first record was received, in ns since 1970 UTC. Raises as ``read``."""
    for chunk in read(path):
        return int(chunk["ts_recv"][0])
    raise TapeError(f"{path}: holds no market-by-order record")


def _chunks(file: BinaryIO, head: bytes) -> Iterator[bytes]:
    while head:
        yield head
        head = file.read(CHUNK_BYTES)


def _check_schema(path: Path, metadata: Any) -> None:
    schema = metadata.schema
    if schema is not None and str(schema) != "mbo":  # a live capture mixes schemas and names none
        raise TapeError(f"{path}: holds the schema {schema}, a replay needs mbo (market by order)")


def _broken(path: Path, records: int, error: Exception) -> str:
    return f"{path}: is not a DBN file, or is damaged: {error} (after {records:,} good records)"
