"""Detects the format of a tape and opens the replay for it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from . import databento_csv
from .databento import DBN_MAGIC, ZSTD_MAGIC
from .export import Recorder
from .file import Progress, TapeError, head_of
from .lobster import orderbook_names
from .lobster_replay import LobsterReplay
from .market import MakeBook
from .mbo_replay import MboReplay
from .skipped import DEFAULT_LIMIT, Skipped

AnyReplay: TypeAlias = MboReplay | LobsterReplay


class Format(StrEnum):
    """The format of a tape."""

    DATABENTO = "databento"  #: schema mbo: DBN, plain or compressed with zstd; CSV, plain or compressed with gzip
    LOBSTER = "lobster"  #: message file, with or without its orderbook file, plain or compressed with gzip


def detect(path: str | Path) -> Format:
    """Detect the format of a file from its content. Raises TapeError if it is not a tape."""
    path = Path(path)
    head = head_of(path)
    if head.startswith((ZSTD_MAGIC, DBN_MAGIC)) or databento_csv.is_header(head):
        return Format.DATABENTO
    if head and set(head.split(b"\n", 1)[0]) <= set(b"0123456789.,-\r"):
        return Format.LOBSTER
    known = "Databento (DBN, or CSV with the columns of the schema mbo) or LOBSTER (.csv or .csv.gz)"
    raise TapeError(f"{path}: {'unknown format' if head else 'the file is empty'}: give a tape of {known}")


def orderbook_beside(path: str | Path) -> Path | None:
    """The orderbook file of a LOBSTER message file, if the same folder has it, else None.

    Its name has "orderbook" instead of "message", with or without .gz.
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
    """Open a replay of a file; ``run`` starts it.

    ``make_book``: makes an empty book, such as ``pricetime.OrderBook``. ``tape_format``: detected from the content by
    default. ``orderbook``: the orderbook file of a LOBSTER tape. ``instrument``: which one to replay, if a Databento
    tape has several. ``max_skipped``: the most unusable lines and records; with more, the replay raises TapeError.
    ``replay.outcome.skipped`` names those that it skipped. Raises TapeError.
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
        raise TapeError(f"{path}: a LOBSTER tape has one instrument only")
    return LobsterReplay(path, make_book, orderbook=orderbook, recorder=recorder, progress=progress, skipped=skipped)
