"""Whatever a network does to datagrams, what the sequencer hands out is the feed: whole, in order, each report once."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import numpy as np
import pytest

from pricetime import REPORT
from pricetime.feed.sequencer import (
    SUSPICIOUS,
    EventKind,
    FeedState,
    RangeWanted,
    Sequencer,
    SnapshotWanted,
)
from pricetime.wire.messages import FeedHeartbeat
from pricetime.wire.types import RetransmitStatus

EPOCH = 1_000


def reports(first: int, count: int = 1) -> bytes:
    made = np.zeros(count, REPORT)
    made["type"] = 16
    made["seq_num"] = np.arange(first, first + count, dtype=np.uint64)
    return made.tobytes()


def heartbeat(seq_num: int, epoch: int = EPOCH) -> bytes:
    return FeedHeartbeat(seq_num=seq_num, epoch=epoch).encode()


def numbers(runs: list[bytes]) -> list[int]:
    return [number for run in runs for number in np.frombuffer(run, REPORT)["seq_num"].tolist()]


def whole(sequencer: Sequencer, last: int) -> bool:
    return sequencer.state is FeedState.WHOLE and sequencer.next_sequence == last + 1


# ---------------------------------------------------------------------- order


@pytest.mark.parametrize("count", range(1, 7))
def test_every_order_of_a_few_datagrams(count: int) -> None:
    sizes = [1, 2, 1, 3, 1, 1]
    starts = [1 + sum(sizes[:i]) for i in range(count)]
    for order in itertools.permutations(range(count)):
        sequencer = Sequencer(1)
        got: list[int] = []
        for step, i in enumerate(order):
            got += numbers(sequencer.receive(reports(starts[i], sizes[i]), 0.0))
            gap = sorted(order[: step + 1]) != list(range(step + 1))
            assert sequencer.state is (FeedState.GAP if gap else FeedState.WHOLE)
        assert got == list(range(1, starts[-1] + sizes[count - 1]))
        assert sequencer.kept_bytes == 0
        assert sequencer.statistics.duplicates == 0
        in_order = order == tuple(range(count))
        assert (sequencer.statistics.gaps == 0) == (sequencer.statistics.reordered == 0) == in_order


@pytest.mark.parametrize("count", range(1, 5))
def test_every_order_of_a_few_datagrams_that_come_twice(count: int) -> None:
    for order in set(itertools.permutations([*range(count), *range(count)])):
        sequencer = Sequencer(1)
        got = [n for i in order for n in numbers(sequencer.receive(reports(1 + 2 * i, 2), 0.0))]
        assert got == list(range(1, 2 * count + 1))
        assert sequencer.statistics.duplicates == 2 * count


def test_datagrams_that_overlap() -> None:
    for order in itertools.permutations([(1, 3), (2, 4), (3, 1), (5, 3), (4, 3)]):
        sequencer = Sequencer(1)
        got = [n for first, count in order for n in numbers(sequencer.receive(reports(first, count), 0.0))]
        assert got == list(range(1, 8))


def test_what_is_no_datagram_of_the_feed_is_counted() -> None:
    sequencer = Sequencer(1)
    for datagram in (b"", b"\x10", reports(1)[:-1], b"\x11" + reports(1)[1:], reports(1) + reports(3), reports(0)):
        assert sequencer.receive(datagram, 0.0) == []
    assert sequencer.receive(reports(1) + heartbeat(2), 0.0) == []
    assert sequencer.statistics.malformed == 7
    assert whole(sequencer, 0)


# ---------------------------------------------------------------------- gaps


def test_a_gap_is_waited_out_for_a_moment_and_then_asked_for_once() -> None:
    sequencer = Sequencer(1, patience=0.5, retry=2.0)
    sequencer.receive(heartbeat(1), 0.0)
    sequencer.receive(reports(4, 2), 10.0)
    assert sequencer.due() == 10.5
    assert sequencer.wanted(10.4) is None
    assert sequencer.wanted(10.5) == RangeWanted(1, 3, EPOCH)
    assert sequencer.wanted(99.0) is None
    assert sequencer.due() is None
    got = sequencer.answer_range(RetransmitStatus.RANGE_FOLLOWS, 1, reports(1, 2), 6, EPOCH, 11.0)
    assert numbers(got) == [1, 2]
    assert sequencer.wanted(11.0) == RangeWanted(3, 1, EPOCH)
    assert numbers(sequencer.answer_range(RetransmitStatus.RANGE_FOLLOWS, 3, reports(3, 1), 6, EPOCH, 11.0)) == [
        3,
        4,
        5,
    ]
    assert whole(sequencer, 5)
    assert (sequencer.statistics.gaps, sequencer.statistics.filled) == (1, 3)
    assert [event.kind for event in sequencer.events] == [EventKind.GAP, EventKind.WHOLE]
    assert sequencer.events[0][1:] == (1, 3)


def test_a_heartbeat_shows_that_the_last_ones_are_missing() -> None:
    sequencer = Sequencer(1, patience=0.0)
    assert numbers(sequencer.receive(reports(1, 2), 0.0)) == [1, 2]
    sequencer.receive(heartbeat(3), 0.0)
    assert whole(sequencer, 2)
    sequencer.receive(heartbeat(5), 0.0)
    assert sequencer.state is FeedState.GAP
    assert sequencer.wanted(0.0) == RangeWanted(3, 2, EPOCH)
    assert numbers(sequencer.receive(reports(3, 2), 0.0)) == [3, 4]
    assert whole(sequencer, 4)
    assert sequencer.answer_range(RetransmitStatus.RANGE_FOLLOWS, 3, reports(3, 2), 5, EPOCH, 0.0) == []
    assert sequencer.statistics.filled == 0
    sequencer.receive(heartbeat(4), 0.0)
    assert whole(sequencer, 4)


def test_no_answer_and_a_limit_are_asked_again_later() -> None:
    sequencer = Sequencer(1, patience=0.0, retry=2.0)
    sequencer.receive(reports(2), 0.0)
    assert sequencer.wanted(0.0) == RangeWanted(1, 1, 0)
    sequencer.no_answer(1.0)
    assert sequencer.wanted(2.9) is None
    assert sequencer.wanted(3.0) == RangeWanted(1, 1, 0)
    assert sequencer.answer_range(RetransmitStatus.RANGE_LIMITED, 1, b"", 3, EPOCH, 3.0) == []
    assert sequencer.epoch == EPOCH
    assert sequencer.wanted(4.9) is None
    assert sequencer.wanted(5.0) == RangeWanted(1, 1, EPOCH)
    assert sequencer.answer_range(RetransmitStatus.RANGE_FOLLOWS, 1, b"", 3, EPOCH, 5.0) == []
    assert sequencer.wanted(6.9) is None
    assert sequencer.wanted(7.0) is not None


def test_a_long_gap_is_asked_for_in_pieces() -> None:
    sequencer = Sequencer(1, patience=0.0, longest_range=10)
    sequencer.receive(reports(26), 0.0)
    got = []
    while (wanted := sequencer.wanted(0.0)) is not None:
        assert isinstance(wanted, RangeWanted)
        assert wanted.reports <= 10
        got += numbers(
            sequencer.answer_range(
                RetransmitStatus.RANGE_FOLLOWS, wanted.seq_num, reports(wanted.seq_num, wanted.reports), 27, EPOCH, 0.0
            )
        )
    assert got == list(range(1, 27))


@pytest.mark.parametrize("why", ["gone", "too long"])
def test_a_snapshot_where_a_gap_cannot_be_filled(why: str) -> None:
    sequencer = Sequencer(1, patience=0.0, longest_gap=5 if why == "too long" else 100)
    sequencer.receive(reports(11, 2), 0.0)
    if why == "gone":
        assert sequencer.wanted(0.0) == RangeWanted(1, 10, 0)
        assert sequencer.answer_range(RetransmitStatus.RANGE_GONE, 1, b"", 13, EPOCH, 0.0) == []
    assert sequencer.wanted(0.0) == SnapshotWanted()
    assert sequencer.state is FeedState.WAITING
    assert sequencer.receive(reports(13), 0.0) == []
    assert numbers(sequencer.answer_snapshot(11, EPOCH, 0.0)) == [12, 13]
    assert whole(sequencer, 13)
    assert sequencer.statistics.snapshots == 1
    assert sequencer.events[-2][:2] == (EventKind.SNAPSHOT, 11)


# ---------------------------------------------------------------------- joining late


def test_joining_late() -> None:
    sequencer = Sequencer()
    assert sequencer.state is FeedState.WAITING
    assert sequencer.wanted(0.0) == SnapshotWanted()
    assert sequencer.receive(reports(100, 5), 0.0) == []
    assert sequencer.receive(reports(105, 5), 0.0) == []
    assert sequencer.wanted(1.0) is None
    assert numbers(sequencer.answer_snapshot(102, EPOCH, 0.0)) == list(range(103, 110))
    assert whole(sequencer, 109)


def test_a_snapshot_older_than_what_was_kept_leaves_a_gap_to_fill() -> None:
    sequencer = Sequencer(patience=0.0)
    sequencer.wanted(0.0)
    sequencer.receive(reports(100, 5), 0.0)
    assert sequencer.answer_snapshot(90, EPOCH, 0.0) == []
    assert sequencer.state is FeedState.GAP
    assert sequencer.wanted(0.0) == RangeWanted(91, 9, EPOCH)
    assert numbers(sequencer.answer_range(RetransmitStatus.RANGE_FOLLOWS, 91, reports(91, 9), 105, EPOCH, 0.0)) == list(
        range(91, 105)
    )
    assert whole(sequencer, 104)


def test_a_snapshot_newer_than_everything() -> None:
    sequencer = Sequencer()
    sequencer.receive(reports(10, 5), 0.0)
    assert sequencer.answer_snapshot(50, EPOCH, 0.0) == []
    assert whole(sequencer, 50)
    assert sequencer.kept_bytes == 0


def test_a_report_that_does_not_fit_asks_for_a_snapshot() -> None:
    sequencer = Sequencer(1)
    sequencer.receive(reports(1, 3), 0.0)
    sequencer.mismatch(3, 0.0)
    assert sequencer.state is FeedState.WAITING
    assert sequencer.wanted(0.0) == SnapshotWanted()
    assert sequencer.receive(reports(4), 0.0) == []
    assert numbers(sequencer.answer_snapshot(2, EPOCH, 0.0)) == []
    assert sequencer.wanted(0.0) == RangeWanted(3, 1, EPOCH)
    assert sequencer.statistics.mismatches == 1


# ---------------------------------------------------------------------- another epoch


@pytest.mark.parametrize("tells", ["heartbeat", "range", "snapshot"])
def test_another_epoch(tells: str) -> None:
    sequencer = Sequencer(1, patience=0.0)
    sequencer.receive(heartbeat(1), 0.0)
    sequencer.receive(reports(1, 9), 0.0)
    sequencer.receive(reports(12, 3), 0.0)
    if tells == "heartbeat":
        sequencer.receive(heartbeat(4, EPOCH + 1), 0.0)
    else:
        assert sequencer.wanted(0.0) == RangeWanted(10, 2, EPOCH)
    if tells == "range":
        assert sequencer.answer_range(RetransmitStatus.RANGE_GONE, 10, b"", 4, EPOCH + 1, 0.0) == []
    if tells == "snapshot":
        sequencer.mismatch(9, 0.0)
        sequencer.no_answer(0.0)
    else:
        assert sequencer.kept_bytes == 0
    assert sequencer.state is FeedState.WAITING
    assert sequencer.wanted(1.0) == SnapshotWanted()
    sequencer.receive(reports(4, 2), 1.0)
    sequencer.answer_snapshot(3, EPOCH + 1, 1.0)
    assert sequencer.statistics.epochs == 1
    assert EventKind.EPOCH in [event.kind for event in sequencer.events]
    if tells == "snapshot":  # what was kept may have been of the feed before
        assert whole(sequencer, 3)
        assert numbers(sequencer.receive(reports(4, 2), 1.0)) == [4, 5]
    assert whole(sequencer, 5)


def test_what_comes_from_a_feed_that_is_over_is_nothing() -> None:
    sequencer = Sequencer(1, patience=0.0)
    sequencer.receive(heartbeat(1), 0.0)
    sequencer.receive(heartbeat(77, EPOCH - 1), 0.0)
    assert whole(sequencer, 0)
    sequencer.receive(reports(2), 0.0)
    assert sequencer.wanted(0.0) is not None
    assert sequencer.answer_range(RetransmitStatus.RANGE_FOLLOWS, 1, reports(1), 50, EPOCH - 1, 0.0) == []
    assert sequencer.is_stale(EPOCH - 1)
    assert not sequencer.is_stale(EPOCH)
    with pytest.raises(ValueError, match="epoch 999"):
        sequencer.answer_snapshot(5, EPOCH - 1, 0.0)


def old_feed(last: int = 1_000) -> Sequencer:
    sequencer = Sequencer(1, patience=0.0)
    sequencer.receive(heartbeat(1), 0.0)
    sequencer.receive(reports(1, last), 0.0)
    return sequencer


def test_an_epoch_that_nobody_announces_is_found_before_a_report_of_it_is_taken_for_the_next() -> None:
    sequencer = old_feed()
    for first in range(1, 1_101, 10):
        assert sequencer.receive(reports(first, 10), 0.0) == []
    assert sequencer.state is FeedState.GAP
    wanted = sequencer.wanted(0.0)
    assert wanted == RangeWanted(1_001, 1, EPOCH)
    sequencer.answer_range(RetransmitStatus.RANGE_FOLLOWS, 1_001, reports(1_001, 1), 1_101, EPOCH + 1, 0.0)
    assert sequencer.wanted(0.0) == SnapshotWanted()
    sequencer.answer_snapshot(1_100, EPOCH + 1, 0.0)
    assert whole(sequencer, 1_100)


def test_a_long_run_of_duplicates_in_the_same_epoch_is_nothing() -> None:
    sequencer = old_feed()
    for first in range(1, 10 * SUSPICIOUS, 10):
        sequencer.receive(reports(first, 10), 0.0)
    assert sequencer.wanted(0.0) == RangeWanted(1_001, 1, EPOCH)
    assert sequencer.receive(reports(1_001), 0.0) == []
    assert numbers(sequencer.answer_range(RetransmitStatus.RANGE_AHEAD, 1_001, b"", 1_001, EPOCH, 0.0)) == [1_001]
    assert whole(sequencer, 1_001)


def test_an_exchange_that_is_behind_has_begun_anew() -> None:
    sequencer = Sequencer(1, patience=0.0)
    sequencer.receive(reports(1, 20), 0.0)
    sequencer.receive(reports(30), 0.0)
    assert sequencer.wanted(0.0) == RangeWanted(21, 9, 0)
    assert sequencer.answer_range(RetransmitStatus.RANGE_AHEAD, 21, b"", 5, EPOCH, 0.0) == []
    assert sequencer.wanted(0.0) == SnapshotWanted()
    assert sequencer.kept_bytes == 0


def test_what_came_from_ahead_of_the_feed_is_dropped() -> None:
    sequencer = Sequencer(patience=0.0)
    sequencer.receive(reports(900, 10), 0.0)  # of the feed before, which nobody told us of
    sequencer.answer_snapshot(20, EPOCH, 0.0)
    assert sequencer.wanted(0.0) == RangeWanted(21, 879, EPOCH)
    assert sequencer.answer_range(RetransmitStatus.RANGE_AHEAD, 21, b"", 21, EPOCH, 0.0) == []
    assert whole(sequencer, 20)
    assert numbers(sequencer.receive(reports(21), 0.0)) == [21]


def test_duplicates_before_the_epoch_is_known() -> None:
    sequencer = Sequencer(1)
    sequencer.receive(reports(1, 1_000), 0.0)
    for first in range(1, 10 * SUSPICIOUS, 10):
        sequencer.receive(reports(first, 10), 0.0)
    assert sequencer.wanted(0.0) == SnapshotWanted()


# ---------------------------------------------------------------------- bounds


def test_what_is_kept_is_bounded_while_a_gap_is_open() -> None:
    sequencer = Sequencer(1, patience=0.0, buffer_bytes=48 * 100)
    for number in range(2, 300):
        sequencer.receive(reports(number), 0.0)
        assert sequencer.kept_bytes <= 48 * 100
    assert sequencer.statistics.dropped == 198
    assert numbers(sequencer.receive(reports(1), 0.0)) == list(range(1, 102))
    assert sequencer.state is FeedState.GAP
    assert sequencer.wanted(0.0) == RangeWanted(102, 198, 0)


def test_what_is_kept_is_bounded_while_a_snapshot_is_on_its_way() -> None:
    sequencer = Sequencer(buffer_bytes=48 * 100)
    for number in range(2, 300):
        sequencer.receive(reports(number), 0.0)
        assert sequencer.kept_bytes <= 48 * 100
    assert numbers(sequencer.answer_snapshot(250, EPOCH, 0.0)) == list(range(251, 300))
    assert whole(sequencer, 299)


def test_events_that_nobody_reads_are_bounded() -> None:
    sequencer = Sequencer(1)
    for number in range(1, 10_000, 2):
        sequencer.receive(reports(number + 1), 0.0)
        sequencer.receive(reports(number), 0.0)
    assert len(sequencer.events) == 1_000


# ---------------------------------------------------------------------- at random


def disturbed(rng: random.Random, datagrams: list[bytes], rate: float) -> Iterator[bytes]:
    """Datagrams as a bad network delivers them."""
    late: list[tuple[int, bytes]] = []
    for i, datagram in enumerate(datagrams):
        for copy in range(1 + (rng.random() < rate)):
            if rng.random() < rate:
                continue
            if copy or rng.random() < rate:
                late.append((i + rng.randint(1, 8), datagram))
            else:
                yield datagram
        for item in [item for item in late if item[0] <= i]:
            late.remove(item)
            yield item[1]


@pytest.mark.parametrize("seed", range(60))
def test_a_bad_network(seed: int) -> None:
    rng = random.Random(seed)
    datagrams, first = [], 1
    for _ in range(400):
        datagrams.append(reports(first, count := rng.randint(1, 9)))
        first += count
    oldest = 1
    sequencer = Sequencer(
        rng.choice([1, None]),
        patience=rng.choice([0.0, 3.0]),
        retry=2.0,
        longest_gap=rng.choice([5, 1_000]),
        longest_range=rng.choice([1, 10, 1_000]),
        buffer_bytes=48 * rng.choice([20, 10_000]),
    )
    got: list[int] = []
    now, sent = 0.0, 1
    for datagram in [*disturbed(rng, datagrams, 0.2 * seed / 60), *[heartbeat(first)] * 4_000]:
        sent = max(sent, np.frombuffer(datagram, REPORT)["seq_num"].max() + 1 if datagram[0] == 16 else first)
        now += 0.5
        got += numbers(sequencer.receive(datagram, now))
        wanted = sequencer.wanted(now)
        if wanted is None:
            continue
        oldest = max(oldest, int(sent) - 500)
        if rng.random() < 0.1:
            sequencer.no_answer(now)
        elif isinstance(wanted, SnapshotWanted):
            seq_num = rng.randint(oldest - 1, int(sent) - 1)
            got = [*range(1, seq_num + 1)]
            got += numbers(sequencer.answer_snapshot(seq_num, EPOCH, now))
        elif wanted.seq_num < oldest:
            sequencer.answer_range(RetransmitStatus.RANGE_GONE, wanted.seq_num, b"", int(sent), EPOCH, now)
        else:
            count = rng.randint(1, min(wanted.reports, int(sent) - wanted.seq_num))
            again = reports(wanted.seq_num, count)
            got += numbers(
                sequencer.answer_range(RetransmitStatus.RANGE_FOLLOWS, wanted.seq_num, again, int(sent), EPOCH, now)
            )
    assert whole(sequencer, first - 1)
    assert got == list(range(1, first))
    assert sequencer.kept_bytes == 0
