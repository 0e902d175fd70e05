"""Databento's market-by-order records as CSV: plain or compressed with gzip, known by the names in the header.

Prices are decimals in units of currency, or whole numbers in units of 10**-9; times are ISO 8601 in UTC, or ns since
1970.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from .clock import InvalidTime, dated_ns
from .file import Progress, blocks, head_of
from .mbo import MBO, Records
from .skipped import Skipped

#: The columns that a replay needs. The others are 0 if the file does not have them.
NEEDED = (
    "ts_recv", "ts_event", "instrument_id", "action", "side", "price", "size", "order_id", "flags", "sequence",
)  # fmt: skip

#: The price of a record with an empty price field, such as a clear of the book.
NO_PRICE = 2**63 - 1

_DECIMAL = re.compile(r"(-?)(\d{1,10})\.(\d{1,9})0*", re.A)
_WHOLE = re.compile(r"-?\d{1,20}", re.A)


def is_csv(path: Path) -> bool:
    """Does a file begin with the names of these columns?"""
    return is_header(head_of(path))


def is_header(head: bytes) -> bool:
    """Do the first bytes of a file begin with these names?"""
    return set(NEEDED) <= set(_fields(head.split(b"\n", 1)[0]))


def read(path: Path, *, progress: Progress | None = None, skipped: Skipped | None = None) -> Iterator[Records]:
    """Read the records of a file as arrays of dtype ``MBO``, shape (n,).

    ``skipped``: collects the unreadable lines; without it the first one raises. Raises TapeError. O(1) for each line.
    """
    skipped = Skipped(0) if skipped is None else skipped
    names: list[str] = []
    for first, lines in blocks(path, progress):
        if not names:
            names = _fields(lines.pop(0))
            first += 1  # noqa: PLW2901
        records = _records(path, names, first, lines, skipped)
        if len(records):
            yield records


def _records(path: Path, names: Sequence[str], first: int, lines: Sequence[bytes], skipped: Skipped) -> Records:
    """The records of some lines. ``first``: the number of the first line."""
    columns = [(name, names.index(name), _parser(name)) for name in MBO.names or () if name in names]
    rows = []
    for number, line in enumerate(lines, first):
        fields = _fields(line)
        try:
            if len(fields) != len(names):
                raise ValueError(f"{len(fields)} fields, the header has {len(names)}")
            rows.append(tuple([parse(name, fields[at]) for name, at, parse in columns]))
        except ValueError as error:
            skipped.add(f"{path}, line {number}: {error} in {','.join(fields)!r}")
    records = np.zeros(len(rows), MBO)
    if rows:
        for (name, _, _), values in zip(columns, zip(*rows, strict=True), strict=True):
            records[name] = values
    return records


def _fields(line: bytes) -> list[str]:
    return line.decode("ascii", "replace").rstrip("\r\n").split(",")


def _parser(name: str) -> Callable[[str, str], int | str]:
    return _PARSERS.get(name, _whole)


def _whole(name: str, text: str) -> int:
    limits = np.iinfo(MBO[name])
    if not _WHOLE.fullmatch(text) or not limits.min <= int(text) <= limits.max:
        raise ValueError(f"{name} {text!r} is not a whole number from {limits.min} to {limits.max}")
    return int(text)


def _time(name: str, text: str) -> int:
    if text.isdigit():
        return _whole(name, text)
    try:
        return dated_ns(text)
    except InvalidTime as error:
        raise ValueError(f"{name} {text!r} is neither an ISO time in UTC nor ns since 1970") from error


def _price(name: str, text: str) -> int:
    if not text:
        return NO_PRICE
    if not (seen := _DECIMAL.fullmatch(text)):
        return _whole(name, text)
    sign, whole, fraction = seen.groups()
    return _whole(name, f"{sign}{whole}{fraction:0<9}")


def _letter(name: str, text: str) -> str:
    if len(text) != 1 or not text.isupper():
        raise ValueError(f"{name} {text!r} is not a capital letter")
    return text


_PARSERS: dict[str, Callable[[str, str], int | str]] = {
    "price": _price, "action": _letter, "side": _letter, "ts_event": _time, "ts_recv": _time,
}  # fmt: skip
