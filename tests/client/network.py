"""A network between a feed and its subscribers that drops, doubles and reorders; and the exchange at its other end."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from pricetime import REPORT, Engine, ReportKind
from pricetime.client.answers import Answer, RangeAnswer, SnapshotAnswer
from pricetime.client.feed_state import SnapshotWanted, Wanted
from pricetime.core.builder import BookBuilder
from pricetime.core.snapshot import Snapshot
from pricetime.native.crc import linked_records
from pricetime.wire.messages import FeedHeartbeat
from pricetime.wire.types import RetransmitStatus

Reports = np.ndarray[Any, Any]

#: What the exchange keeps to itself.
PRIVATE = [ReportKind.REJECTED, ReportKind.MASS_CANCELLED, ReportKind.OPEN_ORDER, ReportKind.OPEN_ORDERS_END]


class BadNetwork:
    """Datagrams as they arrive: some never, some twice, some late. The same seed, the same faults."""

    def __init__(self, seed: int, drop: float, duplicate: float, reorder: float) -> None:
        self.rng = random.Random(seed)
        self.drop, self.duplicate, self.reorder = drop, duplicate, reorder
        self._late: list[tuple[int, bytes]] = []

    def carry(self, datagram: bytes) -> Iterator[bytes]:
        """What arrives when this is sent."""
        rng = self.rng
        for _ in range(2 if rng.random() < self.duplicate else 1):
            if rng.random() < self.drop:
                continue
            if rng.random() < self.reorder:
                self._late.append((rng.randint(1, 10), datagram))
            else:
                yield datagram
        self._late = [(turns - 1, late) for turns, late in self._late]
        for turns, late in self._late:
            if turns <= 0:
                yield late
        self._late = [(turns, late) for turns, late in self._late if turns > 0]


class PublicFeed:
    """The public side of an engine: its feed, and what the recovery server answers, which keeps so many reports."""

    def __init__(self, engine: Engine, *, epoch: int = 1_000, kept: int = 1 << 20, longest: int = 4_096) -> None:
        self.engine, self.epoch, self.kept, self.longest = engine, epoch, kept, longest
        self.replica = BookBuilder(engine.instruments.values())
        self.reports: Reports = np.zeros(0, REPORT)
        self.checksum = 0

    @property
    def next_sequence(self) -> int:
        return len(self.reports) + 1

    @property
    def oldest(self) -> int:
        return max(1, self.next_sequence - self.kept)

    def publish(self, reports: Reports, most: int = 30) -> list[bytes]:
        """Datagrams of what is public in an engine's reports."""
        public = reports[~np.isin(reports["kind"], PRIVATE)].copy()
        first = self.next_sequence
        public["seq_num"] = np.arange(first, first + len(public), dtype=np.uint64)
        self.reports = np.concatenate([self.reports, public])
        self.checksum = linked_records(self.checksum, public.tobytes(), REPORT.itemsize)
        self.replica.apply(public)
        return [public[at : at + most].tobytes() for at in range(0, len(public), most)]

    def heartbeat(self) -> bytes:
        return FeedHeartbeat(seq_num=self.next_sequence, epoch=self.epoch, checksum=self.checksum).encode()

    def checksum_before(self, number: int) -> int:
        return linked_records(0, self.reports[: number - 1].tobytes(), REPORT.itemsize)

    def snapshot(self) -> Snapshot:
        return self.replica.snapshot()._replace(checksum=self.checksum)

    def answer(self, wanted: Wanted) -> Answer:
        if isinstance(wanted, SnapshotWanted):
            return SnapshotAnswer(self.snapshot(), self.epoch)
        status, sent, checksum = RetransmitStatus.RANGE_FOLLOWS, b"", 0
        if wanted.seq_num < self.oldest or wanted.epoch not in (0, self.epoch):
            status = RetransmitStatus.RANGE_GONE
        elif wanted.seq_num >= self.next_sequence:
            status = RetransmitStatus.RANGE_AHEAD
            checksum = self.checksum if wanted.seq_num == self.next_sequence else 0
        else:
            checksum = self.checksum_before(wanted.seq_num)
            sent = self.reports[wanted.seq_num - 1 :][: min(wanted.reports, self.longest)].tobytes()
        return RangeAnswer(status, wanted.seq_num, sent, self.next_sequence, self.epoch, checksum)
