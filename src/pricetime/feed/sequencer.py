"""The feed as one run of reports without a gap: datagrams and answers in, reports in their order out. No sockets.

Rules, in this order:

1. A report counts once, in the order of ``seq_num``. What comes again is dropped, what comes early is kept.
2. Nothing is handed out before the books are whole: at first a snapshot is wanted, unless it is the start of the feed.
3. A gap is waited out for a moment, because the network may only have changed the order; then its reports are wanted.
   If these are gone, or more than ``longest_gap``, a snapshot is wanted.
4. A datagram may be forged, or come from another exchange. So the checksum of all reports handed out is compared with
   the checksum in each heartbeat. A heartbeat that contradicts the books (another checksum, another epoch, fewer
   reports) leaves them in doubt, until the recovery server has said which epoch it is and what the checksum at this
   position is. If the recovery server contradicts the books too, they have diverged: a snapshot is wanted.
5. What only datagrams claim (an epoch, reports far ahead) holds until the recovery server answers.
6. What is kept is bounded: while a gap is open the latest are dropped, and asked for later; while a snapshot is on
   its way the oldest, because it has them.
7. Without a heartbeat for ``silent_after`` intervals the feed is silent: there may be reports that never came.

The caller brings the time, applies what it is handed, and fetches what is ``wanted``.
"""

from __future__ import annotations

import heapq
import struct
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from pricetime.native.crc import linked_records
from pricetime.types import EXECUTION_REPORT, REPORT
from pricetime.wire.messages import FeedHeartbeat
from pricetime.wire.types import RetransmitStatus

REPORT_BYTES = REPORT.itemsize
SEQ_NUM = struct.Struct("<8xQ")

#: The latest events that the caller has not taken.
MOST_EVENTS = 1_000

#: Checksums that heartbeats gave for positions ahead, and epochs that the recovery server denied: the most remembered.
MOST_CLAIMS, MOST_DENIED = 64, 16


class FeedState(Enum):
    """How far the books of a subscriber can be trusted."""

    WAITING = auto()  #: for a snapshot: there are no books
    GAP = auto()  #: reports are missing: the books are those of a moment ago
    UNVERIFIED = auto()  #: a heartbeat contradicts the books: they may be wrong, and the recovery server is asked
    SILENT = auto()  #: no heartbeat yet, or none for a while: later reports may be missing
    WHOLE = auto()  #: every report that is known of is in the books, and the feed is alive


class RangeWanted(NamedTuple):
    """Send these reports again."""

    seq_num: int  #: of the first
    reports: int  #: how many
    epoch: int  #: 0 when unknown


class SnapshotWanted(NamedTuple):
    """Send all books."""


Wanted = RangeWanted | SnapshotWanted


class EventKind(Enum):
    """What happened to a feed, beside reports."""

    GAP = auto()  #: reports from ``seq_num`` on are missing, ``reports`` of them as far as is known
    WHOLE = auto()  #: nothing is missing any more; ``seq_num`` is the last one
    SNAPSHOT = auto()  #: a snapshot that is good for ``seq_num`` took the place of the books
    EPOCH = auto()  #: another feed began
    MISMATCH = auto()  #: the report ``seq_num`` did not fit the books
    UNVERIFIED = auto()  #: a heartbeat contradicts the books, which go up to the report ``seq_num``
    DIVERGED = (
        auto()
    )  #: the reports up to ``seq_num`` were not those of the exchange: a snapshot will replace the books
    SILENT = auto()  #: no heartbeat came for a while; the last report is ``seq_num``
    HEARD = auto()  #: heartbeats come, after a silence


class FeedEvent(NamedTuple):
    """Something that a subscriber may want to know of; the numbers mean what the kind says, 0 where it says nothing."""

    kind: EventKind  #: what happened
    seq_num: int = 0  #: of a report
    reports: int = 0  #: how many


@dataclass
class FeedStatistics:
    """Counts since the feed was joined."""

    datagrams: int = 0  #: that came, of every kind
    reports: int = 0  #: handed out, each once
    heartbeats: int = 0  #: datagrams that say only how far the feed is
    malformed: int = 0  #: datagrams that are neither reports nor a heartbeat
    duplicates: int = 0  #: reports that had come before
    reordered: int = 0  #: datagrams that came late and filled a gap
    gaps: int = 0  #: times that reports were missing
    filled: int = 0  #: reports that the exchange sent again
    dropped: int = 0  #: reports that came early and found no room
    snapshots: int = 0  #: that took the place of the books
    epochs: int = 0  #: times that another feed began
    mismatches: int = 0  #: reports that did not fit the books
    unverified: int = 0  #: heartbeats that contradicted the books
    diverged: int = 0  #: times that the recovery server contradicted the books too
    foreign: int = 0  #: heartbeats of an epoch that the recovery server had denied
    silences: int = 0  #: times that no heartbeat came for a while


class Sequencer:
    """See the rules above.

    ``next_sequence``: of the first report, if the books before it are known (1 for the start of a feed); None to
    begin with a snapshot. ``checksum``: of the reports before it. ``patience``: seconds that a gap may close by
    itself. ``retry``: seconds until something is asked for again. ``longest_gap``: reports, more are not asked for.
    ``longest_range``: reports asked for at once. ``buffer_bytes``: of what came early. ``heartbeat_interval``: seconds
    between two heartbeats of the exchange; after ``silent_after`` intervals without one the feed is silent.
    """

    def __init__(
        self,
        next_sequence: int | None = None,
        *,
        checksum: int = 0,
        patience: float = 0.001,
        retry: float = 0.1,
        longest_gap: int = 1_000_000,
        longest_range: int = 65_536,
        buffer_bytes: int = 64 << 20,
        heartbeat_interval: float = 0.1,
        silent_after: float = 10,
    ) -> None:
        self.next_sequence = next_sequence or 1  #: of the report that is handed out next
        self.checksum = checksum  #: of all reports before it
        self.epoch = 0  #: ns, 0 while unknown
        self.statistics = FeedStatistics()  #: what has come so far
        self.events: deque[FeedEvent] = deque(maxlen=MOST_EVENTS)  #: for the caller to take, the oldest first
        self.patience, self.retry = patience, retry
        self.longest_gap, self.longest_range, self.buffer_bytes = longest_gap, longest_range, buffer_bytes
        self.silence = heartbeat_interval * silent_after  #: seconds without a heartbeat
        self._waiting = next_sequence is None
        self._confirmed = False  # the recovery server said which epoch it is
        self._unverified = False  # a heartbeat contradicts the books
        self._silent = True  # no heartbeat of this feed has come, or none for a while
        self._heard = self._silence_told = False
        self._since: float | None = None  # the last heartbeat came, or the first was waited for
        self._end = self.next_sequence  # reports before this one are known to exist
        self._claims: set[tuple[int, int]] = set()  # positions ahead, and the checksum that a heartbeat gave for each
        self._claimed_epoch = 0  # of a heartbeat that is not of this feed, 0 for none
        self._denied: deque[int] = deque(maxlen=MOST_DENIED)  # epochs that are not those of the recovery server
        self._kept = _Kept()
        self._asked: Wanted | None = None
        self._asked_checksum = self._asked_end = self._asked_unverified = 0  # as they were when it was asked
        self._ask_at = 0.0

    @property
    def state(self) -> FeedState:
        """The first that holds of WAITING, GAP, UNVERIFIED, SILENT, WHOLE. O(1)."""
        if self._waiting:
            return FeedState.WAITING
        if self._end > self.next_sequence:
            return FeedState.GAP
        if self._unverified:
            return FeedState.UNVERIFIED
        return FeedState.SILENT if self._silent else FeedState.WHOLE

    @property
    def heard(self) -> bool:
        """Has a heartbeat of this feed ever come?"""
        return self._heard

    @property
    def kept_bytes(self) -> int:
        """Bytes of the datagrams that came early."""
        return self._kept.n_bytes

    # ------------------------------------------------------------------ the feed

    def receive(self, datagram: bytes, now: float) -> list[bytes]:
        """One datagram: the reports that can be applied now, in their order, as the bytes of whole records."""
        self.statistics.datagrams += 1
        size = len(datagram)
        if size == 0 or size % REPORT_BYTES:
            self.statistics.malformed += 1
            return []
        if datagram[0] == FeedHeartbeat.TYPE and size == REPORT_BYTES:
            self.statistics.heartbeats += 1
            heartbeat = FeedHeartbeat.decode(datagram)
            self.heartbeat(heartbeat.seq_num, heartbeat.epoch, heartbeat.checksum, now)
            return []
        first, count = SEQ_NUM.unpack_from(datagram)[0], size // REPORT_BYTES
        last = SEQ_NUM.unpack_from(datagram, size - REPORT_BYTES)[0]
        is_reports = datagram[0] == datagram[size - REPORT_BYTES] == EXECUTION_REPORT
        if not is_reports or last - first != count - 1 or first == 0:
            self.statistics.malformed += 1
            return []
        before = self.state
        runs = self._take(first, datagram)
        if runs and before is FeedState.GAP:
            self.statistics.reordered += 1
        self._note(before, now)
        return runs

    def heartbeat(self, seq_num: int, epoch: int, checksum: int, now: float) -> None:
        """The next report of the feed has this number, and the reports before it this checksum."""
        before = self.state
        if self._is_ours(seq_num, epoch, checksum):
            self._hear(now)
            self._compare(seq_num, checksum)
        self._note(before, now)

    def idle(self, now: float) -> bool:
        """Nothing is left to read: has the feed fallen silent since the last call?"""
        if self._since is None:
            self._since = now
        if self._silence_told or now < self._since + self.silence:
            return False
        self._silent = self._silence_told = True
        self._denied.clear()
        self.statistics.silences += 1
        self.events.append(FeedEvent(EventKind.SILENT, self.next_sequence - 1))
        return True

    @property
    def silent_at(self) -> float | None:
        """When ``idle`` will find the feed silent unless a heartbeat comes; None when it has."""
        return None if self._since is None or self._silence_told else self._since + self.silence

    def passed(self, next_sequence: int, datagrams: int, checksum: int) -> None:
        """The caller has applied what followed itself: only while the state is WHOLE."""
        self.statistics.datagrams += datagrams
        self.statistics.reports += next_sequence - self.next_sequence
        self.next_sequence = self._end = next_sequence
        self.checksum = checksum

    def _is_ours(self, seq_num: int, epoch: int, checksum: int) -> bool:
        """Is a heartbeat of the feed that we follow?

        Until the recovery server has said which epoch that is, it is the first that a heartbeat names; later another
        one whose reports are exactly ours.
        """
        if epoch == self.epoch:
            return True
        if not self._confirmed:
            same = seq_num == self.next_sequence and checksum == self.checksum
            if self.epoch == 0 or self._waiting or same:
                self.epoch = epoch
                return True
        if epoch in self._denied:
            self.statistics.foreign += 1
        else:
            self._claimed_epoch = epoch
            self._distrust()
        return False

    def _hear(self, now: float) -> None:
        self._silent = False
        self._heard = True
        self._since = now
        if self._silence_told:
            self._silence_told = False
            self.events.append(FeedEvent(EventKind.HEARD))

    def _compare(self, seq_num: int, checksum: int) -> None:
        """What a heartbeat says of this feed against what was handed out."""
        if self._waiting:
            self._end = max(self._end, seq_num)
        elif seq_num > self.next_sequence:
            self._end = max(self._end, seq_num)
            self._claims.add((seq_num, checksum))
            if len(self._claims) > MOST_CLAIMS:
                self._claims.remove(max(self._claims))
        elif seq_num < self.next_sequence or checksum != self.checksum:
            self._distrust()  # it was late, or the exchange has lost reports, or some that we took were not its own
        else:
            self._unverified = False
            if not self._confirmed and not self._kept.heap:
                self._claims.clear()  # no recovery server will say that reports claimed to exist do not
                self._end = seq_num

    def _distrust(self) -> None:
        self.statistics.unverified += 1
        self._unverified = True

    def _take(self, first: int, reports: bytes) -> list[bytes]:
        """Reports from wherever: those that can be applied now."""
        count = len(reports) // REPORT_BYTES
        end = first + count
        if self._waiting or first > self.next_sequence:
            self._keep(first, reports)
            self._end = max(self._end, end)
            return []
        if end <= self.next_sequence:
            self.statistics.duplicates += count
            return []
        return self._release(first, reports)

    def _keep(self, first: int, reports: bytes) -> None:
        kept = self._kept
        count = len(reports) // REPORT_BYTES
        if kept.has(first, count):
            self.statistics.duplicates += count
            return
        while self._waiting and kept.heap and kept.n_bytes + len(reports) > self.buffer_bytes:
            self.statistics.dropped += len(kept.pop()[1]) // REPORT_BYTES
        if kept.n_bytes + len(reports) > self.buffer_bytes:
            self.statistics.dropped += count
        else:
            kept.push(first, reports)

    def _release(self, first: int, reports: bytes) -> list[bytes]:
        """Reports that are next, and those kept that follow them. Some of each may have been applied before."""
        runs = []
        kept = self._kept
        while True:
            old = self.next_sequence - first
            count = len(reports) // REPORT_BYTES
            self.statistics.duplicates += min(old, count)
            if old < count:
                runs.append(reports[old * REPORT_BYTES :] if old else reports)
                self._link(runs[-1])
                self.statistics.reports += count - old
            if not kept.heap or kept.heap[0][0] > self.next_sequence:
                break
            first, reports = kept.pop()
        self._end = max(self._end, self.next_sequence)
        return runs

    def _link(self, run: bytes) -> None:
        """Go on with the checksum, and compare it with the heartbeats that were ahead."""
        end = self.next_sequence + len(run) // REPORT_BYTES
        at = 0
        for seq_num, checksum in sorted(claim for claim in self._claims if claim[0] <= end) if self._claims else ():
            size = max(0, seq_num - self.next_sequence) * REPORT_BYTES
            self.checksum = linked_records(self.checksum, run[at : at + size], REPORT_BYTES)
            self.next_sequence += size // REPORT_BYTES
            at += size
            self._claims.remove((seq_num, checksum))
            if checksum != self.checksum:
                self._distrust()
        self.checksum = linked_records(self.checksum, run[at:] if at else run, REPORT_BYTES)
        self.next_sequence = end

    # ------------------------------------------------------------------ what is wanted, and the answers

    def wanted(self, now: float) -> Wanted | None:
        """What to fetch from the exchange; None while there is nothing, or while it was asked for."""
        due = self.due()
        if due is None or now < due:
            return None
        if self._waiting:
            self._asked = SnapshotWanted()
        else:
            missing = self._missing()
            count = 1 if missing > self.longest_gap else min(missing, self.longest_range)
            self._asked = RangeWanted(self.next_sequence, count, self.epoch if self._confirmed else 0)
        self._asked_checksum, self._asked_end = self.checksum, self._end
        self._asked_unverified = self.statistics.unverified
        return self._asked

    def due(self) -> float | None:
        """When something may be wanted; None while nothing is missing, or while it was asked for."""
        nothing = self._asked is not None or self.state in (FeedState.SILENT, FeedState.WHOLE)
        return None if nothing else self._ask_at

    def _missing(self) -> int:
        """Reports missing before the first that was kept; 1 when the books are only in doubt."""
        end = self._kept.heap[0][0] if self._kept.heap else self._end
        return max(end - self.next_sequence, 1)

    def no_answer(self, now: float) -> None:
        """What was asked for will not come: it is wanted again in a moment."""
        self._asked = None
        self._ask_at = now + self.retry

    def answer_range(
        self,
        status: RetransmitStatus,
        seq_num: int,
        reports: bytes,
        next_sequence: int,
        epoch: int,
        checksum: int,
        now: float,
    ) -> list[bytes]:
        """The exchange sends reports again, or says why not; ``next_sequence`` is that of its feed.

        ``checksum``: of all reports before ``seq_num``, where the status leaves it known.
        """
        asked, self._asked = self._asked, None
        before = self.state
        self._ask_at = now + self.retry
        runs: list[bytes] = []
        if (
            self._settle_epoch(epoch, now)
            and not self._waiting
            and isinstance(asked, RangeWanted)
            and status is not RetransmitStatus.RANGE_LIMITED
            and self._agrees(asked, status, next_sequence, checksum, now)
        ):
            self._unverified = self._unverified and self._asked_unverified != self.statistics.unverified
            if status is RetransmitStatus.RANGE_AHEAD:
                self._ask_at = now + self.patience
            elif reports and seq_num == asked.seq_num:
                at = self.next_sequence
                runs = self._take(seq_num, reports)
                self.statistics.filled += max(0, min(seq_num + len(reports) // REPORT_BYTES, self.next_sequence) - at)
                self._ask_at = now
            if min(self._missing(), next_sequence - self.next_sequence) > self.longest_gap:
                self._want_snapshot(now)
        self._note(before, now)
        return runs

    def _agrees(
        self, asked: RangeWanted, status: RetransmitStatus, next_sequence: int, checksum: int, now: float
    ) -> bool:
        """Are our reports those of the exchange, as far as they went when it was asked? Else a snapshot is wanted."""
        if self._asked_end > next_sequence:  # what was claimed to exist before the question does not
            self._kept = _Kept()
            self._claims.clear()
            self._end = max(self.next_sequence, next_sequence)
        if next_sequence < asked.seq_num or (
            status is not RetransmitStatus.RANGE_GONE and checksum != self._asked_checksum
        ):
            self.statistics.diverged += 1
            self.events.append(FeedEvent(EventKind.DIVERGED, asked.seq_num - 1))
            self._start_over(now)
            return False
        if status is RetransmitStatus.RANGE_GONE:
            self._want_snapshot(now)
            return False
        return True

    def answer_snapshot(self, seq_num: int, epoch: int, checksum: int, now: float) -> list[bytes]:
        """The caller has put books into place that are good for ``seq_num``: the reports that follow them.

        ``checksum``: of all reports up to that one.
        """
        self._asked = None
        before = self.state
        self._settle_epoch(epoch, now)
        self._waiting = False
        self._unverified = self._unverified and self._asked_unverified != self.statistics.unverified
        self.next_sequence = seq_num + 1
        self.checksum = checksum
        self._claims = {claim for claim in self._claims if claim[0] > seq_num + 1}
        self._ask_at = now
        self.statistics.snapshots += 1
        self.events.append(FeedEvent(EventKind.SNAPSHOT, seq_num))
        runs = self._release(self.next_sequence, b"")
        self._note(before, now)
        return runs

    def mismatch(self, seq_num: int, now: float) -> None:
        """A report did not fit the books: only a snapshot helps."""
        self.statistics.mismatches += 1
        self.events.append(FeedEvent(EventKind.MISMATCH, seq_num))
        self._start_over(now)

    def _settle_epoch(self, epoch: int, now: float) -> bool:
        """The recovery server says which epoch it is: the one that we follow? Else start over, if that was confirmed.

        An epoch that a datagram claimed before the question is denied; one claimed since is asked for again.
        """
        if self._asked_unverified == self.statistics.unverified:
            if self._claimed_epoch not in (0, epoch):
                self._denied.append(self._claimed_epoch)
            self._claimed_epoch = 0
        if epoch == self.epoch:
            self._confirmed = True
            return True
        if epoch in self._denied:
            self._denied.remove(epoch)
        started_over = self._confirmed
        if started_over:
            self.statistics.epochs += 1
            self.events.append(FeedEvent(EventKind.EPOCH))
            self._start_over(now)
        if self.epoch != 0:  # what was heard was not this feed
            self._silent, self._heard = True, False
        self.epoch, self._confirmed = epoch, True
        return not started_over

    def _start_over(self, now: float) -> None:
        """Whatever datagrams brought may be wrong: forget it, and take a snapshot."""
        self._kept = _Kept()
        self._claims.clear()
        self._end = self.next_sequence = 1
        self._want_snapshot(now)

    def _want_snapshot(self, now: float) -> None:
        self._waiting = True
        self._ask_at = now

    def _note(self, before: FeedState, now: float) -> None:
        """Tell of a gap or a doubt that arose, or that nothing is missing any more."""
        state = self.state
        if state is before:
            return
        if before in (FeedState.SILENT, FeedState.WHOLE):
            self._ask_at = now + self.patience
        if state is FeedState.GAP and before is not FeedState.WAITING:
            self.statistics.gaps += 1
            self.events.append(FeedEvent(EventKind.GAP, self.next_sequence, self._missing()))
        elif state is FeedState.UNVERIFIED and before in (FeedState.SILENT, FeedState.WHOLE):
            self.events.append(FeedEvent(EventKind.UNVERIFIED, self.next_sequence - 1))
        elif state is FeedState.WHOLE:
            self.events.append(FeedEvent(EventKind.WHOLE, self.next_sequence - 1))


class _Kept:
    """Reports that came early, as a heap by the number of their first."""

    def __init__(self) -> None:
        self.heap: list[tuple[int, int, bytes]] = []
        self.counts: dict[int, int] = {}
        self.n_bytes = 0

    def has(self, first: int, count: int) -> bool:
        return self.counts.get(first, 0) >= count

    def push(self, first: int, reports: bytes) -> None:
        heapq.heappush(self.heap, (first, len(reports), reports))
        self.counts[first] = max(self.counts.get(first, 0), len(reports) // REPORT_BYTES)
        self.n_bytes += len(reports)

    def pop(self) -> tuple[int, bytes]:
        first, size, reports = heapq.heappop(self.heap)
        self.counts.pop(first, None)
        self.n_bytes -= size
        return first, reports
