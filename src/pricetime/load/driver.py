"""The event loop of the load generator: sends orders when they are due, and reads reports, over many connections.

The due time of an order follows only from its number in the schedule. When an order is due, the loop copies it into the
outbound buffer of its connection, and writes the buffer to the socket as soon as the operating system accepts it. The
exchange answers the commands of a session in order, so a queue of waiting commands gives each answer the due time that
its latency counts from. The loop allocates nothing.

The report after ``ACCEPTED`` says what a new order did: it traded, its remainder was cancelled, or else it rests. Its
latency is always that of ``ACCEPTED``.
"""

from __future__ import annotations

import os
import select

import cython
import numpy as np

from pricetime.types import REPORT

if cython.compiled:
    from cython.cimports.libc.math import sqrt
    from cython.cimports.libc.string import memcpy, memmove, memset

#: Most commands that may wait for an answer: over all connections, and the least that one connection gets.
MOST_WAITING, LEAST_WAITING = 1 << 22, 1 << 14


@cython.final
@cython.cclass
class Driver:
    """``connections``: how many. ``keep``: how many of the newest reports of each to keep. ``spins``: never sleep.

    ``heartbeat_ns``: longest time without sending, 0: no limit. ``silence_ns``: the loop fails if a connection
    receives nothing for so long, 0: never. One thread calls ``run``, a second thread calls the rest. Raises
    MemoryError and OSError.
    """

    def __init__(self, connections, *, keep=0, spins=False, heartbeat_ns=0, silence_ns=0):
        self.count = 0
        self.epoll = select.epoll()
        self.epoll_fd = self.epoll.fileno()
        self.wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        event: epoll_event
        event.events = EPOLLIN
        event.number = WAKE
        if epoll_ctl(self.epoll_fd, EPOLL_CTL_ADD, self.wake_fd, cython.address(event)) != 0:
            raise OSError(errno, os.strerror(errno))
        self.latencies = Latencies()
        self.arrays = {}
        self.spins = spins
        self.heartbeat_ns = heartbeat_ns
        self.silence_ns = silence_ns
        self.next_due_ns = NEVER
        room = max(LEAST_WAITING, MOST_WAITING // max(1, connections))
        self.queue_mask = (1 << (room.bit_length() - 1)) - 1
        self.keep_mask = (1 << (keep - 1).bit_length()) - 1 if keep else 0
        self.connections_bytes = connections * cython.sizeof(Connection)
        self.connections = cython.cast(cython.pointer[Connection], reserve(self.connections_bytes))
        self.buffer = cython.cast(cython.pointer[u8], reserve(BUFFER_BYTES + LONGEST_MESSAGE))
        if not (self.connections and self.buffer):
            raise MemoryError("not enough memory for the connections")
        prefault_pages(self.buffer, BUFFER_BYTES + LONGEST_MESSAGE)
        for _ in range(connections):
            self._add_connection(keep)

    def __dealloc__(self):
        number: u32
        for number in range(self.count):
            s: cython.pointer[Connection] = cython.address(self.connections[number])
            release(s.outbound, OUTBOUND_BYTES)
            release(s.queue, (self.queue_mask + 1) * cython.sizeof(Waiting))
            release(s.kept, (self.keep_mask + 1) * REPORT_BYTES)
        release(self.connections, self.connections_bytes)
        release(self.buffer, BUFFER_BYTES + LONGEST_MESSAGE)

    def _add_connection(self, keep):
        s: cython.pointer[Connection] = cython.address(self.connections[self.count])
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

    def close(self):
        """Close the loop's own descriptors. Not while the loop runs."""
        if self.wake_fd >= 0:
            self.epoll.close()
            os.close(self.wake_fd)
            self.wake_fd = -1

    # ------------------------------------------------------------------ for the controlling thread

    def connection(self, number, fd, next_sequence):
        """Use this logged-in, non-blocking socket as connection ``number``. Not while the loop runs.

        Commands that were sent and not answered keep waiting. Raises OSError.
        """
        s: cython.pointer[Connection] = cython.address(self.connections[number])
        s.fd = fd
        s.next_sequence = next_sequence
        s.blocked = s.matched = s.leaves = s.gone = s.caught_up = False
        s.begin = s.end = s.partial_bytes = 0
        self.released -= s.released - s.sent  # what the previous socket did not take will not be sent
        s.released = s.sent
        s.heard_ns = s.spoken_ns = self._now()
        event: epoll_event
        event.events = EPOLLIN
        event.number = number
        if epoll_ctl(self.epoll_fd, EPOLL_CTL_ADD, fd, cython.address(event)) != 0:
            raise OSError(errno, os.strerror(errno))
        self.failure = NO_FAILURE
        self.go_on()

    def go_on(self):
        """Allow ``run`` to run again."""
        store(cython.address(self.ended), 0, RELEASE)

    def forget(self):
        """Stop waiting for unanswered commands: how many had been sent. Not while the loop runs."""
        lost: u64 = 0
        number: u32
        for number in range(self.count):
            s: cython.pointer[Connection] = cython.address(self.connections[number])
            lost += s.sent - s.answered
            s.sent = s.released = s.answered
        self.all_sent -= lost
        self.released -= lost
        return lost

    def offer(self, data, sizes, connections, *, rate=0.0, gain=0.0, start_ns=0, first=0, measured=True):
        """Queue a part: orders to send after the parts before. False if too many parts wait: try again.

        ``data``: the messages; ``sizes``: of each, u8; ``connections``: the connection of each, u16. ``rate``: orders
        per second at the start of the schedule, which grows by ``gain`` each second; 0: as fast as possible.
        ``first``: orders of the schedule before this part.
        """
        if self.offered - load_u64(cython.address(self.done), ACQUIRE) >= PARTS:
            return False
        self.arrays = {number: kept for number, kept in self.arrays.items() if number >= self.parts_done}
        self.arrays[self.offered] = (data, sizes, connections)
        part: cython.pointer[Part] = cython.address(self.parts[self.offered % PARTS])
        part.data = cython.cast(cython.pointer[cython.const[u8]], records_of(data))
        part.sizes = cython.cast(cython.pointer[cython.const[u8]], records_of(sizes))
        part.connections = cython.cast(cython.pointer[cython.const[u16]], records_of(connections))
        part.count = len(sizes)
        part.first = first
        part.start_ns = start_ns
        part.rate = rate
        part.gain = gain
        part.measured = measured
        store_u64(cython.address(self.offered), self.offered + 1, RELEASE)
        self._wake()
        return True

    @property
    def parts_done(self):
        """Number of parts whose orders have all come due."""
        return load_u64(cython.address(self.done), ACQUIRE)

    def begin_cut(self):
        """Drop the offered orders that are not due yet; ``is_cut`` says when that is done."""
        store(cython.address(self.cut), 1, RELEASE)
        self._wake()

    @property
    def is_cut(self):
        """Has the loop dropped them?"""
        return load_u32(cython.address(self.cut), ACQUIRE) == 0

    def leave(self):
        """Log out on every connection after its last order; the loop ends once the exchange has answered."""
        store(cython.address(self.leaving), 1, RELEASE)
        self._wake()

    def end(self):
        """Make ``run`` return. Can be called from any thread."""
        store(cython.address(self.ended), 1, RELEASE)
        self._wake()

    def _wake(self):
        os.eventfd_write(self.wake_fd, 1)

    def answers(self, number):
        """Number of commands of a connection that were answered."""
        return self.connections[number].answers

    def next_sequence(self, number):
        """Sequence number of the next report of a connection."""
        return self.connections[number].next_sequence

    def is_caught_up(self, number):
        """Has the exchange said that this connection has every report?"""
        return self.connections[number].caught_up

    def kinds(self, number):
        """Number of reports of a connection by kind: array of i64, shape (16,)."""
        return np.array([self.connections[number].kinds[i] for i in range(KINDS_OF_REPORT)], np.int64)

    def kept(self, number):
        """The newest reports of a connection, oldest first, as many as are kept: array of ``pricetime.REPORT``.

        Call it only while no reports arrive: the loop overwrites the oldest.
        """
        s: cython.pointer[Connection] = cython.address(self.connections[number])
        room: u64 = self.keep_mask + 1 if s.kept else 0
        count: u64 = min(s.kept_count, room)
        block: Block = Block((count + 1) * REPORT_BYTES)
        target: cython.pointer[Report] = cython.cast(cython.pointer[Report], block.memory)
        i: u64
        for i in range(count):
            target[i] = s.kept[(s.kept_count - count + i) & self.keep_mask]
        return block.array(REPORT, count)

    def histograms(self):
        """Latencies by name of kind. An accepted order without a further report counts as resting."""
        found = self.latencies.copies()
        number: u32
        for number in range(self.count):
            if self.connections[number].undecided:
                found["rests"].record_many([self.connections[number].undecided_ns])
        return found

    def forget_latencies(self):
        """Reset latencies and counts of orders. Call it only while nothing is sent or waits for an answer."""
        self.latencies = Latencies()
        number: u32
        for number in range(self.count):
            self.connections[number].undecided = False
        self.sent = self.answered = self.late = 0
        self.last_sent_ns = self.last_due_ns = self.last_answer_ns = 0

    # ------------------------------------------------------------------ the loop

    def run(self):
        """Iterate until ``end``, a failure, or the last logout; then read what has arrived."""
        with cython.nogil:
            self._run()

    def iterate(self):
        """One iteration, for tests: how much was done."""
        return self.step()

    def _run(self):
        prctl(PR_SET_TIMERSLACK, 1)  # short sleeps must not be rounded up
        while load_u32(cython.address(self.ended), ACQUIRE) == 0 and self.failure == NO_FAILURE:
            worked: cython.bint = self.step() != 0
            if not self.spins and (worked or not self._sleep(self._now())):
                yield_processor()
        number: u32
        reads: u32
        for number in range(self.count):
            s: cython.pointer[Connection] = cython.address(self.connections[number])
            reads = 0
            while reads < LAST_READS and not s.gone and s.fd >= 0 and self._read(number, s):
                reads += 1

    def step(self):
        """One iteration: how many orders, sends and events there were."""
        self.iterations += 1
        now_ns: u64 = self._now()
        work: u64 = self._release(now_ns)
        work += self._send_all()
        count: cython.int = epoll_wait(self.epoll_fd, self.ready, EVENTS, 0)
        n: cython.int
        for n in range(count):
            if self.ready[n].number == WAKE:
                self._wake_up()
            else:
                self._serve(cython.cast(u32, self.ready[n].number), self.ready[n].events)
            work += 1
        if now_ns >= self.next_tick_ns:
            self._tick(now_ns)
        return work

    def _now(self):
        return self.fixed_ns if self.fixed_ns != 0 else monotonic_ns()

    def _sleep(self, now_ns):
        """Sleep until the next order is due or a socket has data. False: too soon to sleep."""
        until: u64 = self.next_due_ns
        if self.stuck:
            until = now_ns + BLOCKED_NS
        until = min(until, self.next_tick_ns, now_ns + LONGEST_SLEEP_NS)
        if until < now_ns + SHORT_NS:
            return False
        file: pollfd
        file.fd = self.epoll_fd
        file.events = POLLIN
        file.revents = 0
        wait: timespec
        wait.tv_sec = 0
        wait.tv_nsec = until - now_ns
        ppoll(cython.address(file), 1, cython.address(wait), cython.NULL)
        return True

    def _wake_up(self):
        """The controlling thread has changed something; the next iteration handles it."""
        woken: u64
        read(self.wake_fd, cython.address(woken), 8)

    # ------------------------------------------------------------------ out

    def _release(self, now_ns):
        """Copy due orders into the outbound buffers, up to a limit: how many."""
        if load_u32(cython.address(self.cut), ACQUIRE) != 0:
            self._cut()
        count: u64 = 0
        self.next_due_ns = NEVER
        self.stuck = False
        while count < MOST_AT_ONCE and self.done != load_u64(cython.address(self.offered), ACQUIRE):
            part: cython.pointer[Part] = cython.address(self.parts[self.done % PARTS])
            if self.index == part.count:
                self.index = self.at = 0
                store_u64(cython.address(self.done), self.done + 1, RELEASE)
                continue
            due_ns: u64 = self._due(part, self.index) if part.rate > 0 else now_ns
            if due_ns > now_ns:
                self.next_due_ns = due_ns
                break
            if not self._enqueue(part, due_ns):
                self.stuck = True
                break
            count += 1
        self.released += count
        if count == MOST_AT_ONCE:
            self.next_due_ns = now_ns
        if load_u32(cython.address(self.leaving), ACQUIRE) == 1 and self.done == self.offered:
            self._log_out(now_ns)
        return count

    def _due(self, part, index):
        """When an order of a part is due.

        After t seconds, rate * t + gain * t**2 / 2 orders are due. This solves for t, in the form that loses no digits
        and also holds for a gain of 0.
        """
        number: cython.double = cython.cast(cython.double, part.first + index)
        square: cython.double = part.rate * part.rate + 2 * part.gain * number
        root: cython.double = sqrt(square) if square > 0 else 0
        return part.start_ns + cython.cast(u64, 2e9 * number / (part.rate + root))

    def _cut(self):
        store_u64(cython.address(self.done), load_u64(cython.address(self.offered), ACQUIRE), RELEASE)
        self.index = self.at = 0
        store(cython.address(self.cut), 0, RELEASE)

    def _enqueue(self, part, due_ns):
        """Copy the next order into its connection's buffer and add it to the waiting ones. False: no room."""
        s: cython.pointer[Connection] = cython.address(self.connections[part.connections[self.index]])
        n_bytes: u64 = part.sizes[self.index]
        if s.released - s.answered > self.queue_mask or not self._make_room(s, n_bytes):
            return False
        if part.rate <= 0 and s.end - s.begin > UNSENT_LIMIT:
            return False
        message: cython.pointer[cython.const[u8]] = part.data + self.at
        memcpy(s.outbound + s.end, message, n_bytes)
        s.end += n_bytes
        waiting: cython.pointer[Waiting] = cython.address(s.queue[s.released & self.queue_mask])
        waiting.due_ns = due_ns if part.measured else 0
        waiting.order_id = cython.cast(
            cython.pointer[cython.const[CancelOrder]], message
        ).order_id  # every command has it at the same offset
        waiting.end = s.taken_bytes + (s.end - s.begin)
        s.released += 1
        self.index += 1
        self.at += n_bytes
        return True

    def _make_room(self, s, n_bytes):
        """Make room for ``n_bytes`` in the outbound buffer. False: it is full."""
        if s.end + n_bytes <= OUTBOUND_BYTES:
            return True
        if s.begin == 0:
            return False
        memmove(s.outbound, s.outbound + s.begin, s.end - s.begin)
        s.end -= s.begin
        s.begin = 0
        return s.end + n_bytes <= OUTBOUND_BYTES

    def _send_all(self):
        """Write the outbound buffers to the sockets: on how many connections."""
        count: u64 = 0
        number: u32
        for number in range(self.count):
            s: cython.pointer[Connection] = cython.address(self.connections[number])
            if s.end != s.begin and not s.blocked:
                self._send(number, s)
                count += 1
        return count

    def _send(self, number, s):
        """Write to one socket. ``_read`` finds errors, after it has read what arrived before them."""
        taken: cython.Py_ssize_t = send(s.fd, s.outbound + s.begin, s.end - s.begin, MSG_DONTWAIT | MSG_NOSIGNAL)
        if taken > 0:
            self._mark_sent(s, taken, self._now())
        elif errno != EINTR:
            s.blocked = True
            if errno == EAGAIN:
                self._watch(number, s)

    def _mark_sent(self, s, n_bytes, now_ns):
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

    def _watch(self, number, s):
        """Register for incoming data and, if the socket is full, for room to write."""
        event: epoll_event
        event.events = EPOLLIN
        if s.blocked:
            event.events |= EPOLLOUT
        event.number = number
        epoll_ctl(self.epoll_fd, EPOLL_CTL_MOD, s.fd, cython.address(event))

    def _log_out(self, now_ns):
        """Send a logout on each connection that has not sent one; end the loop when all sessions are over."""
        staying: u32 = 0
        number: u32
        for number in range(self.count):
            s: cython.pointer[Connection] = cython.address(self.connections[number])
            if not s.leaves and self._make_room(s, SHORT_MESSAGE_BYTES):
                self._put(s, LOGOUT, now_ns)
                s.leaves = True
            staying += not s.gone
        if staying == 0:
            store(cython.address(self.ended), 1, RELEASE)

    def _put(self, s, kind, now_ns):
        """Put a Heartbeat or a Logout into the outbound buffer, which has room. It is not answered like a command."""
        message: Logout
        memset(cython.address(message), 0, cython.sizeof(Logout))
        message.type = kind
        message.reason = CLIENT_LOGOUT if kind == LOGOUT else NO_REASON
        message.next_sequence = s.next_sequence
        memcpy(s.outbound + s.end, cython.address(message), cython.sizeof(Logout))
        s.end += cython.sizeof(Logout)
        s.spoken_ns = now_ns

    # ------------------------------------------------------------------ in

    def _serve(self, number, what):
        """Handle the events of a connection."""
        s: cython.pointer[Connection] = cython.address(self.connections[number])
        if what & EPOLLOUT and s.blocked:
            s.blocked = False
            self._watch(number, s)
        if what & ~EPOLLOUT != 0:
            self._read(number, s)

    def _read(self, number, s):
        """Read and follow what a connection has. True if there may be more."""
        memcpy(self.buffer, s.partial, s.partial_bytes)
        n_bytes: cython.Py_ssize_t = recv(s.fd, self.buffer + s.partial_bytes, BUFFER_BYTES, MSG_DONTWAIT)
        if n_bytes < 0:
            if errno != EAGAIN and errno != EINTR:
                self._fail(BROKEN, number, errno, 0)
            return False
        if n_bytes == 0:
            return self._fail(CLOSED, number, 0, 0)
        now_ns: u64 = self._now()
        s.heard_ns = now_ns
        total: u64 = s.partial_bytes + n_bytes
        used: u64 = self._parse(number, s, self.buffer, total, now_ns)
        s.partial_bytes = 0
        if s.gone or total - used >= LONGEST_MESSAGE:
            return False  # the session or the loop has ended: the rest is not read
        s.partial_bytes = total - used
        memcpy(s.partial, self.buffer + used, s.partial_bytes)
        return True

    def _parse(self, number, s, data, n_bytes, now_ns):
        """Follow the complete messages: how many bytes of valid ones."""
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
                self._fail(STRANGE, number, kind, 0)
                break
        return used

    def _control(self, number, s, message):
        """Follow a Heartbeat or a Logout. False after a Logout: nothing may follow it."""
        control: cython.pointer[cython.const[Logout]] = cython.cast(cython.pointer[cython.const[Logout]], message)
        if control.next_sequence == s.next_sequence:
            s.caught_up = True
            if s.undecided:
                self._settle(s, RESTS)
        if control.type == HEARTBEAT:
            return True
        s.gone = True
        event: epoll_event
        epoll_ctl(self.epoll_fd, EPOLL_CTL_DEL, s.fd, cython.address(event))
        if not s.leaves or control.reason != CLIENT_LOGOUT or s.answered != s.released:
            self._fail(ENDED, number, control.reason, 0)
        return False

    def _report(self, number, s, report, now_ns):
        """Follow one report. False if it is not the next one, or answers no waiting command."""
        if report.seq_num != s.next_sequence:
            return self._fail(OUT_OF_ORDER, number, report.seq_num, s.next_sequence)
        s.next_sequence += 1
        kind: u32 = report.kind
        s.kinds[kind & (KINDS_OF_REPORT - 1)] += 1
        if s.kept:
            s.kept[s.kept_count & self.keep_mask] = report[0]
            s.kept_count += 1
        if s.undecided:
            self._follow(s, report)
        if kind == TRADE or (report.reason >= IOC_REMAINDER and kind != REPLACED and kind != ACCEPTED):
            return True  # a trade, or the effect of some other command
        return self._answer(number, s, report, now_ns)

    def _answer(self, number, s, report, now_ns):
        """Match an answer with the command that has waited longest. False if it answers a different one.

        After a login, answers to commands of the session before may arrive first; they are skipped.
        """
        if s.answered == s.sent or s.queue[s.answered & self.queue_mask].order_id != report.order_id:
            if not s.matched:
                return True
            expected: u64 = 0 if s.answered == s.sent else s.queue[s.answered & self.queue_mask].order_id
            return self._fail(UNASKED, number, report.order_id, expected)
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

    def _follow(self, s, report):
        """Learn from the report after an ``ACCEPTED`` what that order did."""
        reason: u32 = report.reason
        if report.kind == TRADE:
            self._settle(s, TRADES if reason != AS_MAKER else RESTS)
        elif reason == SELF_TRADE:
            if report.kind == CANCELLED and report.order_id == s.undecided_id:
                self._settle(s, OTHER)  # self-trade prevention cancelled it: it neither traded nor rests
        elif report.kind == CANCELLED and IOC_REMAINDER <= reason <= MARKET_REMAINDER:
            self._settle(s, OTHER)
        else:
            self._settle(s, RESTS)

    def _settle(self, s, kind):
        self.latencies.record(kind, s.undecided_ns)
        s.undecided = False

    # ------------------------------------------------------------------ time

    def _tick(self, now_ns):
        """Send heartbeats on idle connections; fail if a connection received nothing for too long."""
        self.next_tick_ns = now_ns + TICK_NS
        number: u32
        for number in range(self.count):
            s: cython.pointer[Connection] = cython.address(self.connections[number])
            if s.gone or s.fd < 0:
                continue
            if self.silence_ns != 0 and now_ns > s.heard_ns + self.silence_ns:
                self._fail(SILENT, number, now_ns - s.heard_ns, 0)
            elif s.begin != s.end or s.leaves:
                continue  # other bytes are on their way
            elif self.heartbeat_ns != 0 and now_ns > s.spoken_ns + self.heartbeat_ns - TICK_NS:
                self._put(s, HEARTBEAT, now_ns)

    def _fail(self, failure, number, found, expected):
        """Record the first failure, which ends the loop. Returns False."""
        if self.failure == NO_FAILURE:
            self.failed_connection = number
            self.found = found
            self.expected = expected
            self.failure = failure
        return False
