"""Which kind of tape a file is, and the replay that runs it."""

from __future__ import annotations

import zlib
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from . import databento_csv
from .databento import DBN_MAGIC, ZSTD_MAGIC
from .file import Progress, TapeError, open_tape
from .lobster import orderbook_names
from .lobster_replay import LobsterReplay
from .market import MakeBook
from .mbo_replay import MboReplay
from .replay import Recorder
from .skipped import DEFAULT_LIMIT, Skipped

PEEK_BYTES = 512

AnyReplay: TypeAlias = MboReplay | LobsterReplay


class Format(StrEnum):
    """A format of tape."""

    DATABENTO = "databento"  #: schema mbo: DBN, plain or compressed with zstd; CSV, plain or compressed with gzip
    LOBSTER = "lobster"  #: message file, with or without its orderbook file, plain or compressed with gzip


def detect(path: str | Path) -> Format:
    """The format of a file, by its content. Raises TapeError when it is of none."""
    path = Path(path)
    try:
        with open_tape(path) as file:
            head = file.read(PEEK_BYTES)
    except (EOFError, OSError, zlib.error) as error:
        raise TapeError(f"{path}: cannot be unpacked: {error}") from error
    first_line = head.split(b"\n", 1)[0]
    if head.startswith((ZSTD_MAGIC, DBN_MAGIC)) or databento_csv.is_header(first_line):
        return Format.DATABENTO
    if head and set(first_line) <= set(b"0123456789.,-\r"):
        return Format.LOBSTER
    known = "Databento (DBN, or CSV with the columns of the schema mbo) and LOBSTER (.csv or .csv.gz)"
    raise TapeError(f"{path}: is {'of an unknown format' if head else 'empty'}; known are {known}")


def orderbook_beside(path: str | Path) -> Path | None:
    """The orderbook file that belongs to a LOBSTER message file, if it is in the same folder.

    Its name has "orderbook" instead of "message", and may end in .gz or not.
    """
    path = Path(path)
    return next((beside for beside in orderbook_names(path) if beside.is_file()), None)


def open_replay(
    path: str | Path,
    make_book: MakeBook,
    *,
    tape_format: Format | None = None,
    orderbook: str | Path | None = None,
    instrument: int | None = None,
    max_skipped: int = DEFAULT_LIMIT,
    recorder: Recorder | None = None,
    progress: Progress | None = None,
) -> AnyReplay:
    """A replay of a file, ready to run.

    ``make_book``: makes an empty book, as ``pricetime.OrderBook`` does. ``tape_format``: by default what the content
    says. ``orderbook``: of a LOBSTER tape. ``instrument``: of a Databento tape that holds several. ``max_skipped``:
    lines and records that may be unreadable; with more of them the replay raises TapeError. ``replay.outcome.skipped``
    names those that were skipped. Raises TapeError.
    """
    tape_format = tape_format or detect(path)
    skipped = Skipped(max_skipped)
    if tape_format is Format.DATABENTO:
        if orderbook is not None:
            raise TapeError(f"{path}: a Databento tape has no orderbook file")
        return MboReplay.open(
            path, make_book, instrument=instrument, recorder=recorder, progress=progress, skipped=skipped
        )
    if instrument is not None:
        raise TapeError(f"{path}: a LOBSTER tape holds one instrument only")
    return LobsterReplay(path, make_book, orderbook=orderbook, recorder=recorder, progress=progress, skipped=skipped)
