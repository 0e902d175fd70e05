"""Whatever a network does to datagrams, what the sequencer hands out is the feed: whole, in order, each report once."""

import itertools
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from pricetime import REPORT
from pricetime.client.feed_state import EventKind, FeedState, RangeWanted, SnapshotWanted
from pricetime.client.sequencer import MOST_CLAIMS, MOST_DENIED, Sequencer
from pricetime.native.crc import linked_records
from pricetime.wire.messages import FeedHeartbeat
from pricetime.wire.types import RetransmitStatus

EPOCH = 1_000


def reports(first: int, count: int = 1) -> bytes:
    made = np.zeros(count, REPORT)
    made["type"] = 16
    made["seq_num"] = np.arange(first, first + count, dtype=np.uint64)
    return made.tobytes()


def forged(first: int, count: int = 1) -> bytes:
    """Reports with these numbers and different content."""
    made = np.frombuffer(reports(first, count), REPORT).copy()
    made["quantity"] = 666
    return made.tobytes()


def checksum(seq_num: int) -> int:
    """Of the reports before this one."""
    return linked_records(0, reports(1, seq_num - 1), REPORT.itemsize)


def heartbeat(seq_num: int, epoch: int = EPOCH, told: int | None = None) -> bytes:
    return FeedHeartbeat(seq_num=seq_num, epoch=epoch, checksum=checksum(seq_num) if told is None else told).encode()


def live(**settings: Any) -> Sequencer:
    """One that has joined at the start, and heard of its feed."""
    sequencer = Sequencer(1, **settings)
    sequencer.receive(heartbeat(1), 0.0)
    assert at(sequencer, FeedState.WHOLE)
    sequencer.events.clear()
    return sequencer


def follows(
    sequencer: Sequencer, seq_num: int, count: int, next_sequence: int, epoch: int = EPOCH, now: float = 0.0
) -> list[int]:
    """The exchange sends these reports again: the numbers of those that can be applied then."""
    status = RetransmitStatus.RANGE_FOLLOWS
    sent = reports(seq_num, count)
    return numbers(sequencer.answer_range(status, seq_num, sent, next_sequence, epoch, checksum(seq_num), now))


def refused(sequencer: Sequencer, status: RetransmitStatus, seq_num: int, next_sequence: int, **more: Any) -> None:
    """The exchange sends no reports: nothing can be applied."""
    known = checksum(seq_num) if status is RetransmitStatus.RANGE_AHEAD and seq_num == next_sequence else 0
    epoch, now = more.get("epoch", EPOCH), more.get("now", 0.0)
    assert sequencer.answer_range(status, seq_num, b"", next_sequence, epoch, known, now) == []


def snapshot(sequencer: Sequencer, seq_num: int, epoch: int = EPOCH, now: float = 0.0) -> list[int]:
    """A snapshot of the feed: the numbers of the reports that follow it."""
    return numbers(sequencer.answer_snapshot(seq_num, epoch, checksum(seq_num + 1), now))


def joined(seq_num: int, **settings: Any) -> Sequencer:
    """One that began with a snapshot, and heard of its feed."""
    sequencer = Sequencer(None, **settings)
    assert sequencer.wanted(0.0) == SnapshotWanted()
    snapshot(sequencer, seq_num)
    sequencer.receive(heartbeat(seq_num + 1), 0.0)
    assert whole(sequencer, seq_num)
    sequencer.events.clear()
    return sequencer


def numbers(runs: list[bytes]) -> list[int]:
    return [number for run in runs for number in np.frombuffer(run, REPORT)["seq_num"].tolist()]


def at(sequencer: Sequencer, state: FeedState) -> bool:
    return sequencer.state is state


def whole(sequencer: Sequencer, last: int) -> bool:
    return sequencer.state is FeedState.WHOLE and sequencer.next_sequence == last + 1


# ---------------------------------------------------------------------- order


@pytest.mark.parametrize("count", range(1, 7))
def test_every_order_of_a_few_datagrams(count: int) -> None:
    sizes = [1, 2, 1, 3, 1, 1]
    starts = [1 + sum(sizes[:i]) for i in range(count)]
    for order in itertools.permutations(range(count)):
        sequencer = live()
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
        sequencer = live()
        got = [n for i in order for n in numbers(sequencer.receive(reports(1 + 2 * i, 2), 0.0))]
        assert got == list(range(1, 2 * count + 1))
        assert sequencer.statistics.duplicates == 2 * count


def test_datagrams_that_overlap() -> None:
    for order in itertools.permutations([(1, 3), (2, 4), (3, 1), (5, 3), (4, 3)]):
        sequencer = live()
        got = [n for first, count in order for n in numbers(sequencer.receive(reports(first, count), 0.0))]
        assert got == list(range(1, 8))


def test_what_is_no_datagram_of_the_feed_is_counted() -> None:
    sequencer = live()
    for datagram in (b"", b"\x10", reports(1)[:-1], b"\x11" + reports(1)[1:], reports(1) + reports(3), reports(0)):
        assert sequencer.receive(datagram, 0.0) == []
    assert sequencer.receive(reports(1) + heartbeat(2), 0.0) == []
    assert sequencer.statistics.malformed == 7
    assert whole(sequencer, 0)


# ---------------------------------------------------------------------- gaps


def test_a_gap_is_waited_out_for_a_moment_and_then_asked_for_once() -> None:
    sequencer = live(patience=0.5, retry=2.0)
    sequencer.receive(reports(4, 2), 10.0)
    assert sequencer.due() == 10.5
    assert sequencer.wanted(10.4) is None
    assert sequencer.wanted(10.5) == RangeWanted(1, 3, 0)
    assert sequencer.wanted(99.0) is None
    assert sequencer.due() is None
    assert follows(sequencer, 1, 2, 6, now=11.0) == [1, 2]
    assert sequencer.wanted(11.0) == RangeWanted(3, 1, EPOCH)
    assert follows(sequencer, 3, 1, 6, now=11.0) == [3, 4, 5]
    assert whole(sequencer, 5)
    assert (sequencer.statistics.gaps, sequencer.statistics.filled) == (1, 3)
    assert [event.kind for event in sequencer.events] == [EventKind.GAP, EventKind.WHOLE]
    assert sequencer.events[0][1:] == (1, 3)


def test_a_heartbeat_shows_that_the_last_ones_are_missing() -> None:
    sequencer = live(patience=0.0)
    assert numbers(sequencer.receive(reports(1, 2), 0.0)) == [1, 2]
    sequencer.receive(heartbeat(3), 0.0)
    assert whole(sequencer, 2)
    sequencer.receive(heartbeat(5), 0.0)
    assert at(sequencer, FeedState.GAP)
    assert sequencer.wanted(0.0) == RangeWanted(3, 2, 0)
    assert numbers(sequencer.receive(reports(3, 2), 0.0)) == [3, 4]
    assert whole(sequencer, 4)
    assert follows(sequencer, 3, 2, 5) == []
    assert sequencer.statistics.filled == 0
    sequencer.receive(heartbeat(5), 0.0)
    assert whole(sequencer, 4)


def test_no_answer_and_a_limit_are_asked_again_later() -> None:
    sequencer = live(patience=0.0, retry=2.0)
    sequencer.receive(reports(2), 0.0)
    assert sequencer.wanted(0.0) == RangeWanted(1, 1, 0)
    sequencer.no_answer(1.0)
    assert sequencer.wanted(2.9) is None
    assert sequencer.wanted(3.0) == RangeWanted(1, 1, 0)
    refused(sequencer, RetransmitStatus.RANGE_LIMITED, 1, 3, now=3.0)
    assert sequencer.epoch == EPOCH
    assert sequencer.wanted(4.9) is None
    assert sequencer.wanted(5.0) == RangeWanted(1, 1, EPOCH)
    assert follows(sequencer, 1, 0, 3, now=5.0) == []
    assert sequencer.wanted(6.9) is None
    assert sequencer.wanted(7.0) is not None


def test_a_long_gap_is_asked_for_in_pieces() -> None:
    sequencer = live(patience=0.0, longest_range=10)
    sequencer.receive(reports(26), 0.0)
    got = []
    while (wanted := sequencer.wanted(0.0)) is not None:
        assert isinstance(wanted, RangeWanted)
        assert wanted.reports <= 10
        got += follows(sequencer, wanted.seq_num, wanted.reports, 27)
    assert got == list(range(1, 27))


@pytest.mark.parametrize("why", ["gone", "too long"])
def test_a_snapshot_where_a_gap_cannot_be_filled(why: str) -> None:
    sequencer = live(patience=0.0, longest_gap=5 if why == "too long" else 100)
    sequencer.receive(reports(11, 2), 0.0)
    if why == "gone":
        assert sequencer.wanted(0.0) == RangeWanted(1, 10, 0)
        refused(sequencer, RetransmitStatus.RANGE_GONE, 1, 13)
    else:  # the exchange is asked first whether there are so many
        assert sequencer.wanted(0.0) == RangeWanted(1, 1, 0)
        assert follows(sequencer, 1, 1, 13) == [1]
    assert sequencer.wanted(0.0) == SnapshotWanted()
    assert at(sequencer, FeedState.WAITING)
    assert sequencer.receive(reports(13), 0.0) == []
    assert snapshot(sequencer, 11) == [12, 13]
    assert whole(sequencer, 13)
    assert sequencer.statistics.snapshots == 1
    assert sequencer.events[-2][:2] == (EventKind.SNAPSHOT, 11)


# ---------------------------------------------------------------------- joining late


def test_joining_late() -> None:
    sequencer = Sequencer()
    assert at(sequencer, FeedState.WAITING)
    assert sequencer.wanted(0.0) == SnapshotWanted()
    assert sequencer.receive(reports(100, 5), 0.0) == []
    assert sequencer.receive(reports(105, 5), 0.0) == []
    assert sequencer.wanted(1.0) is None
    assert snapshot(sequencer, 102) == list(range(103, 110))
    assert at(sequencer, FeedState.SILENT), "no heartbeat has said that this is the feed of the snapshot"
    sequencer.receive(heartbeat(110), 0.0)
    assert whole(sequencer, 109)


def test_a_snapshot_older_than_what_was_kept_leaves_a_gap_to_fill() -> None:
    sequencer = Sequencer(patience=0.0)
    sequencer.wanted(0.0)
    sequencer.receive(reports(100, 5), 0.0)
    assert snapshot(sequencer, 90) == []
    assert at(sequencer, FeedState.GAP)
    assert sequencer.wanted(0.0) == RangeWanted(91, 9, EPOCH)
    assert follows(sequencer, 91, 9, 105) == list(range(91, 105))
    sequencer.receive(heartbeat(105), 0.0)
    assert whole(sequencer, 104)


def test_a_snapshot_newer_than_everything() -> None:
    sequencer = Sequencer()
    sequencer.receive(reports(10, 5), 0.0)
    assert snapshot(sequencer, 50) == []
    sequencer.receive(heartbeat(51), 0.0)
    assert whole(sequencer, 50)
    assert sequencer.kept_bytes == 0


def test_a_report_that_does_not_fit_asks_for_a_snapshot() -> None:
    sequencer = live()
    sequencer.receive(reports(1, 3), 0.0)
    sequencer.mismatch(3, 0.0)
    assert at(sequencer, FeedState.WAITING)
    assert sequencer.wanted(0.0) == SnapshotWanted()
    assert sequencer.receive(reports(4), 0.0) == []
    assert snapshot(sequencer, 2) == []
    assert sequencer.wanted(0.0) == RangeWanted(3, 1, EPOCH)
    assert sequencer.statistics.mismatches == 1


# ---------------------------------------------------------------------- a different epoch


@pytest.mark.parametrize("tells", ["heartbeat", "range", "snapshot"])
def test_another_epoch(tells: str) -> None:
    sequencer = joined(9, patience=0.0)
    sequencer.receive(reports(12, 3), 0.0)
    if tells == "heartbeat":  # the recovery server says whether it is true
        sequencer.receive(heartbeat(4, EPOCH + 1), 0.0)
        assert at(sequencer, FeedState.GAP)
    assert sequencer.wanted(0.0) == RangeWanted(10, 2, EPOCH)
    if tells == "snapshot":
        sequencer.mismatch(9, 0.0)
        sequencer.no_answer(0.0)
    else:
        refused(sequencer, RetransmitStatus.RANGE_GONE, 10, 4, epoch=EPOCH + 1)
        assert sequencer.kept_bytes == 0
    assert at(sequencer, FeedState.WAITING)
    assert sequencer.wanted(1.0) == SnapshotWanted()
    sequencer.receive(reports(4, 2), 1.0)
    got = snapshot(sequencer, 3, EPOCH + 1, 1.0)
    assert sequencer.statistics.epochs == 1
    assert EventKind.EPOCH in [event.kind for event in sequencer.events]
    if tells == "snapshot":  # what was kept may have been of the feed before
        assert numbers(sequencer.receive(reports(4, 2), 1.0)) == [4, 5]
    else:
        assert got == [4, 5]
    assert at(sequencer, FeedState.SILENT), "what was heard was the feed before"
    sequencer.receive(heartbeat(6, EPOCH + 1), 1.0)
    assert whole(sequencer, 5)


@pytest.mark.parametrize("epoch", [EPOCH - 1, EPOCH + 1])
def test_an_epoch_that_the_recovery_server_denies_is_asked_for_once(epoch: int) -> None:
    """A heartbeat of a different exchange, of one that has ended, or a forged one."""
    sequencer = joined(9, patience=0.0)
    for _ in range(3):
        sequencer.receive(heartbeat(77, epoch), 0.0)
    assert at(sequencer, FeedState.UNVERIFIED)
    assert [event.kind for event in sequencer.events] == [EventKind.UNVERIFIED]
    assert sequencer.wanted(0.0) == RangeWanted(10, 1, EPOCH)
    assert numbers(sequencer.receive(reports(10), 0.0)) == [10], "the feed goes on meanwhile"
    assert follows(sequencer, 10, 1, 11) == []
    assert whole(sequencer, 10)
    sequencer.receive(heartbeat(78, epoch), 0.0)
    assert whole(sequencer, 10)
    assert sequencer.statistics.foreign == 1
    assert (sequencer.statistics.diverged, sequencer.statistics.snapshots) == (0, 1)


def test_an_epoch_that_came_since_the_question_is_asked_for_again() -> None:
    """The exchange was started anew behind the answer that is on its way: the new epoch is not denied by it."""
    sequencer = joined(9, patience=0.0)
    sequencer.receive(heartbeat(77, 5), 0.0)
    assert sequencer.wanted(0.0) is not None
    sequencer.receive(heartbeat(1, EPOCH + 1), 0.0)
    refused(sequencer, RetransmitStatus.RANGE_AHEAD, 10, 10)
    assert at(sequencer, FeedState.UNVERIFIED)
    assert sequencer.wanted(0.0) == RangeWanted(10, 1, EPOCH)
    refused(sequencer, RetransmitStatus.RANGE_GONE, 10, 1, epoch=EPOCH + 1)
    assert at(sequencer, FeedState.WAITING)


def test_an_epoch_that_was_denied_may_be_true_later() -> None:
    sequencer = joined(9, patience=0.0)
    for epoch in range(1, MOST_DENIED + 3):
        sequencer.receive(heartbeat(1, epoch), 0.0)
        assert sequencer.wanted(0.0) is not None
        refused(sequencer, RetransmitStatus.RANGE_AHEAD, 10, 10)
    sequencer.mismatch(9, 0.0)
    snapshot(sequencer, 0, MOST_DENIED + 2)
    sequencer.receive(heartbeat(1, MOST_DENIED + 2), 0.0)
    assert whole(sequencer, 0)
    sequencer.receive(heartbeat(1, EPOCH), 0.0)  # that was never denied
    assert at(sequencer, FeedState.UNVERIFIED)


def test_the_epoch_of_the_first_heartbeat_is_no_more_than_a_guess() -> None:
    sequencer = Sequencer(patience=0.0)
    sequencer.receive(heartbeat(500, EPOCH + 1), 0.0)
    assert (sequencer.epoch, sequencer.heard) == (EPOCH + 1, True)
    snapshot(sequencer, 20)
    assert (sequencer.epoch, sequencer.heard) == (EPOCH, False)
    assert sequencer.statistics.epochs == 0
    assert sequencer.wanted(0.0) == RangeWanted(21, 479, EPOCH)
    refused(sequencer, RetransmitStatus.RANGE_AHEAD, 21, 21)
    assert at(sequencer, FeedState.SILENT)
    sequencer.receive(heartbeat(21), 0.0)
    assert whole(sequencer, 20)


def test_without_recovery_a_history_that_is_the_same_is_the_feed() -> None:
    sequencer = Sequencer(1)
    sequencer.receive(heartbeat(1, 5), 0.0)  # forged
    sequencer.receive(heartbeat(2**40, 5, told=1), 0.0)
    assert at(sequencer, FeedState.GAP)
    sequencer.receive(heartbeat(1), 0.0)
    assert whole(sequencer, 0)
    sequencer.receive(reports(1, 3), 0.0)
    sequencer.receive(heartbeat(9, 5), 0.0)
    assert at(sequencer, FeedState.UNVERIFIED)
    sequencer.receive(heartbeat(4), 0.0)
    assert whole(sequencer, 3)


# ---------------------------------------------------------------------- forged, or of a server that lost reports


def test_a_forged_report_is_found_at_the_next_heartbeat() -> None:
    sequencer = joined(9, patience=0.5)
    sequencer.receive(forged(10), 0.0)
    sequencer.receive(reports(10, 2), 0.0)
    assert whole(sequencer, 11)
    sequencer.receive(heartbeat(12), 0.0)
    assert at(sequencer, FeedState.UNVERIFIED)
    assert sequencer.wanted(0.4) is None
    assert sequencer.wanted(0.5) == RangeWanted(12, 1, EPOCH)
    refused(sequencer, RetransmitStatus.RANGE_AHEAD, 12, 12)
    assert at(sequencer, FeedState.WAITING)
    assert [event[:2] for event in sequencer.events] == [(EventKind.UNVERIFIED, 11), (EventKind.DIVERGED, 11)]
    assert sequencer.statistics.diverged == 1
    sequencer.receive(reports(12), 0.0)
    assert sequencer.wanted(1.0) == SnapshotWanted()
    assert snapshot(sequencer, 11) == [12]
    assert whole(sequencer, 12)
    sequencer.receive(heartbeat(13), 1.0)
    assert whole(sequencer, 12)


def test_forged_reports_that_ran_ahead_are_found_by_a_heartbeat_behind_them() -> None:
    sequencer = joined(9, patience=0.0)
    sequencer.receive(forged(10, 20), 0.0)
    sequencer.receive(heartbeat(12), 0.0)
    assert sequencer.wanted(0.0) == RangeWanted(30, 1, EPOCH)
    refused(sequencer, RetransmitStatus.RANGE_AHEAD, 30, 12)
    assert sequencer.wanted(0.0) == SnapshotWanted()
    assert snapshot(sequencer, 11) == []
    assert whole(sequencer, 11)


def test_a_forged_report_in_a_gap_is_found_where_a_heartbeat_was_ahead() -> None:
    sequencer = joined(9, patience=0.0)
    sequencer.receive(forged(12), 0.0)
    sequencer.receive(heartbeat(13), 0.0)
    assert numbers(sequencer.receive(reports(10, 2), 0.0)) == [10, 11, 12]
    assert at(sequencer, FeedState.UNVERIFIED)
    assert numbers(sequencer.receive(reports(13, 5), 0.0)) == [13, 14, 15, 16, 17]
    assert sequencer.wanted(0.0) == RangeWanted(18, 1, EPOCH)
    assert follows(sequencer, 18, 1, 19) == []
    assert sequencer.wanted(0.0) == SnapshotWanted()


def test_several_heartbeats_ahead_are_each_compared() -> None:
    sequencer = joined(9, patience=0.0)
    for ahead in (12, 15, 20, 20):
        sequencer.receive(heartbeat(ahead), 0.0)
    assert numbers(sequencer.receive(reports(10, 20), 0.0)) == [*range(10, 30)]
    assert whole(sequencer, 29)
    for ahead in range(35, 35 + 2 * MOST_CLAIMS):
        sequencer.receive(heartbeat(ahead, told=1), 0.0)
    assert sequencer.statistics.unverified == 0
    sequencer.receive(reports(30, 3 * MOST_CLAIMS), 0.0)
    assert sequencer.statistics.unverified == MOST_CLAIMS, "so many are remembered, the nearest"


def test_a_forged_heartbeat_of_this_epoch_costs_one_question() -> None:
    sequencer = joined(9, patience=0.0)
    sequencer.receive(heartbeat(10, told=1), 0.0)
    assert at(sequencer, FeedState.UNVERIFIED)
    assert sequencer.wanted(0.0) == RangeWanted(10, 1, EPOCH)
    refused(sequencer, RetransmitStatus.RANGE_AHEAD, 10, 10)
    assert whole(sequencer, 9)
    assert (sequencer.statistics.unverified, sequencer.statistics.diverged) == (1, 0)


def test_a_late_heartbeat_is_doubted_until_one_agrees() -> None:
    sequencer = joined(9, patience=0.5)
    sequencer.receive(reports(10, 5), 0.0)
    sequencer.receive(heartbeat(12), 0.0)
    assert at(sequencer, FeedState.UNVERIFIED)
    sequencer.receive(heartbeat(15), 0.0)
    assert whole(sequencer, 14)
    assert sequencer.wanted(1.0) is None


@pytest.mark.parametrize("ahead", ["heartbeat", "report"])
def test_what_is_claimed_far_ahead_does_not_stop_it(ahead: str) -> None:
    sequencer = joined(9, patience=0.0, longest_gap=100)
    sequencer.receive(heartbeat(2**60, told=1) if ahead == "heartbeat" else forged(2**60), 0.0)
    assert at(sequencer, FeedState.GAP)
    assert sequencer.wanted(0.0) == RangeWanted(10, 1, EPOCH)
    assert numbers(sequencer.receive(reports(10), 0.0)) == [10]
    assert follows(sequencer, 10, 1, 12) == []
    assert at(sequencer, FeedState.GAP), "the exchange says that it is at 12"
    assert sequencer.wanted(0.0) == RangeWanted(11, 1, EPOCH)
    assert follows(sequencer, 11, 1, 12) == [11]
    assert whole(sequencer, 11)
    assert sequencer.kept_bytes == 0
    assert sequencer.statistics.snapshots == 1


def test_an_exchange_that_is_behind_has_lost_reports() -> None:
    """The copy of a journal: the same epoch, and numbers that are used again."""
    sequencer = joined(20, patience=0.0)
    sequencer.receive(heartbeat(5), 0.0)
    assert sequencer.wanted(0.0) == RangeWanted(21, 1, EPOCH)
    refused(sequencer, RetransmitStatus.RANGE_AHEAD, 21, 5)
    assert sequencer.wanted(0.0) == SnapshotWanted()
    assert sequencer.statistics.epochs == 0
    snapshot(sequencer, 6)
    assert whole(sequencer, 6)


def test_a_question_that_was_overtaken_is_judged_by_where_it_was_asked() -> None:
    sequencer = joined(9, patience=0.0)
    sequencer.receive(heartbeat(10, told=1), 0.0)
    assert sequencer.wanted(0.0) == RangeWanted(10, 1, EPOCH)
    sequencer.receive(reports(10, 90), 0.0)
    assert follows(sequencer, 10, 1, 100) == []
    assert whole(sequencer, 99)


# ---------------------------------------------------------------------- silence


def test_a_feed_without_heartbeats_is_silent() -> None:
    sequencer = Sequencer(1, heartbeat_interval=0.5, silent_after=4)
    assert at(sequencer, FeedState.SILENT)
    sequencer.receive(reports(1), 10.0)
    assert at(sequencer, FeedState.SILENT), "no heartbeat has said what it is"
    sequencer.receive(heartbeat(2), 10.0)
    assert whole(sequencer, 1)
    assert [sequencer.silent_at] == [12.0]
    sequencer.idle(11.9)
    assert whole(sequencer, 1)
    sequencer.idle(12.0)
    assert at(sequencer, FeedState.SILENT)
    assert sequencer.due() is sequencer.silent_at is None
    sequencer.idle(13.0)
    sequencer.receive(heartbeat(2), 14.0)
    assert whole(sequencer, 1)
    told = [event[:2] for event in sequencer.events]
    whole_event = (EventKind.WHOLE, 1)
    assert told == [whole_event, (EventKind.SILENT, 1), (EventKind.HEARD, 0), whole_event]
    assert sequencer.statistics.silences == 1


def test_a_feed_from_which_nothing_ever_comes() -> None:
    sequencer = Sequencer(heartbeat_interval=0.5, silent_after=4)
    sequencer.idle(10.0)
    assert [sequencer.silent_at] == [12.0]
    assert at(sequencer, FeedState.WAITING)
    snapshot(sequencer, 7, now=11.0)
    assert at(sequencer, FeedState.SILENT)
    sequencer.idle(12.0)
    assert [event.kind for event in sequencer.events] == [EventKind.SNAPSHOT, EventKind.SILENT]
    assert not sequencer.heard


def test_another_exchange_does_not_break_the_silence() -> None:
    sequencer = joined(9, patience=0.0)
    sequencer.idle(1.0)
    sequencer.receive(heartbeat(50, EPOCH + 1), 1.0)
    assert at(sequencer, FeedState.UNVERIFIED)
    assert sequencer.wanted(1.0) is not None
    refused(sequencer, RetransmitStatus.RANGE_AHEAD, 10, 10, now=1.0)
    assert at(sequencer, FeedState.SILENT)
    sequencer.receive(heartbeat(10), 1.5)
    assert whole(sequencer, 9)


def test_a_gap_is_worse_than_silence() -> None:
    sequencer = joined(9, patience=0.0)
    sequencer.receive(reports(11), 0.0)
    sequencer.idle(5.0)
    assert at(sequencer, FeedState.GAP)
    assert numbers(sequencer.receive(reports(10), 5.0)) == [10, 11]
    assert at(sequencer, FeedState.SILENT)


# ---------------------------------------------------------------------- bounds


def test_what_is_kept_is_bounded_while_a_gap_is_open() -> None:
    sequencer = live(patience=0.0, buffer_bytes=48 * 100)
    for number in range(2, 300):
        sequencer.receive(reports(number), 0.0)
        assert sequencer.kept_bytes <= 48 * 100
    assert sequencer.statistics.dropped == 198
    assert numbers(sequencer.receive(reports(1), 0.0)) == list(range(1, 102))
    assert at(sequencer, FeedState.GAP)
    assert sequencer.wanted(0.0) == RangeWanted(102, 198, 0)


def test_what_is_kept_is_bounded_while_a_snapshot_is_on_its_way() -> None:
    sequencer = Sequencer(buffer_bytes=48 * 100)
    for number in range(2, 300):
        sequencer.receive(reports(number), 0.0)
        assert sequencer.kept_bytes <= 48 * 100
    assert snapshot(sequencer, 250) == list(range(251, 300))
    assert sequencer.next_sequence == 300


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
        if rng.random() < 0.1:
            datagrams.append(heartbeat(first))
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
    for datagram in [*disturbed(rng, datagrams, 0.2 * seed / 60), *[heartbeat(first)] * 1_000]:
        is_reports = datagram[0] == 16
        last = (
            np.frombuffer(datagram, REPORT)["seq_num"].max() + 1
            if is_reports
            else FeedHeartbeat.decode(datagram).seq_num
        )
        sent = max(sent, last)
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
            got = [*range(1, seq_num + 1), *snapshot(sequencer, seq_num, now=now)]
        elif wanted.seq_num == sent:
            refused(sequencer, RetransmitStatus.RANGE_AHEAD, wanted.seq_num, int(sent), now=now)
        elif wanted.seq_num < oldest:
            refused(sequencer, RetransmitStatus.RANGE_GONE, wanted.seq_num, int(sent), now=now)
        else:
            count = rng.randint(1, min(wanted.reports, int(sent) - wanted.seq_num))
            got += follows(sequencer, wanted.seq_num, count, int(sent), now=now)
    assert whole(sequencer, first - 1)
    assert got == list(range(1, first))
    assert sequencer.kept_bytes == 0
