"""A directory with a segment, and snapshots of a small exchange to put into it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pricetime import CommandType, Engine, Instrument
from pricetime.log import segment
from pricetime.log.configuration import Configuration
from pricetime.log.directory import Directory
from pricetime.log.position import Position
from pricetime.log.snapshot import OWNER, SnapshotFile
from pricetime.native.disk import Disk
from pricetime.types import REPORT
from tests.books import command

CONFIGURATION = Configuration((Instrument(1, "A"), Instrument(2, "B")), 100, 50, 10)


def engine_of(configuration: Configuration = CONFIGURATION, orders: int = 20) -> Engine:
    engine = Engine(
        configuration.instruments,
        capacity=configuration.capacity,
        level_capacity=configuration.level_capacity,
        owner_limit=configuration.owner_limit,
        limits=configuration.limits,
    )
    for n in range(orders):
        side, owner = 1 + n % 2, n % 7
        fields = {"order_id": owner << 48 | n, "owner": owner, "price": 100 + side * 10 - n % 5, "quantity": 1 + n}
        engine.apply(command(CommandType.NEW_ORDER, instrument=1 + n % 3 // 2, side=side, tag=n, **fields))
    return engine


def same_parts(one: Iterable[np.ndarray[Any, Any]], other: Iterable[np.ndarray[Any, Any]]) -> bool:
    """Are the arrays of two books or snapshots the same, byte for byte?"""
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


def reports(first: int, count: int) -> np.ndarray[Any, np.dtype[np.void]]:
    made = np.zeros(count, REPORT)
    made["seq_num"] = np.arange(first, first + count)
    made["price"] = -made["seq_num"].astype(np.int64)
    return made


def snapshot_of(engine: Engine, sequence: int, number: int = 1, digest: bytes = CONFIGURATION.digest) -> SnapshotFile:
    owners = np.array([(1, 3, 9), (2, 0, 1), (65535, 2, 3)], OWNER)
    return SnapshotFile(
        position=Position(number, 4096 + 72 * sequence, 0xDEADBEEF, sequence),
        term=1,
        digest=digest,
        timestamp=2**63 + sequence,
        report_checksum=0x12345678,
        seq_num=engine.seq_num,
        books=engine.digest(references=True),
        next_reference=engine.next_reference,
        epoch=77,
        feed_sequence=101,
        feed_checksum=0x9ABCDEF0,
        records=engine.dump(),
        owners=owners,
        stream_reports=np.concatenate([reports(6, 3), reports(1, 2)]),
        feed_reports=reports(91, 10),
    )


def make_segment(folder: Path, number: int, configuration: Configuration = CONFIGURATION) -> None:
    """A segment in use, as far as a snapshot looks at it."""
    json = configuration.to_json()
    head = segment.prepared(number, 8192, json, term=1, epoch=77, level=1, journal=bytes(16)).used(1, 0)
    (folder / segment.name(number)).write_bytes((head.encode() + json).ljust(8192, b"\0"))


def directory_at(path: Path, segments: int = 1, disk: Disk | None = None) -> Directory:
    for number in range(1, segments + 1):
        make_segment(path, number)
    return Directory(path, disk)
