"""Turns the feed into one run of reports without a gap: datagrams and answers in, reports in order out. No sockets.

Rules, in this order:

1. Each report is returned once, in the order of ``seq_num``. Duplicates are dropped, early reports are kept.
2. Nothing is returned before there are books. A subscriber begins with a snapshot, or at the start of the feed.
3. A gap may close by itself, because the network may only have changed the order. After ``patience`` its reports are
   requested. If they are gone, or more than ``longest_gap``, a snapshot is requested.
4. A datagram may be forged or come from a different exchange. So the checksum of all returned reports is compared with
that in each heartbeat. If a heartbeat contradicts the books (a different checksum or epoch, or fewer reports), they are
unverified until the recovery server has said which epoch it is and what the checksum at this position is. If it
contradicts the books too, they have diverged: a snapshot is requested.
5. What only datagrams claim (an epoch, reports far ahead) is believed until the recovery server answers.
6. The memory for early reports is bounded. While a gap is open, the latest are dropped and requested later; while a
snapshot is awaited, the oldest, because the snapshot contains them.
7. After ``silent_after`` intervals without a heartbeat the feed is silent: reports may be missing.
8. A feed goes on in a higher term when the exchange was started again, or when a different node of a cluster leads. The
new term is believed once its heartbeat agrees with the books in number and checksum, or the recovery server says it. So
a subscriber that was not ahead needs no snapshot. After that, heartbeats and answers of lower terms are ignored, until
the feed is silent: then only the recovery server's word counts, because a heartbeat may have been forged.

The caller passes the time, applies the returned reports, and fetches what is ``wanted``.
"""

from __future__ import annotations

import struct
from collections import deque

from pricetime.client.answers import RangeAnswer
from pricetime.client.early_reports import EarlyReports
from pricetime.client.feed_state import (
    EventKind,
    FeedEvent,
    FeedState,
    FeedStatistics,
)
from pricetime.native.crc import linked_records
from pricetime.types import EXECUTION_REPORT, REPORT
from pricetime.wire.messages import FeedHeartbeat, RetransmitRequest, SnapshotRequest
from pricetime.wire.types import RetransmitStatus

REPORT_BYTES = REPORT.itemsize
SEQ_NUM = struct.Struct("<8xQ")

#: The most events that wait for the caller; older ones are dropped.
MOST_EVENTS = 1_000

#: The most remembered checksums of positions ahead, and epochs that the recovery server denied.
MOST_CLAIMS, MOST_DENIED = 64, 16


class Sequencer:
    """Follows the rules at the top of this file.

    ``next_sequence``: number of the first report, if the books before it are known (1 for the start of a feed); None to
    begin with a snapshot. ``checksum``: of the reports before it. ``patience``: seconds for a gap to close by itself.
    ``retry``: seconds before a request is repeated. ``longest_gap``: the most missing reports that are requested;
    beyond, a snapshot is. ``longest_range``: the most reports in one request. ``buffer_bytes``: the most bytes of early
    reports. ``heartbeat_interval``: seconds between two heartbeats; after ``silent_after`` of these the feed is silent.
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
        self.next_sequence = next_sequence or 1  #: number of the next report to return
        self.checksum = checksum  #: of all reports before it
        self.epoch = 0  #: ns, 0 while unknown
        self.term = 0  #: of the exchange's log, the highest that agrees with the reports; 0 while unknown
        self.busy = False  #: the exchange cannot acknowledge commands, as the last heartbeat of this feed says
        self.statistics = FeedStatistics()  #: counts so far
        self.events: deque[FeedEvent] = deque(maxlen=MOST_EVENTS)  #: for the caller to take, oldest first
        self.patience, self.retry = patience, retry
        self.longest_gap, self.longest_range, self.buffer_bytes = longest_gap, longest_range, buffer_bytes
        self.silence = heartbeat_interval * silent_after  #: seconds without a heartbeat
        self._waiting = next_sequence is None
        self._confirmed = False  # the recovery server has confirmed the epoch
        self._unverified = False  # a heartbeat contradicts the books
        self._silent = True  # no heartbeat of this feed yet, or none for a while
        self._heard = self._silence_told = False
        self._since: float | None = None  # time of the last heartbeat, or when waiting for the first began
        self._end = self.next_sequence  # reports before this one are known to exist
        self._claims: set[tuple[int, int]] = set()  # positions ahead, each with the checksum from a heartbeat
        self._confirmed_term = self._told_term = 0  # from the recovery server; the last one that agreed
        self._claimed_epoch = 0  # epoch of a heartbeat that is not of this feed, 0 for none
        self._denied: deque[int] = deque(maxlen=MOST_DENIED)  # epochs that the recovery server denied
        self._kept = EarlyReports()
        self._asked: RetransmitRequest | SnapshotRequest | None = None
        self._asked_checksum = self._asked_end = self._asked_unverified = 0  # at the time of the request
        self._ask_at = 0.0

    @property
    def state(self) -> FeedState:
        """The first state that applies, in the order of ``FeedState``. O(1)."""
        if self._waiting:
            return FeedState.WAITING
        if self._end > self.next_sequence:
            return FeedState.GAP
        if self._unverified:
            return FeedState.UNVERIFIED
        return FeedState.SILENT if self._silent else FeedState.WHOLE

    @property
    def heard(self) -> bool:
        """Whether a heartbeat of this feed has ever come."""
        return self._heard

    # ------------------------------------------------------------------ the feed

    def receive(self, datagram: bytes, now: float) -> list[bytes]:
        """Process a datagram. Returns the reports that can be applied now, as runs of bytes in order."""
        self.statistics.datagrams += 1
        size = len(datagram)
        if size == 0 or size % REPORT_BYTES:
            self.statistics.malformed += 1
            return []
        if datagram[0] == FeedHeartbeat.TYPE and size == REPORT_BYTES:
            self.statistics.heartbeats += 1
            heartbeat = FeedHeartbeat.decode(datagram)
            busy = heartbeat.busy != 0
            self.heartbeat(heartbeat.seq_num, heartbeat.epoch, heartbeat.checksum, now, heartbeat.term, busy)
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

    def heartbeat(self, seq_num: int, epoch: int, checksum: int, now: float, term: int = 0, busy: bool = False) -> None:
        """Process a heartbeat: the number of the next report, and the checksum of all before it."""
        before = self.state
        if self._is_ours(seq_num, epoch, checksum):
            if term < self.term:
                self.statistics.outdated += 1
                return
            self.busy = busy
            self._hear(now)
            self._compare(seq_num, checksum)
            if self.state is FeedState.WHOLE and seq_num == self.next_sequence:
                self._enter_term(term)
        self._note(before, now)

    def _enter_term(self, term: int) -> None:
        """A heartbeat that agrees with the books, or the recovery server, names this term."""
        if term <= self.term:
            return
        if self._told_term not in (0, term):
            self.statistics.terms += 1
            self.events.append(FeedEvent(EventKind.TERM, self.next_sequence - 1))
        self.term = self._told_term = term

    def _confirm_term(self, term: int) -> None:
        """The recovery server names this term, 0 if it does not say."""
        self._confirmed_term = max(self._confirmed_term, term)
        self._enter_term(term)

    def idle(self, now: float) -> bool:
        """Call when nothing is left to read. Returns whether the feed has become silent since the last call."""
        if self._since is None:
            self._since = now
        if self._silence_told or now < self._since + self.silence:
            return False
        self._silent = self._silence_told = True
        self._denied.clear()
        self.term = self._confirmed_term  # a higher one may have been forged
        self.statistics.silences += 1
        self.events.append(FeedEvent(EventKind.SILENT, self.next_sequence - 1))
        return True

    @property
    def silent_at(self) -> float | None:
        """When the feed becomes silent without a heartbeat; None if it is."""
        return None if self._since is None or self._silence_told else self._since + self.silence

    def passed(self, next_sequence: int, datagrams: int, checksum: int) -> None:
        """The caller has applied the next reports itself; allowed only in the state WHOLE."""
        self.statistics.datagrams += datagrams
        self.statistics.reports += next_sequence - self.next_sequence
        self.next_sequence = self._end = next_sequence
        self.checksum = checksum

    def _is_ours(self, seq_num: int, epoch: int, checksum: int) -> bool:
        """Return whether a heartbeat is of the followed feed.

        Until the recovery server has confirmed the epoch, this is the first epoch in a heartbeat, or later a different
        one with exactly our number and checksum.
        """
        if epoch == self.epoch:
            return True
        if not self._confirmed:
            same = seq_num == self.next_sequence and checksum == self.checksum
            if self.epoch == 0 or self._waiting or same:
                self.epoch, self.term, self._told_term = epoch, 0, 0
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
        """Compare a heartbeat of this feed with the reports returned so far."""
        if self._waiting:
            self._end = max(self._end, seq_num)
        elif seq_num > self.next_sequence:
            self._end = max(self._end, seq_num)
            self._claims.add((seq_num, checksum))
            if len(self._claims) > MOST_CLAIMS:
                self._claims.remove(max(self._claims))
        elif seq_num < self.next_sequence or checksum != self.checksum:
            self._distrust()  # it was late, or the exchange lost reports, or some of ours were not from it
        else:
            self._unverified = False
            if not self._confirmed and not self._kept.heap:
                self._claims.clear()  # without a recovery server, nothing else ends a false claim
                self._end = seq_num

    def _distrust(self) -> None:
        self.statistics.unverified += 1
        self._unverified = True

    def _take(self, first: int, reports: bytes) -> list[bytes]:
        """Process reports of any origin. Returns those that can be applied now."""
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
        """Return the next reports and the kept ones that follow, without those that were returned before."""
        runs = []
        kept = self._kept
        while True:
            old = self.next_sequence - first
            count = len(reports) // REPORT_BYTES
            self.statistics.duplicates += min(old, count)
            if old < count:
                runs.append(reports[old * REPORT_BYTES :] if old else reports)
                self._checksum(runs[-1])
                self.statistics.reports += count - old
            if not kept.heap or kept.heap[0][0] > self.next_sequence:
                break
            first, reports = kept.pop()
        self._end = max(self._end, self.next_sequence)
        return runs

    def _checksum(self, run: bytes) -> None:
        """Continue the checksum, and compare it with earlier heartbeats that were ahead."""
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

    def wanted(self, now: float) -> RetransmitRequest | SnapshotRequest | None:
        """Return what to request from the recovery server; None if nothing, or while a request is open."""
        due = self.due()
        if due is None or now < due:
            return None
        if self._waiting:
            self._asked = SnapshotRequest()
        else:
            missing = self._missing()
            count = 1 if missing > self.longest_gap else min(missing, self.longest_range)
            epoch = self.epoch if self._confirmed else 0
            self._asked = RetransmitRequest(count=count, seq_num=self.next_sequence, epoch=epoch)
        self._asked_checksum, self._asked_end = self.checksum, self._end
        self._asked_unverified = self.statistics.unverified
        return self._asked

    def due(self) -> float | None:
        """Return when something may be wanted; None if nothing is missing, or while a request is open."""
        nothing = self._asked is not None or self.state in (FeedState.SILENT, FeedState.WHOLE)
        return None if nothing else self._ask_at

    def _missing(self) -> int:
        """Return how many reports are missing before the first kept one; 1 if the books are only unverified."""
        end = self._kept.heap[0][0] if self._kept.heap else self._end
        return max(end - self.next_sequence, 1)

    def no_answer(self, now: float) -> None:
        """The open request gets no answer: repeat it after ``retry``."""
        self._asked = None
        self._ask_at = now + self.retry

    def answer_range(self, answer: RangeAnswer, now: float) -> list[bytes]:
        """Process the answer to a request for reports. Returns the reports that can be applied now."""
        status, seq_num, reports, next_sequence, epoch, _, term = answer
        if self._is_outdated(epoch, term):
            self.no_answer(now)
            return []
        asked, self._asked = self._asked, None
        before = self.state
        self._ask_at = now + self.retry
        runs: list[bytes] = []
        if (
            self._settle_epoch(epoch, now)
            and not self._waiting
            and isinstance(asked, RetransmitRequest)
            and status is not RetransmitStatus.RANGE_LIMITED
            and self._agrees(asked, answer, now)
        ):
            self._confirm_term(term)
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

    def _agrees(self, asked: RetransmitRequest, answer: RangeAnswer, now: float) -> bool:
        """Return whether our reports up to the request were those of the exchange. Else a snapshot is wanted."""
        status, next_sequence, checksum = answer.status, answer.next_sequence, answer.checksum
        if self._asked_end > next_sequence:  # reports that were claimed before the request do not exist
            self._kept = EarlyReports()
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

    def takes_snapshot(self, epoch: int, term: int, now: float) -> bool:
        """Whether to load a snapshot that came; False if it is of a term that is over: then it is requested again."""
        if self._is_outdated(epoch, term):
            self.no_answer(now)
            return False
        return True

    def _is_outdated(self, epoch: int, term: int) -> bool:
        """Whether an answer comes from a node that a new term has passed by. ``term``: 0 if unknown."""
        outdated = epoch == self.epoch and 0 < term < self.term
        self.statistics.outdated += outdated
        return outdated

    def answer_snapshot(self, seq_num: int, epoch: int, checksum: int, now: float, term: int = 0) -> list[bytes]:
        """The caller has loaded a snapshot as of ``seq_num``. Returns the kept reports that follow it.

        ``checksum``: of all reports up to that one. ``term``: of the exchange's log, 0 if unknown.
        """
        self._asked = None
        before = self.state
        self._settle_epoch(epoch, now)
        self._waiting = False
        self._unverified = self._unverified and self._asked_unverified != self.statistics.unverified
        self.next_sequence = seq_num + 1
        self.checksum = checksum
        self._confirm_term(term)
        self._claims = {claim for claim in self._claims if claim[0] > seq_num + 1}
        self._ask_at = now
        self.statistics.snapshots += 1
        self.events.append(FeedEvent(EventKind.SNAPSHOT, seq_num))
        runs = self._release(self.next_sequence, b"")
        self._note(before, now)
        return runs

    def mismatch(self, seq_num: int, now: float) -> None:
        """A report did not fit the books: request a snapshot."""
        self.statistics.mismatches += 1
        self.events.append(FeedEvent(EventKind.MISMATCH, seq_num))
        self._start_over(now)

    def _settle_epoch(self, epoch: int, now: float) -> bool:
        """Process the epoch of the recovery server. Returns False if it replaces a confirmed one: then start over.

        An epoch that a datagram claimed before the request is denied; one claimed since is checked with the next
        answer.
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
        if self.epoch != 0:  # the heartbeats so far were not of this feed
            self._silent, self._heard = True, False
        self.epoch, self._confirmed = epoch, True
        self.term = self._told_term = self._confirmed_term = 0
        return not started_over

    def _start_over(self, now: float) -> None:
        """Discard everything that datagrams brought, and request a snapshot."""
        self._kept = EarlyReports()
        self._claims.clear()
        self._end = self.next_sequence = 1
        self._want_snapshot(now)

    def _want_snapshot(self, now: float) -> None:
        self._waiting = True
        self._ask_at = now

    def _note(self, before: FeedState, now: float) -> None:
        """Add the event of a change of the state, if it has one."""
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
