"""The store of the feed: what is kept, what is gone, and that a reader never has something in between."""

import threading
import time

import numpy as np
import pytest

from pricetime.errors import InvalidSetting, SnapshotMismatch
from pricetime.exchange.state.feed_store import FeedStore
from pricetime.native.crc import linked
from pricetime.types import REPORT


def reports(first: int, count: int) -> np.ndarray:
    """Every field tells the number."""
    made = np.zeros(count, REPORT)
    numbers = np.arange(first, first + count, dtype=np.uint64)
    for name in ("order_id", "maker_id", "quantity", "price"):
        made[name] = numbers
    return made


def numbers_of(store: FeedStore, first: int, count: int) -> list[int] | None:
    found = store.array(first, count)
    if found is None:
        return None
    for name in ("order_id", "maker_id", "quantity", "price"):
        assert np.array_equal(found[name].astype(np.uint64), found["seq_num"])
    numbers: list[int] = found["seq_num"].tolist()
    return numbers


def test_an_empty_store() -> None:
    store = FeedStore(8, 77)
    assert (store.epoch, store.oldest, store.next_sequence) == (77, 1, 1)
    assert store.copy(1, 0) == b""
    assert store.copy(1, 1) is None


@pytest.mark.parametrize("capacity", [2, 4, 8, 64])
def test_the_newest_are_kept_and_the_others_gone(capacity: int) -> None:
    store = FeedStore(capacity, 1)
    written = 0
    for count in [1, 0, 1, capacity // 2, capacity, capacity - 1, 1, capacity // 2 + 1]:
        store.extend(reports(written + 1, count))
        written += count
        oldest = max(1, written + 1 - capacity)
        assert (store.oldest, store.next_sequence) == (oldest, written + 1)
        for first in range(max(1, oldest - 2), written + 3):
            for wanted in range(capacity + 2):
                there = oldest <= first and first + wanted <= written + 1
                expected = list(range(first, first + wanted)) if there else None
                assert numbers_of(store, first, wanted) == expected


@pytest.mark.parametrize(
    ("first", "count"), [(0, 1), (0, 0), (2**64 - 1, 2), (2**64 - 4, 8), (2, 2**64 - 2), (5, 2**63)]
)
def test_ranges_that_cannot_be(first: int, count: int) -> None:
    store = FeedStore(8, 1)
    store.extend(reports(1, 4))
    assert store.copy(first, count) is None


@pytest.mark.parametrize("capacity", [0, 1, 3, 6, 2**33, "8", 8.0])
def test_the_capacity(capacity: object) -> None:
    with pytest.raises(InvalidSetting, match="capacity of the feed store"):
        FeedStore(capacity, 1)


def numbered(first: int, count: int) -> np.ndarray:
    made = reports(first, count)
    made["seq_num"] = np.arange(first, first + count)
    return made


class Sums:
    """The checksums of a feed, by the number of the report that each is before."""

    def __init__(self, first: int, checksum: int) -> None:
        self.next = first
        self.before = {first: checksum}

    def add(self, reports: np.ndarray) -> None:
        for report in reports:
            self.before[self.next + 1] = linked(self.before[self.next], report.tobytes())
            self.next += 1

    def check(self, store: FeedStore) -> None:
        """The store knows those of the reports that it keeps, and of the next; no others."""
        for number in range(store.oldest, store.next_sequence + 1):
            assert store.checksum_before(number) == self.before[number]
        assert store.checksum_before(store.oldest - 1) is None
        assert store.checksum_before(store.next_sequence + 1) is None


@pytest.mark.parametrize("count", [1, 3, 7])
def test_the_checksum_goes_on_over_all_reports(count: int) -> None:
    store, sums = FeedStore(8, 1), Sums(1, 0)
    sums.check(store)
    for _ in range(20):
        made = reports(1, count)
        made["quantity"] = np.arange(count) + store.next_sequence
        first = store.next_sequence
        store.extend(made)
        sums.add(store.array(first, count))
        sums.check(store)


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 9, 20])
@pytest.mark.parametrize("next_sequence", [21, 22, 28, 29, 1000, 2**40])
def test_a_feed_goes_on_from_what_is_loaded(next_sequence: int, kept: int) -> None:
    store = FeedStore(8, 1)
    before = 0x1234 if kept < next_sequence - 1 else 0
    loaded = numbered(next_sequence - kept, kept)
    store.load(next_sequence, loaded, before)
    sums = Sums(next_sequence - kept, before)
    sums.add(loaded)
    oldest = next_sequence - min(kept, 8)
    for written in range(20):
        newest = next_sequence + written
        assert (store.oldest, store.next_sequence) == (max(oldest, newest - 8), newest)
        assert numbers_of(store, store.oldest - 1, 1) is None
        assert numbers_of(store, store.oldest, newest - store.oldest) == list(range(store.oldest, newest))
        sums.check(store)
        store.extend(reports(newest, 1))
        sums.add(store.array(newest, 1))
    store.extend(reports(store.next_sequence, 8))
    assert numbers_of(store, store.oldest, 8) == list(range(next_sequence + 20, next_sequence + 28))


def test_nothing_to_load() -> None:
    store = FeedStore(8, 1)
    store.load(1, numbered(1, 0), 0)
    assert (store.oldest, store.next_sequence) == (1, 1)
    store.load(5, numbered(1, 4), 0)
    assert numbers_of(store, 1, 4) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("next_sequence", "made"),
    [(5, numbered(1, 3)), (5, numbered(2, 4)), (5, numbered(1, 5)), (5, numbered(0, 5)), (5, numbered(1, 4)[::-1])],
)
def test_reports_with_other_numbers_are_not_loaded(next_sequence: int, made: np.ndarray) -> None:
    store = FeedStore(8, 1)
    with pytest.raises(SnapshotMismatch, match="consecutive sequence numbers"):
        store.load(next_sequence, made, 0)
    assert (store.oldest, store.next_sequence) == (1, 1)


def test_what_else_is_not_loaded() -> None:
    store = FeedStore(8, 1)
    for number in (0, -1, 2**64, 1.0, None):
        with pytest.raises(SnapshotMismatch, match="next sequence of a feed"):
            store.load(number, numbered(1, 0), 0)
    store.extend(reports(1, 2))
    with pytest.raises(SnapshotMismatch, match="already has 2 reports"):
        store.load(3, numbered(1, 2), 0)


def test_a_reader_beside_the_writer_never_has_a_torn_copy() -> None:
    """The writer laps a small ring all the time; a copy is complete, or the result is None."""
    store = FeedStore(256, 1)
    stopped = threading.Event()
    block = {n: np.zeros(n, REPORT) for n in (1, 7, 64, 200)}

    def write() -> None:
        written = 0
        while not stopped.is_set():
            for count, made in block.items():
                numbers = np.arange(written + 1, written + count + 1, dtype=np.uint64)
                for name in ("order_id", "maker_id", "quantity", "price"):
                    made[name] = numbers
                store.extend(made)
                written += count
            time.sleep(0)

    writer = threading.Thread(target=write)
    writer.start()
    whole = gone = 0
    try:
        while whole < 2000 or gone < 20:
            oldest = store.oldest
            found = numbers_of(store, oldest, min(200, store.next_sequence - oldest))
            whole += found is not None
            gone += found is None or numbers_of(store, max(1, oldest - 1), 200) is None
            if found is not None:
                assert found == list(range(oldest, oldest + len(found)))
    finally:
        stopped.set()
        writer.join()
