"""LOBSTER's files: what happened to the book of one stock on Nasdaq, and what the book was after each message.

Plain CSV or compressed with gzip. Prices are integers in units of 1/10000 dollar, times ns after midnight.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from ..types import Side
from .clock import SECOND_NS
from .file import Progress, TapeError, open_tape

#: Units of a price in one dollar.
PRICE_SCALE = 10_000

#: The price that stands for a level which does not exist: this on the ask side, minus this on the bid side.
NO_LEVEL = 9_999_999_999

FIELDS = 6


class Kind(IntEnum):
    """What a message tells."""

    NEW = 1
    PARTIAL_CANCEL = 2
    DELETE = 3
    EXECUTION = 4  #: of a visible order
    HIDDEN_EXECUTION = 5  #: of an order the book does not show
    CROSS = 6  #: a trade of an auction
    HALT = 7  #: trading stops or goes on


class Message(NamedTuple):
    """One line of a message file."""

    line: int  #: from 1
    time_ns: int
    kind: Kind
    order_id: int
    size: int
    price: int
    side: Side  #: of the resting order


class Row(NamedTuple):
    """One line of an orderbook file: (price, size) of the visible levels, best first, without those that are empty."""

    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    levels: int  #: how many of each side the file shows


KINDS = {str(int(kind)): kind for kind in Kind}
SIDES = {"1": Side.BID, "-1": Side.ASK}


def messages(path: str | Path, *, progress: Progress | None = None) -> Iterator[Message]:
    """The messages of a file, in their order. Raises TapeError naming the file and the line."""
    path = Path(path)
    for number, line in _lines(path, progress):
        fields = line.split(",")
        if len(fields) != FIELDS:
            hint = ": is this an orderbook file?" if len(fields) % 4 == 0 else ""
            raise TapeError(f"{path}, line {number}: {len(fields)} fields, a message has {FIELDS}{hint}")
        time, kind, order_id, size, price, direction = fields
        try:
            yield Message(number, _time_ns(time), KINDS[kind], int(order_id), int(size), int(price), SIDES[direction])
        except (ValueError, KeyError) as error:
            raise TapeError(f"{path}, line {number}: {_complaint(fields)} in {line!r}") from error


def rows(path: str | Path, *, progress: Progress | None = None) -> Iterator[Row]:
    """The rows of an orderbook file, in their order. Raises TapeError naming the file and the line."""
    path = Path(path)
    width = 0
    for number, line in _lines(path, progress):
        fields = line.split(",")
        width = width or len(fields)
        if len(fields) != width or width % 4:
            hint = ": is this a message file?" if width == FIELDS else ""
            raise TapeError(
                f"{path}, line {number}: {len(fields)} fields, a row has four to a level, as many in each{hint}"
            )
        try:
            numbers = list(map(int, fields))
        except ValueError as error:
            raise TapeError(f"{path}, line {number}: a field that is no whole number: {error}") from error
        asks = [level for level in zip(numbers[0::4], numbers[1::4], strict=True) if level[0] != NO_LEVEL]
        bids = [level for level in zip(numbers[2::4], numbers[3::4], strict=True) if level[0] != -NO_LEVEL]
        yield Row(tuple(bids), tuple(asks), width // 4)


def _lines(path: Path, progress: Progress | None) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, from 1."""
    number = 0
    with open_tape(path, progress) as file, io.TextIOWrapper(file, encoding="ascii") as text:
        try:
            for number, line in enumerate(text, 1):
                yield number, line.rstrip("\n")
        except (EOFError, OSError, zlib.error, UnicodeDecodeError) as error:
            raise TapeError(f"{path}, after line {number}: is damaged, truncated, or no text: {error}") from error


def _time_ns(text: str) -> int:
    seconds, _, fraction = text.partition(".")
    if len(fraction) > 9 or not text.replace(".", "", 1).isdigit():
        raise ValueError(text)
    return int(seconds) * SECOND_NS + int(fraction.ljust(9, "0"))


def _complaint(fields: list[str]) -> str:
    """Which field of a message is wrong, and what it may be."""
    time, kind, order_id, size, price, direction = fields
    if kind not in KINDS:
        return f"type {kind!r} is none of {', '.join(KINDS)}"
    if direction not in SIDES:
        return f"direction {direction!r} is neither 1 nor -1"
    for name, value in {"order id": order_id, "size": size, "price": price}.items():
        if not value.removeprefix("-").isdigit():
            return f"{name} {value!r} is no whole number"
    return f"time {time!r} is no number of seconds with at most 9 decimals"
