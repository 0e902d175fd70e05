"""Which kind of tape a file is, and the replay that runs it."""

from __future__ import annotations

import zlib
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from .databento import DBN_MAGIC, ZSTD_MAGIC
from .file import Progress, TapeError, open_tape
from .lobster_replay import LobsterReplay
from .market import MakeBook
from .mbo_replay import MboReplay
from .replay import Recorder

PEEK_BYTES = 512

AnyReplay: TypeAlias = MboReplay | LobsterReplay


class Format(StrEnum):
    """A format of tape."""

    DATABENTO = "databento"  #: DBN, schema mbo, plain or compressed with zstd
    LOBSTER = "lobster"  #: message file, with or without its orderbook file, plain or compressed with gzip


def detect(path: str | Path) -> Format:
    """The format of a file, by its content. Raises TapeError when it is of none."""
    path = Path(path)
    try:
        with open_tape(path) as file:
            head = file.read(PEEK_BYTES)
    except (EOFError, OSError, zlib.error) as error:
        raise TapeError(f"{path}: cannot be unpacked: {error}") from error
    if head.startswith((ZSTD_MAGIC, DBN_MAGIC)):
        return Format.DATABENTO
    if head and set(head.split(b"\n", 1)[0]) <= set(b"0123456789.,-\r"):
        return Format.LOBSTER
    known = "DBN (Databento, .dbn or .dbn.zst) and LOBSTER (.csv or .csv.gz)"
    raise TapeError(f"{path}: is {'of an unknown format' if head else 'empty'}; known are {known}")


def orderbook_beside(path: str | Path) -> Path | None:
    """The orderbook file that LOBSTER delivers with a message file, where it is there."""
    path = Path(path)
    beside = path.with_name(path.name.replace("_message_", "_orderbook_"))
    return beside if beside != path and beside.is_file() else None


def open_replay(
    path: str | Path,
    make_book: MakeBook,
    *,
    tape_format: Format | None = None,
    orderbook: str | Path | None = None,
    instrument: int | None = None,
    recorder: Recorder | None = None,
    progress: Progress | None = None,
) -> AnyReplay:
    """A replay of a file, ready to run.

    ``make_book``: makes an empty book, as ``pricetime.OrderBook`` does. ``tape_format``: by default what the content
    says. ``orderbook``: of a LOBSTER tape. ``instrument``: of a Databento tape that holds several. Raises TapeError.
    """
    tape_format = tape_format or detect(path)
    if tape_format is Format.DATABENTO:
        if orderbook is not None:
            raise TapeError(f"{path}: a Databento tape has no orderbook file")
        return MboReplay(path, make_book, instrument=instrument, recorder=recorder, progress=progress)
    if instrument is not None:
        raise TapeError(f"{path}: a LOBSTER tape holds one instrument only")
    return LobsterReplay(path, make_book, orderbook=orderbook, recorder=recorder, progress=progress)
