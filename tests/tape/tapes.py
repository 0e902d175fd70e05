"""Small tapes for tests, written as their formats say."""

import gzip
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

#: Midnight of 2023-12-25 UTC, in ns: when the small tapes begin.
START_NS = 1_703_462_400 * 10**9
SECOND_NS = 10**9
DOLLAR = 10**9
LAST, SNAPSHOT = 0x80, 0x20


class Rec(NamedTuple):
    """One market-by-order record; the price is in dollars."""

    action: str
    side: str
    order_id: int
    price: float
    size: int


def add(side: str, order_id: int, price: float, size: int) -> Rec:
    return Rec("A", side, order_id, price, size)


def cancel(side: str, order_id: int, price: float, size: int) -> Rec:
    return Rec("C", side, order_id, price, size)


def modify(side: str, order_id: int, price: float, size: int) -> Rec:
    return Rec("M", side, order_id, price, size)


def trade(side: str, taker_id: int, price: float, size: int) -> Rec:
    return Rec("T", side, taker_id, price, size)


def fill(side: str, order_id: int, price: float, size: int) -> Rec:
    return Rec("F", side, order_id, price, size)


def dbn_bytes(
    events: Iterable[Sequence[Rec]],
    *,
    snapshot: Sequence[Rec] = (),
    schema: str | None = "mbo",
    instrument: int = 7,
    flags_of: Callable[[Rec, bool], int] = lambda record, last: LAST if last else 0,
) -> bytes:
    """A DBN stream: the snapshot at midnight, then one event a second. ``flags_of``: a record; is it the last?"""
    dbn = pytest.importorskip("databento_dbn", reason="needs databento-dbn: pip install '.[tape]'")

    def message(record: Rec, time_ns: int, flags: int, sequence: int) -> bytes:
        return bytes(
            dbn.MBOMsg(
                publisher_id=1,
                instrument_id=instrument,
                ts_event=time_ns,
                ts_recv=time_ns,
                order_id=record.order_id,
                price=round(record.price * 100) * (DOLLAR // 100),
                size=record.size,
                action=dbn.Action.from_str(record.action),
                side=dbn.Side.from_str(record.side),
                flags=flags,
                sequence=sequence,
            )
        )

    parts = [metadata(dbn, schema)]
    parts += [message(record, START_NS, SNAPSHOT, 0) for record in snapshot]
    for number, event in enumerate(events, 1):
        for record in event:
            flags = flags_of(record, record is event[-1])
            parts.append(message(record, START_NS + number * SECOND_NS, flags, number))
    return b"".join(parts)


def metadata(dbn: Any, schema: str | None = "mbo") -> bytes:
    header = dbn.Metadata(
        dataset="GLBX.MDP3",
        start=START_NS,
        stype_in=None,
        stype_out=dbn.SType.INSTRUMENT_ID,
        schema=None if schema is None else dbn.Schema.from_str(schema),
    )
    return bytes(header.encode())


def dbn_file(folder: Path, events: Iterable[Sequence[Rec]], **options: Any) -> Path:
    path = folder / "tape.mbo.dbn"
    path.write_bytes(dbn_bytes(events, **options))
    return path


def lines_file(path: Path, lines: Iterable[str]) -> Path:
    """A text file; packed where its name ends in .gz."""
    data = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def lobster_files(folder: Path, tape: Iterable[tuple[str, str]]) -> tuple[Path, Path]:
    """A message file and its orderbook file, from pairs of lines."""
    messages, rows = zip(*tape, strict=True)
    message_file = lines_file(folder / "X_2012-06-21_message_1.csv", messages)
    return message_file, lines_file(folder / "X_2012-06-21_orderbook_1.csv", rows)
