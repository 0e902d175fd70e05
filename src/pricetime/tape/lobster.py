"""Reads LOBSTER files: the messages about one stock on Nasdaq, and its best levels after each message.

Plain CSV or compressed with gzip. Prices are integers in units of 1/10000 dollar, times are ns after midnight. Both
files are read as columns, ``LINES`` lines at a time. An unreadable line is skipped, up to a limit, and leaves a row of
zeros.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..types import Side
from .clock import DAY_NS
from .file import Progress, TapeError, blocks
from .skipped import Skipped

#: Units of a price in one dollar.
PRICE_SCALE = 10_000

#: The price of a level that does not exist on the ask side; on the bid side its negative.
NO_LEVEL = 9_999_999_999

Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

#: The fields of some lines as numbers, shape (n, fields); None if a line is not valid.
Parse: TypeAlias = Callable[[Sequence[bytes]], Ints | None]


class Kind(IntEnum):
    """The type of a message."""

    NEW = 1
    PARTIAL_CANCEL = 2
    DELETE = 3
    EXECUTION = 4  #: of a visible order
    HIDDEN_EXECUTION = 5  #: of an order the book does not show
    CROSS = 6  #: a trade of an auction
    HALT = 7  #: trading stops or continues


#: The kind of an unreadable line.
UNREADABLE = 0


class Messages(NamedTuple):
    """Consecutive lines of a message file: columns of shape (n,). Every field of an unreadable line is 0."""

    line: Ints  #: from 1
    time_ns: Ints  #: after midnight
    kind: Ints  #: a ``Kind``, or ``UNREADABLE``
    order_id: Ints
    size: Ints
    price: Ints
    side: Ints  #: a ``Side``, of the resting order


class Rows(NamedTuple):
    """Consecutive lines of an orderbook file. Levels are best first, in columns; empty ones are last, with the size 0.

    A key is the price of a bid and minus that of an ask, so that the larger key is nearer to the other side.
    """

    keys: Ints  #: shape (2, n, levels): bids, asks; ``-NO_LEVEL`` for an empty level
    sizes: Ints  #: shape (2, n, levels)
    good: Bools  #: shape (n,): whether the line is readable


FIELDS = 6  #: of a message
MESSAGE = "a message: time, type 1 to 7, order id, size, price, direction 1 or -1"

_WHOLE = b"0123456789,-\n"
_DECIMAL = b"0123456789."

#: The part of a file name that names a message file.
_MESSAGE = re.compile("messages?", re.I)


def messages(
    path: str | Path, *, progress: Progress | None = None, skipped: Skipped | None = None
) -> Iterator[Messages]:
    """Read the messages of a file in order.

    ``skipped``: collects the unreadable lines; without it the first one raises. Raises TapeError with the file and the
    line, also if the first line does not have six fields. O(1) for each line.
    """
    path = Path(path)
    skipped = Skipped(0) if skipped is None else skipped
    for first, lines in blocks(path, progress):
        if first == 1:
            _check_first_message(path, lines[0])
        columns, _ = _parsed(path, first, lines, _messages, np.zeros((1, FIELDS), np.int64), MESSAGE, skipped)
        yield Messages(np.arange(first, first + len(lines)), *columns.T)


def rows(path: str | Path, *, progress: Progress | None = None, skipped: Skipped | None = None) -> Iterator[Rows]:
    """Read the rows of an orderbook file in order.

    ``skipped``: collects the unreadable lines; without it the first one raises. Raises TapeError with the file and the
    line, also if the first line does not have four fields for each level. O(levels) for each line.
    """
    path = Path(path)
    skipped = Skipped(0) if skipped is None else skipped
    width = 0
    for first, lines in blocks(path, progress):
        width = width or _width_of(path, lines[0])
        empty, what = np.zeros((1, width), np.int64), f"a row: {width} whole numbers"
        yield _as_rows(*_parsed(path, first, lines, partial(_numbers, width=width), empty, what, skipped))


def _parsed(
    path: Path, first: int, lines: Sequence[bytes], parse: Parse, empty: Ints, what: str, skipped: Skipped
) -> tuple[Ints, Bools]:
    """The numbers of each line, ``empty`` for unreadable lines; and which lines are readable.

    If a line of a block is not valid, each half is parsed, down to that line.
    """
    numbers = parse(lines)
    if numbers is not None:
        return numbers, np.ones(len(lines), bool)
    if len(lines) == 1:
        text = lines[0].decode("ascii", "backslashreplace").rstrip("\r\n")
        skipped.add(f"{path}, line {first}: {text!r} is not {what}")
        return empty, np.zeros(1, bool)
    half = len(lines) // 2
    parts = ((first, lines[:half]), (first + half, lines[half:]))
    halves = [_parsed(path, at, part, parse, empty, what, skipped) for at, part in parts]
    return np.concatenate([numbers for numbers, _ in halves]), np.concatenate([good for _, good in halves])


def _messages(lines: Sequence[bytes]) -> Ints | None:
    """The messages of some lines. A day in ns fits the 53 bits of a float, so that rounding gives the exact time."""
    parts = [line.partition(b",") for line in lines]
    times = [time for time, _, _ in parts]
    others = _numbers([rest for _, _, rest in parts], FIELDS - 1)
    if others is None or b"".join(times).translate(None, _DECIMAL):
        return None
    kinds, directions = others[:, 0], others[:, 4]
    try:
        time_ns = np.rint(np.array(list(map(float, times))) * 1e9)
    except ValueError:
        return None
    if not ((kinds >= Kind.NEW) & (kinds <= Kind.HALT) & (np.abs(directions) == 1) & (time_ns < DAY_NS)).all():
        return None
    others[:, 4] = np.where(directions == 1, int(Side.BID), int(Side.ASK))
    return np.column_stack([time_ns.astype(np.int64), others])


def _numbers(lines: Sequence[bytes], width: int) -> Ints | None:
    """The whole numbers of some lines, shape (n, width), or None if a line does not have ``width`` of them."""
    block = b"".join(lines).replace(b"\r\n", b"\n")
    if not block.strip() or block.translate(None, _WHOLE):
        return None
    try:
        numbers = np.loadtxt(io.StringIO(block.decode("ascii")), np.int64, delimiter=",", comments=None, ndmin=2)
    except ValueError:
        return None
    return numbers if numbers.shape == (len(lines), width) else None


# -------------------------------------------------------------------- kinds of files


def orderbook_names(path: Path) -> list[Path]:
    """Possible names of the orderbook file of a message file, likeliest first; empty for a name without "message"."""
    found = list(_MESSAGE.finditer(path.name))
    if not found:
        return []
    before, after = path.name[: found[-1].start()], path.name[found[-1].end() :]
    word = "orderbook" if found[-1].group().islower() else "Orderbook"
    plain = after.removesuffix(".gz")
    names = [f"{before}{word}{plural}{end}" for end in (after, plain, f"{plain}.gz") for plural in ("", "s")]
    return [path.with_name(name) for name in dict.fromkeys(names)]


def _check_first_message(path: Path, line: bytes) -> None:
    count = line.count(b",") + 1
    if count != FIELDS:
        hint = ": this may be an orderbook file" if count % 4 == 0 else ""
        raise TapeError(f"{path}, line 1: {count} fields: a message has {FIELDS}{hint}")


def _width_of(path: Path, line: bytes) -> int:
    width = line.count(b",") + 1
    if width % 4:
        hint = ": this may be a message file" if width == FIELDS else ""
        raise TapeError(f"{path}, line 1: {width} fields: a row has four for each level{hint}")
    return width


def _as_rows(numbers: Ints, good: Bools) -> Rows:
    """Rows of ask price, ask size, bid price and bid size of each level, as keys and sizes."""
    keys = np.stack([numbers[:, 2::4], -numbers[:, 0::4]])
    sizes = np.stack([numbers[:, 3::4], numbers[:, 1::4]])
    sizes[keys == -NO_LEVEL] = 0
    return Rows(keys, sizes, good)
