"""The event loop of the load generator: sends orders when they are due, and reads reports, over many connections.

The due time of an order follows only from its number in the schedule. When an order is due, the loop copies it into the
outbound buffer of its connection, and writes the buffer to the socket as soon as the operating system accepts it. The
loop allocates nothing. ``connections`` has what is not about sockets and time.
"""

from __future__ import annotations

import os
import select
from typing import Any

import cython
import numpy as np
from numpy.typing import NDArray

from pricetime.load.connections import Connections

if cython.compiled:
    from cython.cimports.libc.math import sqrt
    from cython.cimports.libc.string import memcpy


@cython.final
@cython.cclass
class Driver:
    """``connections``: how many. ``keep``: how many of the newest reports of each to keep. ``spins``: never sleep.

    ``heartbeat_ns``: longest time without sending, 0: no limit. ``silence_ns``: the loop fails if a connection
    receives nothing for so long, 0: never. One thread calls ``run``, a second thread calls the rest. Raises
    MemoryError and OSError.
    """

    if not cython.compiled:
        parts: Any
        ready: Any

    def __init__(
        self, connections: int, *, keep: int = 0, spins: bool = False, heartbeat_ns: int = 0, silence_ns: int = 0
    ) -> None:
        self.epoll = select.epoll()
        self.epoll_fd = self.epoll.fileno()
        self.wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        event: epoll_event
        event.events = EPOLLIN
        event.number = WAKE
        if epoll_ctl(self.epoll_fd, EPOLL_CTL_ADD, self.wake_fd, cython.address(event)) != 0:
            raise OSError(errno, os.strerror(errno))
        self.connections = Connections(connections, keep)
        self.arrays: dict[int, Any] = {}
        self.fixed_ns = self.offered = self.done = self.index = self.at = 0
        self.ended = self.cut = self.leaving = 0
        self.spins = spins
        self.heartbeat_ns = heartbeat_ns
        self.silence_ns = silence_ns
        self.next_due_ns = NEVER
        self.buffer = cython.cast(cython.pointer[u8], reserve(BUFFER_BYTES + LONGEST_MESSAGE))
        if not self.buffer:
            raise MemoryError("not enough memory for the connections")
        prefault_pages(self.buffer, BUFFER_BYTES + LONGEST_MESSAGE)

    def __dealloc__(self) -> None:
        release(self.buffer, BUFFER_BYTES + LONGEST_MESSAGE)

    def close(self) -> None:
        """Close the loop's own descriptors. Not while the loop runs."""
        if self.wake_fd >= 0:
            self.epoll.close()
            os.close(self.wake_fd)
            self.wake_fd = -1

    # ------------------------------------------------------------------ for the controlling thread

    def connection(self, number: int, fd: int, next_sequence: int) -> None:
        """Use this logged-in, non-blocking socket as connection ``number``. Not while the loop runs.

        Commands that were sent and not answered keep waiting. Raises OSError.
        """
        event: epoll_event
        event.events = EPOLLIN
        event.number = number
        if epoll_ctl(self.epoll_fd, EPOLL_CTL_ADD, fd, cython.address(event)) != 0:
            raise OSError(errno, os.strerror(errno))
        self.connections.renew(number, fd, next_sequence, self._now())
        self.go_on()

    def go_on(self) -> None:
        """Allow ``run`` to run again."""
        store(cython.address(self.ended), 0, RELEASE)

    def offer(
        self,
        data: NDArray[np.uint8],
        sizes: NDArray[np.uint8],
        connections: NDArray[np.uint16],
        *,
        rate: float = 0.0,
        gain: float = 0.0,
        start_ns: int = 0,
        first: int = 0,
        measured: bool = True,
    ) -> bool:
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
    def parts_done(self) -> int:
        """Number of parts whose orders have all come due."""
        return load_u64(cython.address(self.done), ACQUIRE)

    def begin_cut(self) -> None:
        """Drop the offered orders that are not due yet; ``is_cut`` says when that is done."""
        store(cython.address(self.cut), 1, RELEASE)
        self._wake()

    @property
    def is_cut(self) -> bool:
        """Has the loop dropped them?"""
        return load_u32(cython.address(self.cut), ACQUIRE) == 0

    def leave(self) -> None:
        """Log out on every connection after its last order; the loop ends once the exchange has answered."""
        store(cython.address(self.leaving), 1, RELEASE)
        self._wake()

    def end(self) -> None:
        """Make ``run`` return. Can be called from any thread."""
        store(cython.address(self.ended), 1, RELEASE)
        self._wake()

    def _wake(self) -> None:
        os.eventfd_write(self.wake_fd, 1)

    # ------------------------------------------------------------------ the loop

    def run(self) -> None:
        """Iterate until ``end``, a failure, or the last logout; then read what has arrived."""
        with cython.nogil:
            self._run()

    def iterate(self) -> int:
        """One iteration, for tests: how much was done."""
        return self.step()

    def _run(self) -> None:
        prctl(PR_SET_TIMERSLACK, 1)  # short sleeps must not be rounded up
        while load_u32(cython.address(self.ended), ACQUIRE) == 0 and self.connections.failure == NO_FAILURE:
            worked: cython.bint = self.step() != 0
            if not self.spins and (worked or not self._sleep(self._now())):
                yield_processor()
        number: u32
        reads: u32
        for number in range(self.connections.count):
            s: cython.pointer[Connection] = cython.address(self.connections.all[number])
            reads = 0
            while reads < LAST_READS and not s.gone and s.fd >= 0 and self._read(number, s):
                reads += 1

    def step(self) -> u64:
        """One iteration: how many orders, sends and events there were."""
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

    def _now(self) -> u64:
        return self.fixed_ns if self.fixed_ns != 0 else monotonic_ns()

    def _sleep(self, now_ns: u64) -> cython.bint:
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

    def _wake_up(self) -> None:
        """The controlling thread has changed something; the next iteration handles it."""
        woken: u64
        read(self.wake_fd, cython.address(woken), 8)

    # ------------------------------------------------------------------ out

    def _release(self, now_ns: u64) -> u64:
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
        if count == MOST_AT_ONCE:
            self.next_due_ns = now_ns
        if load_u32(cython.address(self.leaving), ACQUIRE) == 1 and self.done == self.offered:
            self._log_out(now_ns)
        return count

    def _due(self, part: cython.pointer[Part], index: u64) -> u64:
        """When an order of a part is due.

        After t seconds, rate * t + gain * t**2 / 2 orders are due. This solves for t, in the form that loses no digits
        and also holds for a gain of 0.
        """
        number: cython.double = cython.cast(cython.double, part.first + index)
        square: cython.double = part.rate * part.rate + 2 * part.gain * number
        root: cython.double = sqrt(square) if square > 0 else 0
        return part.start_ns + cython.cast(u64, 2e9 * number / (part.rate + root))

    def _cut(self) -> None:
        store_u64(cython.address(self.done), load_u64(cython.address(self.offered), ACQUIRE), RELEASE)
        self.index = self.at = 0
        store(cython.address(self.cut), 0, RELEASE)

    def _enqueue(self, part: cython.pointer[Part], due_ns: u64) -> cython.bint:
        """Queue the next order on its connection. False: no room."""
        s: cython.pointer[Connection] = cython.address(self.connections.all[part.connections[self.index]])
        n_bytes: u64 = part.sizes[self.index]
        if part.rate <= 0 and s.end - s.begin > UNSENT_LIMIT:
            return False
        if not self.connections.enqueue(s, part.data + self.at, n_bytes, due_ns if part.measured else 0):
            return False
        self.index += 1
        self.at += n_bytes
        return True

    def _send_all(self) -> u64:
        """Write the outbound buffers to the sockets: on how many connections."""
        count: u64 = 0
        number: u32
        for number in range(self.connections.count):
            s: cython.pointer[Connection] = cython.address(self.connections.all[number])
            if s.end != s.begin and not s.blocked:
                self._send(number, s)
                count += 1
        return count

    def _send(self, number: u32, s: cython.pointer[Connection]) -> None:
        """Write to one socket. ``_read`` finds errors, after it has read what arrived before them."""
        taken: cython.Py_ssize_t = send(s.fd, s.outbound + s.begin, s.end - s.begin, MSG_DONTWAIT | MSG_NOSIGNAL)
        if taken > 0:
            self.connections.mark_sent(s, taken, self._now())
        elif errno != EINTR:
            s.blocked = True
            if errno == EAGAIN:
                self._watch(number, s)

    def _watch(self, number: u32, s: cython.pointer[Connection]) -> None:
        """Register for incoming data and, if the socket is full, for room to write."""
        event: epoll_event
        event.events = EPOLLIN
        if s.blocked:
            event.events |= EPOLLOUT
        event.number = number
        epoll_ctl(self.epoll_fd, EPOLL_CTL_MOD, s.fd, cython.address(event))

    def _log_out(self, now_ns: u64) -> None:
        """Send a logout on each connection that has not sent one; end the loop when all sessions are over."""
        staying: u32 = 0
        number: u32
        for number in range(self.connections.count):
            s: cython.pointer[Connection] = cython.address(self.connections.all[number])
            if not s.leaves and self.connections.make_room(s, SHORT_MESSAGE_BYTES):
                self.connections.put(s, LOGOUT, now_ns)
                s.leaves = True
            staying += not s.gone
        if staying == 0:
            store(cython.address(self.ended), 1, RELEASE)

    # ------------------------------------------------------------------ in

    def _serve(self, number: u32, what: u32) -> None:
        """Handle the events of a connection."""
        s: cython.pointer[Connection] = cython.address(self.connections.all[number])
        if what & EPOLLOUT and s.blocked:
            s.blocked = False
            self._watch(number, s)
        if what & ~EPOLLOUT != 0:
            self._read(number, s)

    def _read(self, number: u32, s: cython.pointer[Connection]) -> cython.bint:
        """Read and follow what a connection has. True if there may be more."""
        memcpy(self.buffer, s.partial, s.partial_bytes)
        n_bytes: cython.Py_ssize_t = recv(s.fd, self.buffer + s.partial_bytes, BUFFER_BYTES, MSG_DONTWAIT)
        if n_bytes < 0:
            if errno != EAGAIN and errno != EINTR:
                self.connections.fail(BROKEN, number, errno, 0)
            return False
        if n_bytes == 0:
            return self.connections.fail(CLOSED, number, 0, 0)
        now_ns: u64 = self._now()
        s.heard_ns = now_ns
        total: u64 = s.partial_bytes + n_bytes
        used: u64 = self.connections.parse(number, self.buffer, total, now_ns)
        s.partial_bytes = 0
        if s.gone:
            event: epoll_event
            epoll_ctl(self.epoll_fd, EPOLL_CTL_DEL, s.fd, cython.address(event))
        if s.gone or total - used >= LONGEST_MESSAGE:
            return False  # the session or the loop has ended: the rest is not read
        s.partial_bytes = total - used
        memcpy(s.partial, self.buffer + used, s.partial_bytes)
        return True

    # ------------------------------------------------------------------ time

    def _tick(self, now_ns: u64) -> None:
        """Send heartbeats on idle connections; fail if a connection received nothing for too long."""
        self.next_tick_ns = now_ns + TICK_NS
        number: u32
        for number in range(self.connections.count):
            s: cython.pointer[Connection] = cython.address(self.connections.all[number])
            if s.gone or s.fd < 0:
                continue
            if self.silence_ns != 0 and now_ns > s.heard_ns + self.silence_ns:
                self.connections.fail(SILENT, number, now_ns - s.heard_ns, 0)
            elif s.begin != s.end or s.leaves:
                continue  # other bytes are on their way
            elif self.heartbeat_ns != 0 and now_ns > s.spoken_ns + self.heartbeat_ns - TICK_NS:
                self.connections.put(s, HEARTBEAT, now_ns)
