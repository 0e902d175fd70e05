"""The connections of the load generator without their sockets: what waits to be sent and answered, and the answers.

The exchange answers the commands of a session in order, so a queue of waiting commands gives each answer the due time
that its latency counts from. The report after ``ACCEPTED`` says what a new order did: it traded, its remainder was
cancelled, or else it rests. Its latency is always that of ``ACCEPTED``.
"""

from __future__ import annotations

import cython
import numpy as np
from numpy.typing import NDArray

from pricetime.native.arrays import Block
from pricetime.native.histogram import Histogram
from pricetime.native.latency import Latencies
from pricetime.types import REPORT

if cython.compiled:
    from cython.cimports.libc.string import memcpy, memmove, memset

#: Most commands that may wait for an answer: over all connections, and the least that one connection gets.
MOST_WAITING, LEAST_WAITING = 1 << 22, 1 << 14


@cython.final
@cython.cclass
class Connections:
    """``count``: how many. ``keep``: how many of the newest reports of each to keep. Raises MemoryError."""

    def __init__(self, count: int, keep: int) -> None:
        self.count = self.all_sent = self.all_answered = self.released = 0
        self.latencies = Latencies()
        room = max(LEAST_WAITING, MOST_WAITING // max(1, count))
        self.queue_mask = (1 << (room.bit_length() - 1)) - 1
        self.keep_mask = (1 << (keep - 1).bit_length()) - 1 if keep else 0
        self.n_bytes = count * cython.sizeof(Connection)
        self.all = cython.cast(cython.pointer[Connection], reserve(self.n_bytes))
        if not self.all:
            raise MemoryError("not enough memory for the connections")
        for _ in range(count):
            self._add(keep)

    def __dealloc__(self) -> None:
        number: u32
        for number in range(self.count):
            s: cython.pointer[Connection] = cython.address(self.all[number])
            release(s.outbound, OUTBOUND_BYTES)
            release(s.queue, (self.queue_mask + 1) * cython.sizeof(Waiting))
            release(s.kept, (self.keep_mask + 1) * REPORT_BYTES)
        release(self.all, self.n_bytes)

    def _add(self, keep: int) -> None:
        s: cython.pointer[Connection] = cython.address(self.all[self.count])
        self.count += 1
        s.fd = -1
        s.outbound = cython.cast(cython.pointer[u8], reserve(OUTBOUND_BYTES))
        s.queue = cython.cast(cython.pointer[Waiting], reserve((self.queue_mask + 1) * cython.sizeof(Waiting)))
        if keep:
            s.kept = cython.cast(cython.pointer[Report], reserve((self.keep_mask + 1) * REPORT_BYTES))
        if not (s.outbound and s.queue and (s.kept or not keep)):
            raise MemoryError("not enough memory for the commands that wait for an answer")
        prefault_pages(s.outbound, OUTBOUND_BYTES)  # a page fault while orders are due would make them late
        prefault_pages(s.queue, (self.queue_mask + 1) * cython.sizeof(Waiting))
        if keep:
            prefault_pages(s.kept, (self.keep_mask + 1) * REPORT_BYTES)

    def renew(self, number: u32, fd: cython.int, next_sequence: u64, now_ns: u64) -> None:
        """Begin a new session. Commands that were sent and not answered keep waiting."""
        s: cython.pointer[Connection] = cython.address(self.all[number])
        s.fd = fd
        s.next_sequence = next_sequence
        s.blocked = s.matched = s.leaves = s.gone = s.caught_up = False
        s.begin = s.end = s.partial_bytes = 0
        self.released -= s.released - s.sent  # what the previous socket did not take will not be sent
        s.released = s.sent
        s.heard_ns = s.spoken_ns = now_ns
        self.failure = NO_FAILURE

    # ------------------------------------------------------------------ while the loop does not run

    def forget(self) -> int:
        """Stop waiting for unanswered commands: how many had been sent."""
        lost: u64 = 0
        number: u32
        for number in range(self.count):
            s: cython.pointer[Connection] = cython.address(self.all[number])
            lost += s.sent - s.answered
            s.sent = s.released = s.answered
        self.all_sent -= lost
        self.released -= lost
        return lost

    def kept(self, number: int) -> NDArray[np.void]:
        """The newest reports of a connection, oldest first, as many as are kept: array of ``pricetime.REPORT``.

        Call it only while no reports arrive: the loop overwrites the oldest.
        """
        s: cython.pointer[Connection] = cython.address(self.all[number])
        room: u64 = self.keep_mask + 1 if s.kept else 0
        count: u64 = min(s.kept_count, room)
        block: Block = Block((count + 1) * REPORT_BYTES)
        target: cython.pointer[Report] = cython.cast(cython.pointer[Report], block.memory)
        i: u64
        for i in range(count):
            target[i] = s.kept[(s.kept_count - count + i) & self.keep_mask]
        return block.array(REPORT, count)

    def forget_latencies(self) -> None:
        """Reset latencies and counts of orders. Call it only while nothing is sent or waits for an answer."""
        self.latencies = Latencies()
        number: u32
        for number in range(self.count):
            self.all[number].undecided = False
        self.sent = self.answered = self.late = 0
        self.last_sent_ns = self.last_due_ns = self.last_answer_ns = 0

    # ------------------------------------------------------------------ at any time

    def histograms(self) -> dict[str, Histogram]:
        """Latencies by name of kind. An accepted order without a further report counts as resting."""
        found = self.latencies.copies()
        number: u32
        for number in range(self.count):
            if self.all[number].undecided:
                found["rests"].record_many([self.all[number].undecided_ns])
        return found

    def answers(self, number: int) -> int:
        """Number of commands of a connection that were answered."""
        return self.all[number].answers

    def next_sequence(self, number: int) -> int:
        """Sequence number of the next report of a connection."""
        return self.all[number].next_sequence

    def is_caught_up(self, number: int) -> bool:
        """Has the exchange said that this connection has every report?"""
        return self.all[number].caught_up

    def kinds(self, number: int) -> NDArray[np.int64]:
        """Number of reports of a connection by kind: array of i64, shape (32,)."""
        return np.array([self.all[number].kinds[i] for i in range(KINDS_OF_REPORT)], np.int64)

    # ------------------------------------------------------------------ out

    def enqueue(
        self, s: cython.pointer[Connection], message: cython.pointer[cython.const[u8]], n_bytes: u64, due_ns: u64
    ) -> cython.bint:
        """Copy a due command into the outbound buffer and add it to the waiting ones. False: no room."""
        if s.released - s.answered > self.queue_mask or not self.make_room(s, n_bytes):
            return False
        memcpy(s.outbound + s.end, message, n_bytes)
        s.end += n_bytes
        waiting: cython.pointer[Waiting] = cython.address(s.queue[s.released & self.queue_mask])
        waiting.due_ns = due_ns
        waiting.order_id = cython.cast(
            cython.pointer[cython.const[CancelOrder]], message
        ).order_id  # every command has it at the same offset
        waiting.end = s.taken_bytes + (s.end - s.begin)
        s.released += 1
        self.released += 1
        return True

    def make_room(self, s: cython.pointer[Connection], n_bytes: u64) -> cython.bint:
        """Make room for ``n_bytes`` in the outbound buffer. False: it is full."""
        if s.end + n_bytes <= OUTBOUND_BYTES:
            return True
        if s.begin == 0:
            return False
        memmove(s.outbound, s.outbound + s.begin, s.end - s.begin)
        s.end -= s.begin
        s.begin = 0
        return s.end + n_bytes <= OUTBOUND_BYTES

    def put(self, s: cython.pointer[Connection], kind: u32, now_ns: u64) -> None:
        """Put a Heartbeat or a Logout into the outbound buffer, which has room. It is not answered like a command."""
        message: Logout
        memset(cython.address(message), 0, cython.sizeof(Logout))
        message.type = kind
        message.reason = CLIENT_LOGOUT if kind == LOGOUT else NO_REASON
        message.next_sequence = s.next_sequence
        memcpy(s.outbound + s.end, cython.address(message), cython.sizeof(Logout))
        s.end += cython.sizeof(Logout)
        s.spoken_ns = now_ns

    def mark_sent(self, s: cython.pointer[Connection], n_bytes: u64, now_ns: u64) -> None:
        """The operating system took ``n_bytes``: count the orders in them as sent."""
        s.begin += n_bytes
        s.taken_bytes += n_bytes
        s.spoken_ns = now_ns
        if s.begin == s.end:
            s.begin = s.end = 0
        while s.sent != s.released:
            waiting: cython.pointer[Waiting] = cython.address(s.queue[s.sent & self.queue_mask])
            if waiting.end > s.taken_bytes:
                break
            s.sent += 1
            self.all_sent += 1
            if waiting.due_ns != 0:
                self.sent += 1
                self.late += now_ns > waiting.due_ns + LATE_NS
                self.last_sent_ns = now_ns
                self.last_due_ns = max(self.last_due_ns, waiting.due_ns)

    # ------------------------------------------------------------------ in

    def parse(self, number: u32, data: cython.pointer[cython.const[u8]], n_bytes: u64, now_ns: u64) -> u64:
        """Follow the complete messages: how many bytes of valid ones."""
        s: cython.pointer[Connection] = cython.address(self.all[number])
        used: u64 = 0
        while used < n_bytes:
            kind: u32 = data[used]
            if kind == EXECUTION_REPORT:
                if n_bytes - used < REPORT_BYTES:
                    break
                report: cython.pointer[cython.const[Report]] = cython.cast(
                    cython.pointer[cython.const[Report]], data + used
                )
                if not self._report(number, s, report, now_ns):
                    break
                used += REPORT_BYTES
            elif kind == HEARTBEAT or kind == LOGOUT:
                if n_bytes - used < SHORT_MESSAGE_BYTES or not self._control(number, s, data + used):
                    break
                used += SHORT_MESSAGE_BYTES
            else:
                self.fail(STRANGE, number, kind, 0)
                break
        return used

    def _control(
        self, number: u32, s: cython.pointer[Connection], message: cython.pointer[cython.const[u8]]
    ) -> cython.bint:
        """Follow a Heartbeat or a Logout. False after a Logout: nothing may follow it."""
        control: cython.pointer[cython.const[Logout]] = cython.cast(cython.pointer[cython.const[Logout]], message)
        if control.next_sequence == s.next_sequence:
            s.caught_up = True
            if s.undecided:
                self._settle(s, RESTS)
        if control.type == HEARTBEAT:
            return True
        s.gone = True
        if not s.leaves or control.reason != CLIENT_LOGOUT or s.answered != s.released:
            self.fail(ENDED, number, control.reason, 0)
        return False

    def _report(
        self, number: u32, s: cython.pointer[Connection], report: cython.pointer[cython.const[Report]], now_ns: u64
    ) -> cython.bint:
        """Follow one report. False if it is not the next one, answers no waiting command, or refuses one."""
        if report.seq_num == 0:
            return self.fail(REFUSED, number, report.order_id, 0)
        if report.seq_num != s.next_sequence:
            return self.fail(OUT_OF_ORDER, number, report.seq_num, s.next_sequence)
        s.next_sequence += 1
        kind: u32 = report.kind
        s.kinds[kind & (KINDS_OF_REPORT - 1)] += 1
        if s.kept:
            s.kept[s.kept_count & self.keep_mask] = report[0]
            s.kept_count += 1
        if s.undecided:
            self._follow(s, report)
        return self._answer(number, s, report, now_ns) if is_answer(kind, report.reason) else True

    def _answer(
        self, number: u32, s: cython.pointer[Connection], report: cython.pointer[cython.const[Report]], now_ns: u64
    ) -> cython.bint:
        """Match an answer with the command that has waited longest. False if it answers a different one.

        After a login, answers to commands of the session before may arrive first; they are skipped.
        """
        if s.answered == s.sent or s.queue[s.answered & self.queue_mask].order_id != report.order_id:
            if not s.matched:
                return True
            expected: u64 = 0 if s.answered == s.sent else s.queue[s.answered & self.queue_mask].order_id
            return self.fail(UNASKED, number, report.order_id, expected)
        s.matched = True
        due_ns: u64 = s.queue[s.answered & self.queue_mask].due_ns
        s.answered += 1
        s.answers += 1
        self.all_answered += 1
        if due_ns == 0:
            return True
        self.answered += 1
        self.last_answer_ns = now_ns
        latency_ns: u64 = now_ns - due_ns if now_ns > due_ns else 0
        if report.kind == ACCEPTED:
            s.undecided = True
            s.undecided_id = report.order_id
            s.undecided_ns = latency_ns
        elif report.kind == CANCELLED or report.kind == REDUCED:
            self.latencies.record(CANCEL, latency_ns)
        elif report.kind == REPLACED:
            self.latencies.record(REPLACE, latency_ns)
        else:
            self.latencies.record(OTHER, latency_ns)
        return True

    def _follow(self, s: cython.pointer[Connection], report: cython.pointer[cython.const[Report]]) -> None:
        """Learn from the report after an ``ACCEPTED`` what that order did."""
        reason: u32 = report.reason
        if report.kind == TRADE:
            self._settle(s, TRADES if reason != AS_MAKER and report.order_id == s.undecided_id else RESTS)
        elif reason == SELF_TRADE:
            if report.kind == CANCELLED and report.order_id == s.undecided_id:
                self._settle(s, OTHER)  # self-trade prevention cancelled it: it neither traded nor rests
        elif report.kind == CANCELLED and report.order_id == s.undecided_id and ended_at_once(reason):
            self._settle(s, OTHER)
        else:
            self._settle(s, RESTS)

    def _settle(self, s: cython.pointer[Connection], kind: u32) -> None:
        self.latencies.record(kind, s.undecided_ns)
        s.undecided = False

    def fail(self, failure: u32, number: u32, found: u64, expected: u64) -> cython.bint:
        """Record the first failure, which ends the loop. Returns False."""
        if self.failure == NO_FAILURE:
            self.failed_connection = number
            self.found = found
            self.expected = expected
            self.failure = failure
        return False


def is_answer(kind: u32, reason: u32) -> cython.bint:
    """Does a report answer a command of its owner? Others say what the commands of all clients did to its orders."""
    if kind == REPLACED:
        return reason != PRICED
    if kind == CANCELLED or kind == REDUCED:
        return reason == NONE or reason == TRADED_MORE
    return kind == ACCEPTED or kind == REJECTED or kind == MASS_CANCELLED


def ended_at_once(reason: u32) -> cython.bint:
    """Is this why an order neither traded nor rests? Then its cancellation follows the report that accepted it."""
    if reason == MINIMUM_UNFILLABLE or reason == OUTSIDE_RANGE:
        return True
    return reason >= IOC_REMAINDER and reason <= MARKET_REMAINDER
