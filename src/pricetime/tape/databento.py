"""Reads market-by-order files of Databento (schema mbo, DBN or CSV) as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..extras import require
from . import databento_csv, mbo
from .file import Progress, TapeError, open_tape
from .mbo import FIELDS, MBO, Record, Records
from .skipped import Skipped

#: Units of a price in one unit of currency.
PRICE_SCALE = 10**9

CHUNK_BYTES = 1 << 16
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
DBN_MAGIC = b"DBN"

#: The most instruments that an error message lists.
LISTED = 20


class NoSuchInstrument(TapeError):
    """The tape has no record of the given instrument. The message lists those that it has."""


def read(path: str | Path, *, progress: Progress | None = None, skipped: Skipped | None = None) -> Iterator[Records]:
    """Read the records of a file as arrays of dtype ``MBO``, shape (n,) with varying n. Memory does not grow.

    ``skipped``: collects the unreadable lines of a CSV file; without it the first one raises. Raises TapeError for a
    file that cannot be opened, has a different format or schema, is corrupt, or ends within a record. (A file that was
    cut exactly between two records looks like a shorter tape.) Raises MissingExtra for DBN without databento-dbn.
    """
    path = Path(path)
    if databento_csv.is_csv(path):
        return databento_csv.read(path, progress=progress, skipped=skipped)
    return _read_dbn(path, progress)


def events(
    path: str | Path,
    *,
    instrument: int | None = None,
    progress: Progress | None = None,
    skipped: Skipped | None = None,
) -> Iterator[list[Record]]:
    """Read the events of one instrument, grouped by ``mbo.events``.

    Without an instrument id, the file must have one instrument only. Raises TapeError if it has several,
    NoSuchInstrument at the end of a file without this id, and the errors of ``read``.
    """
    return mbo.events(_records(Path(path), instrument, read(path, progress=progress, skipped=skipped)))


def start_ns(path: str | Path) -> int:
    """When the first record of the tape was received, in ns since 1970 UTC. Raises the errors of ``read``."""
    for chunk in read(path, skipped=Skipped()):
        return int(chunk["ts_recv"][0])
    raise TapeError(f"{path}: has no market-by-order record")


def _records(path: Path, instrument: int | None, chunks: Iterator[Records]) -> Iterator[Record]:
    """The records of the given instrument, or of the only one."""
    sole = instrument is None
    seen: set[int] = set()
    for chunk in chunks:
        instruments = chunk["instrument_id"]
        seen.update(np.unique(instruments).tolist())
        if sole and len(seen) > 1:
            raise TapeError(f"{path}: has several instruments ({_listed(seen)} and perhaps more): give one of them")
        mine = chunk if sole else chunk[instruments == instrument]
        yield from map(Record._make, mine[FIELDS].tolist())
    if not sole and seen and instrument not in seen:
        raise NoSuchInstrument(f"{path}: has no record of instrument {instrument}: it has {_listed(seen)}")


def _listed(instruments: set[int]) -> str:
    first = sorted(instruments)[:LISTED]
    more = f" and {len(instruments) - LISTED:,} more" if len(instruments) > LISTED else ""
    return ", ".join(map(str, first)) + more


def _read_dbn(path: Path, progress: Progress | None) -> Iterator[Records]:
    dbn = require("databento_dbn", "tape", "reading Databento files")
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
                raise TapeError(_broken(path, records, zstd, error)) from error
            if decoded and not started:
                _check_schema(path, decoded[0])
                started = True
            messages = [message for message in decoded if isinstance(message, dbn.MBOMsg)]
            records += len(messages)
            if messages:
                # A live capture appends the sending time to each record: drop it.
                yield np.frombuffer(b"".join([bytes(m)[: MBO.itemsize] for m in messages]), MBO)
    if not started or decoder.buffer():
        where = f"record {records + 1}" if started else "its header"
        raise TapeError(f"{path}: the file ends within {where}: it may be truncated")


def _chunks(file: BinaryIO, head: bytes) -> Iterator[bytes]:
    while head:
        yield head
        head = file.read(CHUNK_BYTES)


def _check_schema(path: Path, metadata: Any) -> None:
    schema = metadata.schema
    if schema is not None and str(schema) != "mbo":  # a live capture mixes schemas and names none
        raise TapeError(f"{path}: has the schema {schema}: a replay needs mbo (market by order)")


def _broken(path: Path, records: int, zstd: bool, error: Exception) -> str:
    hint = "; decompress CSV files first: zstd -d" if zstd and not records else ""
    return f"{path}: not a DBN file, or damaged: {error} (after {records:,} good records){hint}"
