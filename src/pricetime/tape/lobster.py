"""Reads LOBSTER files: the messages about one stock on Nasdaq, and its best levels after each message.

Plain CSV or compressed with gzip. Prices are integers in units of 1/10000 dollar, times are ns after midnight. Both
files are read as columns, ``LINES`` lines at a time. An unreadable line is skipped, up to a limit, and leaves a row of
zeros.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..types import Side
from .clock import DAY_NS
from .file import Progress, TapeError, open_tape
from .skipped import Skipped

#: Units of a price in one dollar.
PRICE_SCALE = 10_000

#: The price of a level that does not exist on the ask side; on the bid side its negative.
NO_LEVEL = 9_999_999_999

#: Lines that are read together.
LINES = 4096

Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

#: The fields of a line as numbers. Raises ValueError.
Parse: TypeAlias = Callable[[list[str]], list[int]]


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


FIELDS = ("time", "type", "order id", "size", "price", "direction")
KINDS = {str(int(kind)): int(kind) for kind in Kind}
SIDES = {"1": int(Side.BID), "-1": int(Side.ASK)}

_WHOLE = b"0123456789,-\n"
_DECIMAL = b"0123456789."

#: The part of a file name that names a message file.
_MESSAGE = re.compile("messages?", re.I)

#: Integers in a file are below this.
_TOO_LARGE = 2**63


def messages(
    path: str | Path, *, progress: Progress | None = None, skipped: Skipped | None = None
) -> Iterator[Messages]:
    """Read the messages of a file in order.

    ``skipped``: collects the unreadable lines; without it the first one raises. Raises TapeError with the file and the
    line, also if the first line does not have six fields. O(1) for each line.
    """
    path = Path(path)
    skipped = Skipped(0) if skipped is None else skipped
    first = 1
    for lines in _blocks(path, progress):
        if first == 1:
            _check_first_message(path, lines[0])
        columns = _fast_messages(lines)
        if columns is None:
            columns = _each(path, first, lines, len(FIELDS), _message, skipped)[0]
        yield Messages(np.arange(first, first + len(lines)), *columns.T)
        first += len(lines)


def rows(path: str | Path, *, progress: Progress | None = None, skipped: Skipped | None = None) -> Iterator[Rows]:
    """Read the rows of an orderbook file in order.

    ``skipped``: collects the unreadable lines; without it the first one raises. Raises TapeError with the file and the
    line, also if the first line does not have four fields for each level. O(levels) for each line.
    """
    path = Path(path)
    skipped = Skipped(0) if skipped is None else skipped
    first, width = 1, 0
    for lines in _blocks(path, progress):
        width = width or _width_of(path, lines[0])
        numbers, good = _numbers(lines, width), np.ones(len(lines), bool)
        if numbers is None:
            numbers, good = _each(path, first, lines, width, _row, skipped)
        yield _as_rows(numbers, good)
        first += len(lines)


def _blocks(path: Path, progress: Progress | None) -> Iterator[list[bytes]]:
    """The lines of a file, ``LINES`` at a time."""
    number = 0
    with open_tape(path, progress) as file:
        try:
            while lines := list(islice(file, LINES)):
                yield lines
                number += len(lines)
        except (EOFError, OSError, zlib.error) as error:
            raise TapeError(f"{path}, after line {number}: damaged or truncated: {error}") from error


# -------------------------------------------------------------------- whole blocks, if all lines are valid


def _fast_messages(lines: Sequence[bytes]) -> Ints | None:
    """The columns of a block, shape (n, 6), or None if a line is not valid."""
    parts = [line.partition(b",") for line in lines]
    times = [time for time, _, _ in parts]
    others = _numbers([rest for _, _, rest in parts], len(FIELDS) - 1)
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
    """The whole numbers of a block, shape (n, width), or None if a line does not have ``width`` of them."""
    block = b"".join(lines).replace(b"\r\n", b"\n")
    if not block.strip() or block.translate(None, _WHOLE):
        return None
    try:
        numbers = np.loadtxt(io.StringIO(block.decode("ascii")), np.int64, delimiter=",", comments=None, ndmin=2)
    except ValueError:
        return None
    return numbers if numbers.shape == (len(lines), width) else None


# -------------------------------------------------------------------- line by line, if some are not valid


def _each(
    path: Path,
    first: int,
    lines: Sequence[bytes],
    width: int,
    parse: Parse,
    skipped: Skipped,
) -> tuple[Ints, Bools]:
    """The numbers of each line, shape (n, width), 0 for unreadable lines; and which lines are readable."""
    numbers = np.zeros((len(lines), width), np.int64)
    good = np.ones(len(lines), bool)
    for i, line in enumerate(lines):
        text = line.decode("ascii", "backslashreplace").rstrip("\r\n")
        fields = text.split(",")
        try:
            if len(fields) != width:
                raise ValueError(f"{len(fields)} fields instead of {width}")
            numbers[i] = parse(fields)
        except ValueError as error:
            good[i] = False
            skipped.add(f"{path}, line {first + i}: {error} in {text!r}")
    return numbers, good


def _message(fields: list[str]) -> list[int]:
    time, kind, order_id, size, price, direction = fields
    if kind not in KINDS:
        raise ValueError(f"type {kind!r} is not one of {', '.join(KINDS)}")
    if direction not in SIDES:
        raise ValueError(f"direction {direction!r} is neither 1 nor -1")
    whole = [_whole(name, text) for name, text in zip(FIELDS[2:5], (order_id, size, price), strict=True)]
    return [_time_ns(time), KINDS[kind], *whole, SIDES[direction]]


def _row(fields: list[str]) -> list[int]:
    return [_whole("field", text) for text in fields]


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.removeprefix("-").isdigit()):
        raise ValueError(f"{name} {text!r} is not a whole number")
    number = int(text)
    if not -_TOO_LARGE <= number < _TOO_LARGE:
        raise ValueError(f"{name} {text!r} is beyond 64 bits")
    return number


def _time_ns(text: str) -> int:
    """Seconds after midnight as ns. A day in ns fits the 53 bits of a float, so rounding gives the exact value."""
    try:
        if text.encode().translate(None, _DECIMAL):
            raise ValueError
        time_ns = round(float(text) * 1e9)
    except ValueError:
        raise ValueError(f"time {text!r} is not a number of seconds") from None
    if time_ns >= DAY_NS:
        raise ValueError(f"time {text!r} is beyond a day")
    return time_ns


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
    if count != len(FIELDS):
        hint = ": this may be an orderbook file" if count % 4 == 0 else ""
        raise TapeError(f"{path}, line 1: {count} fields: a message has {len(FIELDS)}{hint}")


def _width_of(path: Path, line: bytes) -> int:
    width = line.count(b",") + 1
    if width % 4:
        hint = ": this may be a message file" if width == len(FIELDS) else ""
        raise TapeError(f"{path}, line 1: {width} fields: a row has four for each level{hint}")
    return width


def _as_rows(numbers: Ints, good: Bools) -> Rows:
    """Rows of ask price, ask size, bid price and bid size of each level, as keys and sizes."""
    keys = np.stack([numbers[:, 2::4], -numbers[:, 0::4]])
    sizes = np.stack([numbers[:, 3::4], numbers[:, 1::4]])
    sizes[keys == -NO_LEVEL] = 0
    return Rows(keys, sizes, good)
