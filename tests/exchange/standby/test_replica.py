"""Reading the books while the replica applies the feed."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from pricetime.core.builder import BookBuilder
from pricetime.core.engine import Engine
from pricetime.core.instrument import Instrument
from pricetime.errors import UnknownInstrument
from pricetime.exchange.standby.replica import Replica
from pricetime.exchange.state.feed_store import FeedStore
from pricetime.native.crc import linked_records
from pricetime.tape.flow import generate, prelude
from pricetime.types import REPORT, Phase


class Desk:
    def __init__(self) -> None:
        self.engine = Engine([Instrument(0)], capacity=10_000)
        self.store = FeedStore(2**18, 1)
        self.replica = Replica(self.store, BookBuilder([Instrument(0)], capacity=10_000))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_sample_equals_the_books_of_the_engine(desk: Desk) -> None:
    for commands in prelude("cancel-heavy"):
        desk.store.extend(desk.engine.apply(commands))
    desk.replica.snapshot()
    phase, bids, asks = desk.replica.depths([0], 7)[0]
    expected = desk.engine.book(0).depth(7)
    assert phase is Phase.CONTINUOUS
    assert np.array_equal(bids, expected[0])
    assert np.array_equal(asks, expected[1])
    with pytest.raises(UnknownInstrument):
        desk.replica.depths([5], 7)
    assert desk.replica.depths([0], 7) is not None  # a rejected call has released the latch


def test_styles_beside_a_replica_that_works_are_of_whole_commands(desk: Desk) -> None:
    runner = threading.Thread(target=desk.replica.run)
    runner.start()
    looks = 0
    try:
        for commands in [*prelude("cancel-heavy"), *generate("cancel-heavy", 100_000, chunk=500)]:
            desk.store.extend(desk.engine.apply(commands))
            found = desk.replica.depths([0], 1)
            if found is not None and len(found[0][1]):  # it has begun
                looks += 1
                _, bids, asks = found[0]
                assert bids["price"][0] < asks["price"][0]
    finally:
        desk.replica.end()
        runner.join()
    assert looks > 50
    desk.replica.snapshot()
    assert not desk.replica.broken
    assert desk.replica.builder.digest() == desk.engine.digest()


def test_a_snapshot_has_the_checksum_of_the_reports_that_are_in_it(desk: Desk) -> None:
    assert desk.replica.snapshot().checksum == 0
    for commands in prelude("cancel-heavy"):
        desk.store.extend(desk.engine.apply(commands))
        snapshot = desk.replica.snapshot()
        assert snapshot.checksum == desk.store.checksum_before(snapshot.seq_num + 1)
        reports = desk.store.array(1, snapshot.seq_num)
        assert snapshot.checksum == linked_records(0, reports, REPORT.itemsize)
        other = FeedStore(2**18, 1)
        other.load(snapshot.seq_num + 1, desk.store.array(1, 0)[:0], snapshot.checksum)
        builder = BookBuilder([Instrument(0)], capacity=10_000)
        builder.load_snapshot(snapshot)
        assert Replica(other, builder).snapshot().checksum == snapshot.checksum, "it goes on where it was"
