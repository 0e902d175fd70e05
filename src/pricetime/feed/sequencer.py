"""The feed as one run of reports without a gap: datagrams and answers in, reports in their order out. No sockets.

Rules, in this order:

1. A report counts once, in the order of ``seq_num``. What comes again is dropped, what comes early is kept.
2. Nothing is handed out before the books are whole: at first a snapshot is wanted, unless it is the start of the feed.
3. A gap is waited out for a moment, because the network may only have changed the order; then its reports are wanted.
   Where these are gone, or more than ``longest_gap``, a snapshot is wanted.
4. Another epoch is another feed: everything known of the one before is dropped, and a snapshot is wanted. Reports do
   not carry the epoch, so a run of reports that all were seen before is looked into before others are handed out.
5. What is kept is bounded: while a gap is open the latest are dropped, and asked for later; while a snapshot is on
   its way the oldest, because it has them.

The caller brings the time, applies what it is handed, and fetches what is ``wanted``.
"""

from __future__ import annotations

import heapq
import struct
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from pricetime.types import EXECUTION_REPORT, REPORT
from pricetime.wire.messages import FeedHeartbeat
from pricetime.wire.types import RetransmitStatus

REPORT_BYTES = REPORT.itemsize
SEQ_NUM = struct.Struct("<8xQ")

#: So many datagrams in a row that were seen before, each where the last one ended, are an epoch that nobody announced.
SUSPICIOUS = 16

#: The latest events that nobody has looked at.
MOST_EVENTS = 1_000


class FeedState(Enum):
    """How far the books of a subscriber can be trusted."""

    WAITING = auto()  #: for a snapshot: there are no books
    GAP = auto()  #: reports are missing: the books are those of a moment ago
    WHOLE = auto()  #: every report that is known of is in the books


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


class Sequencer:
    """See the rules above.

    ``next_sequence``: of the first report, where the books before it are known (1 for the start of a feed); None to
    begin with a snapshot. ``patience``: seconds that a gap may close by itself. ``retry``: seconds until something is
    asked for again. ``longest_gap``: reports, more are not asked for. ``longest_range``: reports asked for at once.
    ``buffer_bytes``: of what came early.
    """

    def __init__(
        self,
        next_sequence: int | None = None,
        *,
        patience: float = 0.001,
        retry: float = 0.1,
        longest_gap: int = 1_000_000,
        longest_range: int = 65_536,
        buffer_bytes: int = 64 << 20,
    ) -> None:
        self.next_sequence = next_sequence or 1  #: of the report that is handed out next
        self.epoch = 0  #: ns, 0 while unknown
        self.statistics = FeedStatistics()  #: what has come so far
        self.events: deque[FeedEvent] = deque(maxlen=MOST_EVENTS)  #: for the caller to take, the oldest first
        self.patience, self.retry = patience, retry
        self.longest_gap, self.longest_range, self.buffer_bytes = longest_gap, longest_range, buffer_bytes
        self._waiting = next_sequence is None
        self._checking = False  # the epoch is in doubt
        self._end = self.next_sequence  # reports before this one are known to exist
        self._kept = _Kept()
        self._behind = self._behind_count = 0  # where the last datagram that was seen before ended; how many in a row
        self._asked: Wanted | None = None
        self._asked_end = 0  # _end when it was asked
        self._ask_at = 0.0

    @property
    def state(self) -> FeedState:
        """WAITING for a snapshot, GAP while reports are missing, else WHOLE. O(1)."""
        if self._waiting:
            return FeedState.WAITING
        return FeedState.GAP if self._checking or self._end > self.next_sequence else FeedState.WHOLE

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
            self.heartbeat(heartbeat.seq_num, heartbeat.epoch, now)
            return []
        first, count = SEQ_NUM.unpack_from(datagram)[0], size // REPORT_BYTES
        last = SEQ_NUM.unpack_from(datagram, size - REPORT_BYTES)[0]
        is_reports = datagram[0] == datagram[size - REPORT_BYTES] == EXECUTION_REPORT
        if not is_reports or last - first != count - 1 or first == 0:
            self.statistics.malformed += 1
            return []
        before = self.state
        runs = self._take(first, datagram, now)
        if runs and before is FeedState.GAP:
            self.statistics.reordered += 1
        self._note(before, now)
        return runs

    def heartbeat(self, seq_num: int, epoch: int, now: float) -> None:
        """The next report of the feed has this number."""
        before = self.state
        if self._is_epoch(epoch, now):
            self._end = max(self._end, seq_num)
        self._note(before, now)

    def passed(self, next_sequence: int, datagrams: int) -> None:
        """The caller has applied what followed itself: only while the state is WHOLE."""
        self.statistics.datagrams += datagrams
        self.statistics.reports += next_sequence - self.next_sequence
        self.next_sequence = self._end = next_sequence
        self._behind_count = 0

    def _take(self, first: int, reports: bytes, now: float) -> list[bytes]:
        """Reports from wherever: those that can be applied now."""
        count = len(reports) // REPORT_BYTES
        end = first + count
        if end <= self.next_sequence and not self._waiting:
            self.statistics.duplicates += count
            self._suspect(first, end, now)
            return []
        if self._waiting or self._checking or first > self.next_sequence:
            self._keep(first, reports)
            self._end = max(self._end, end)
            return []
        self._behind_count = 0
        return self._release(first, reports)

    def _suspect(self, first: int, end: int, now: float) -> None:
        """Reports that were seen before: a network may double some, but hardly a long run of them and nothing else."""
        self._behind_count = self._behind_count + 1 if first == self._behind else 1
        self._behind = end
        if self._behind_count >= SUSPICIOUS and not self._checking:
            self._checking = True
            self._ask_at = now
            if self.epoch == 0:
                self._want_snapshot(now)  # there is nothing to compare with

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
                self.next_sequence = first + count
                self.statistics.reports += count - old
            if not kept.heap or kept.heap[0][0] > self.next_sequence:
                break
            first, reports = kept.pop()
        self._end = max(self._end, self.next_sequence)
        return runs

    # ------------------------------------------------------------------ what is wanted, and the answers

    def wanted(self, now: float) -> Wanted | None:
        """What to fetch from the exchange; None while there is nothing, or while it was asked for."""
        due = self.due()
        if due is None or now < due:
            return None
        if self._missing() > self.longest_gap:
            self._waiting = True
        if self._waiting:
            self._asked = SnapshotWanted()
        else:
            self._asked = RangeWanted(self.next_sequence, min(self._missing(), self.longest_range), self.epoch)
        self._asked_end = self._end
        return self._asked

    def due(self) -> float | None:
        """When something may be wanted; None while nothing is missing, or while it was asked for."""
        return None if self._asked is not None or self.state is FeedState.WHOLE else self._ask_at

    def _missing(self) -> int:
        """Reports missing before the first that was kept; 1 when only the epoch is in doubt."""
        end = self._kept.heap[0][0] if self._kept.heap else self._end
        return max(end - self.next_sequence, 1)

    def no_answer(self, now: float) -> None:
        """What was asked for will not come: it is wanted again in a moment."""
        self._asked = None
        self._ask_at = now + self.retry

    def answer_range(
        self, status: RetransmitStatus, seq_num: int, reports: bytes, next_sequence: int, epoch: int, now: float
    ) -> list[bytes]:
        """The exchange sends reports again, or says why not; ``next_sequence`` is that of its feed."""
        asked, self._asked = self._asked, None
        before = self.state
        self._ask_at = now + self.retry
        if not self._is_epoch(epoch, now) or self._waiting or not isinstance(asked, RangeWanted):
            return []
        runs: list[bytes] = []
        if status is RetransmitStatus.RANGE_GONE:
            self._want_snapshot(now)
        elif status is RetransmitStatus.RANGE_AHEAD:
            runs = self._answer_ahead(asked, next_sequence, now)
        elif status is RetransmitStatus.RANGE_FOLLOWS and reports:
            self._checking = False
            at = self.next_sequence
            runs = self._take(seq_num, reports, now)
            self.statistics.filled += max(0, min(seq_num + len(reports) // REPORT_BYTES, self.next_sequence) - at)
            if runs:
                self._ask_at = now
        self._note(before, now)
        return runs

    def _answer_ahead(self, asked: RangeWanted, next_sequence: int, now: float) -> list[bytes]:
        """These reports were not sent yet: so what had come from behind them was not of this feed."""
        self._ask_at = now
        if next_sequence < asked.seq_num or self._asked_end > next_sequence:
            self._kept = _Kept()
        if next_sequence < asked.seq_num:
            self._want_snapshot(now)
            return []
        if not self._kept.heap:
            self._end = self.next_sequence
        self._checking = False
        self._behind_count = 0
        return self._release(self.next_sequence, b"")

    def answer_snapshot(self, seq_num: int, epoch: int, now: float) -> list[bytes]:
        """The caller has put books into place that are good for ``seq_num``: the reports that follow them.

        Raises ValueError for those of a feed that is over: ask ``is_stale`` before.
        """
        if self.is_stale(epoch):
            raise ValueError(f"a snapshot of epoch {epoch}: the feed is in epoch {self.epoch}")
        self._asked = None
        self._is_epoch(epoch, now)
        before = self.state
        self._waiting = self._checking = False
        self._behind_count = 0
        self.next_sequence = seq_num + 1
        self._ask_at = now
        self.statistics.snapshots += 1
        self.events.append(FeedEvent(EventKind.SNAPSHOT, seq_num))
        runs = self._release(self.next_sequence, b"")
        self._note(before, now)
        return runs

    def is_stale(self, epoch: int) -> bool:
        """Is this the epoch of a feed that is over?"""
        return 0 < epoch < self.epoch

    def mismatch(self, seq_num: int, now: float) -> None:
        """A report did not fit the books: only a snapshot helps."""
        self.statistics.mismatches += 1
        self.events.append(FeedEvent(EventKind.MISMATCH, seq_num))
        self._want_snapshot(now)

    def _want_snapshot(self, now: float) -> None:
        self._waiting = True
        self._ask_at = now

    def _is_epoch(self, epoch: int, now: float) -> bool:
        """Is this about the feed that we follow? A newer one takes its place; 0 says nothing."""
        if epoch in (0, self.epoch):
            return True
        if epoch < self.epoch:
            return False
        if self.epoch != 0:
            self.statistics.epochs += 1
            self.events.append(FeedEvent(EventKind.EPOCH))
            self._kept = _Kept()
            self._checking = False
            self._behind_count = 0
            self._end = self.next_sequence = 1
            self._want_snapshot(now)
        self.epoch = epoch
        return True

    def _note(self, before: FeedState, now: float) -> None:
        """Tell of a gap that opened or closed."""
        state = self.state
        if state is before:
            return
        if state is FeedState.GAP and before is FeedState.WHOLE:
            self.statistics.gaps += 1
            self._ask_at = now + self.patience
            self.events.append(FeedEvent(EventKind.GAP, self.next_sequence, self._missing()))
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
