# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Orders out at their times and reports in, over many connections, in one loop that waits for nobody.

Every order has its due time, which follows from its number in the schedule and from nothing that the exchange does.
When it is due it goes into the outbound buffer of its session, and from there into the socket as soon as the system
takes it. Answers come in the order of the commands of a session: a queue of what waits tells each answer its due time,
from which its latency counts. Nothing is allocated on the way.

What a new order came to is known from the report behind its ``ACCEPTED``: a trade of its own, the cancel of what may
not rest, or anything else, which says that it rests. Its latency is that of ``ACCEPTED``, whatever follows.
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

#: Commands that wait for an answer, over all sessions, and in one at the least.
MOST_WAITING, LEAST_WAITING = 1 << 22, 1 << 14


@cython.final
@cython.cclass
class Driver:
    """``connections``: connections. ``keep``: the newest reports of each that are kept. ``spins``: never sleep.

    ``heartbeat_ns``: how often each end must say something, 0 for never; ``silence_ns``: after which the exchange is
    given up. One thread calls ``run``; another offers parts, and asks. Raises MemoryError and OSError.
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
            raise MemoryError("no room for sessions")
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
            raise MemoryError("no room for what waits for an answer")
        prefault_pages(s.outbound, OUTBOUND_BYTES)  # a fresh page while orders are due would make all of them late
        prefault_pages(s.queue, (self.queue_mask + 1) * cython.sizeof(Waiting))
        if keep:
            prefault_pages(s.kept, (self.keep_mask + 1) * REPORT_BYTES)

    def close(self):
        """Give back the descriptors that are its own. Not while the loop runs."""
        if self.wake_fd >= 0:
            self.epoll.close()
            os.close(self.wake_fd)
            self.wake_fd = -1

    # ------------------------------------------------------------------ for the thread that asks

    def connection(self, number, fd, next_sequence):
        """This connection, which is logged in and does not block, is a session's from now on. Not while the loop runs.

        What was sent and is not answered goes on waiting. Raises OSError.
        """
        s: cython.pointer[Connection] = cython.address(self.connections[number])
        s.fd = fd
        s.next_sequence = next_sequence
        s.blocked = s.matched = s.leaves = s.gone = s.caught_up = False
        s.begin = s.end = s.partial_bytes = 0
        self.released -= s.released - s.sent  # what the connection before did not take will not be sent
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
        """Let ``run`` run again."""
        store(cython.address(self.ended), 0, RELEASE)

    def forget(self):
        """Wait no longer for what is not answered: how many of these commands were sent. Not while the loop runs."""
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
        """Send these orders after those before.

        Array of bytes, of u8 and of u16: the messages, their sizes, whose they are. ``rate``: orders a second at the
        start of the schedule, and ``gain``, by which it grows each second; 0: as fast as it goes. ``first``: orders of
        the schedule before these. False when too many parts wait: try again.
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
        """Parts whose orders have all come due."""
        return load_u64(cython.address(self.done), ACQUIRE)

    def begin_cut(self):
        """Forget what was offered and has not come due: ``is_cut`` when that is done."""
        store(cython.address(self.cut), 1, RELEASE)
        self._wake()

    @property
    def is_cut(self):
        """Is there nothing left to cut?"""
        return load_u32(cython.address(self.cut), ACQUIRE) == 0

    def leave(self):
        """Log out on every connection, behind what was released; the loop ends when the exchange has answered all."""
        store(cython.address(self.leaving), 1, RELEASE)
        self._wake()

    def end(self):
        """Let ``run`` return. From any thread."""
        store(cython.address(self.ended), 1, RELEASE)
        self._wake()

    def _wake(self):
        os.eventfd_write(self.wake_fd, 1)

    def answers(self, number):
        """Commands of a session that were answered."""
        return self.connections[number].answers

    def next_sequence(self, number):
        """Of the next report of a session."""
        return self.connections[number].next_sequence

    def is_caught_up(self, number):
        """Has the exchange said that a session has all reports there are?"""
        return self.connections[number].caught_up

    def kinds(self, number):
        """Reports of a session by kind: array of i64, shape (16,)."""
        return np.array([self.connections[number].kinds[i] for i in range(KINDS_OF_REPORT)], np.int64)

    def kept(self, number):
        """The newest reports of a session, oldest first, as many as are kept: array of ``pricetime.REPORT``.

        While nothing comes: the loop writes over the oldest.
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
        """Latencies by the name of their kind. An order accepted of which no more is known counts as resting."""
        found = self.latencies.copies()
        number: u32
        for number in range(self.count):
            if self.connections[number].undecided:
                found["rests"].record_many([self.connections[number].undecided_ns])
        return found

    def forget_latencies(self):
        """Count latencies, and orders, anew. While nothing is sent or waited for."""
        self.latencies = Latencies()
        number: u32
        for number in range(self.count):
            self.connections[number].undecided = False
        self.sent = self.answered = self.late = 0
        self.last_sent_ns = self.last_due_ns = self.last_answer_ns = 0

    # ------------------------------------------------------------------ the loop

    def run(self):
        """Turn after turn until ``end``, a failure, or the last Logout. What has come by then is read."""
        with cython.nogil:
            self._run()

    def turn(self):
        """One turn, for tests: how much was done."""
        return self.step()

    def _run(self):
        prctl(PR_SET_TIMERSLACK, 1)  # a sleep of some microseconds is to be no longer
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
        """One turn: how many orders, bytes and events there were."""
        self.turns += 1
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
        """Sleep until the next order is due or something has come. False: that is too soon to be worth it."""
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
        """Somebody has something new for the loop, which looks at it at its next turn."""
        woken: u64
        read(self.wake_fd, cython.address(woken), 8)

    # ------------------------------------------------------------------ out

    def _release(self, now_ns):
        """Put the orders that are due into the outbound buffers: how many, up to a limit."""
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
            self._take_leave(now_ns)
        return count

    def _due(self, part, index):
        """When an order of a part is due.

        After t seconds at a rate that grows, rate * t + gain * t**2 / 2 orders are due; this is the t of the order's
        number, in the form that loses no digits and holds for a gain of 0 too.
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
        """The next order of a part into its session's buffer, and among those that wait. False: there is no room."""
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
        ).order_id  # of each at the same place
        waiting.end = s.taken_bytes + (s.end - s.begin)
        s.released += 1
        self.index += 1
        self.at += n_bytes
        return True

    def _make_room(self, s, n_bytes):
        """Is there room for so much more in the outbound buffer?"""
        if s.end + n_bytes <= OUTBOUND_BYTES:
            return True
        if s.begin == 0:
            return False
        memmove(s.outbound, s.outbound + s.begin, s.end - s.begin)
        s.end -= s.begin
        s.begin = 0
        return s.end + n_bytes <= OUTBOUND_BYTES

    def _send_all(self):
        """Give the system what it takes: to how many connections."""
        count: u64 = 0
        number: u32
        for number in range(self.count):
            s: cython.pointer[Connection] = cython.address(self.connections[number])
            if s.end != s.begin and not s.blocked:
                self._send(number, s)
                count += 1
        return count

    def _send(self, number, s):
        """What went wrong is left for the reader to find, which takes what came before it."""
        taken: cython.Py_ssize_t = send(s.fd, s.outbound + s.begin, s.end - s.begin, MSG_DONTWAIT | MSG_NOSIGNAL)
        if taken > 0:
            self._took(s, taken, self._now())
        elif errno != EINTR:
            s.blocked = True
            if errno == EAGAIN:
                self._watch(number, s)

    def _took(self, s, n_bytes, now_ns):
        """The system has so many bytes more: those orders are sent."""
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
        """Let epoll say when something comes, and, where the system takes no more, when it does again."""
        event: epoll_event
        event.events = EPOLLIN
        if s.blocked:
            event.events |= EPOLLOUT
        event.number = number
        epoll_ctl(self.epoll_fd, EPOLL_CTL_MOD, s.fd, cython.address(event))

    def _take_leave(self, now_ns):
        """Log out where that is not said yet; end when every connection has come to its end."""
        staying: u32 = 0
        number: u32
        for number in range(self.count):
            s: cython.pointer[Connection] = cython.address(self.connections[number])
            if not s.leaves and self._make_room(s, SHORT_MESSAGE_BYTES):
                self._say(s, LOGOUT, now_ns)
                s.leaves = True
            staying += not s.gone
        if staying == 0:
            store(cython.address(self.ended), 1, RELEASE)

    def _say(self, s, kind, now_ns):
        """A Heartbeat or a Logout, for which there is room: it is no command, and nothing waits for it."""
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
        """Something happened to a connection."""
        s: cython.pointer[Connection] = cython.address(self.connections[number])
        if what & EPOLLOUT and s.blocked:
            s.blocked = False
            self._watch(number, s)
        if what & ~EPOLLOUT != 0:
            self._read(number, s)

    def _read(self, number, s):
        """Take what a connection has. Was there anything that could be used?"""
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
            return False  # the end of the session, or of all: what follows is not read
        s.partial_bytes = total - used
        memcpy(s.partial, self.buffer + used, s.partial_bytes)
        return True

    def _parse(self, number, s, data, n_bytes, now_ns):
        """Follow whole messages: the bytes of those that may come."""
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
                if n_bytes - used < SHORT_MESSAGE_BYTES or not self._told(number, s, data + used):
                    break
                used += SHORT_MESSAGE_BYTES
            else:
                self._fail(STRANGE, number, kind, 0)
                break
        return used

    def _told(self, number, s, message):
        """A heartbeat, or the end of the session. False when nothing may follow it."""
        told: cython.pointer[cython.const[Logout]] = cython.cast(cython.pointer[cython.const[Logout]], message)
        if told.next_sequence == s.next_sequence:
            s.caught_up = True
            if s.undecided:
                self._settle(s, RESTS)
        if told.type == HEARTBEAT:
            return True
        s.gone = True
        event: epoll_event
        epoll_ctl(self.epoll_fd, EPOLL_CTL_DEL, s.fd, cython.address(event))
        if not s.leaves or told.reason != CLIENT_LOGOUT or s.answered != s.released:
            self._fail(ENDED, number, told.reason, 0)
        return False

    def _report(self, number, s, report, now_ns):
        """One report, which must be the next. False when it is not, or answers what was not asked."""
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
            return True  # what an order met, or what another's command did
        return self._answer(number, s, report, now_ns)

    def _answer(self, number, s, report, now_ns):
        """The report that says what became of a command: the one that has waited longest, or something is wrong.

        Until the first one is met, answers to commands of the session before this one may come, and are passed over.
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
        """What the report behind an ``ACCEPTED`` says of that order, if anything."""
        reason: u32 = report.reason
        if report.kind == TRADE:
            self._settle(s, TRADES if reason != AS_MAKER else RESTS)
        elif reason == SELF_TRADE:
            if report.kind == CANCELLED and report.order_id == s.undecided_id:
                self._settle(s, OTHER)  # its owner's own order was in its way: it neither traded nor rests
        elif report.kind == CANCELLED and IOC_REMAINDER <= reason <= MARKET_REMAINDER:
            self._settle(s, OTHER)
        else:
            self._settle(s, RESTS)

    def _settle(self, s, kind):
        self.latencies.record(kind, s.undecided_ns)
        s.undecided = False

    # ------------------------------------------------------------------ time

    def _tick(self, now_ns):
        """A sign of life where nothing else was said for a while; the end when nothing was heard for too long."""
        self.next_tick_ns = now_ns + TICK_NS
        number: u32
        for number in range(self.count):
            s: cython.pointer[Connection] = cython.address(self.connections[number])
            if s.gone or s.fd < 0:
                continue
            if self.silence_ns != 0 and now_ns > s.heard_ns + self.silence_ns:
                self._fail(SILENT, number, now_ns - s.heard_ns, 0)
            elif s.begin != s.end or s.leaves:
                continue  # something is on its way to the exchange anyway
            elif self.heartbeat_ns != 0 and now_ns > s.spoken_ns + self.heartbeat_ns - TICK_NS:
                self._say(s, HEARTBEAT, now_ns)

    def _fail(self, failure, number, found, expected):
        """The first thing that goes wrong ends the loop. Returns False."""
        if self.failure == NO_FAILURE:
            self.failed_connection = number
            self.found = found
            self.expected = expected
            self.failure = failure
        return False
