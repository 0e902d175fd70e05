# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The event loop of the gateway thread: connects the sockets of logged-in clients with the engine's rings, without the
GIL.

One iteration: continue a mass cancel; read requests of the control thread; read messages of clients into the ring of
commands; route reports from the ring of reports to the owners' streams and to the feed; send the feed's datagrams; send
to clients, at once if no more messages are waiting, otherwise after at most FLUSH_NS; every 20 ms, check timers. With
``shared`` threading, the matcher runs within the loop in the same thread: on two cores this is the fastest, because no
other thread has to be scheduled.

With a journal, a report is sent only after the condition that it promises holds. If that is a sync, reports wait in
their ring until the syncer says that their commands are on the disk. After a failure of the journal, nothing is sent.
"""

from __future__ import annotations

import os

import cython

if cython.compiled:
    from cython.cimports.libc.string import memcpy, memset

    #: Maximum number of orders that the first command of a mass cancel visits, and each command that continues it.
    PARTS = (FIRST_PART, PART)


@cython.final
@cython.cclass
class Gateway:
    """``run`` needs its own thread. The control thread makes requests and calls ``take_events``."""

    def __init__(self, sessions, decoder, matcher, router, publisher, rings, epoll_fd, wake_fd, settings, shared, idle):
        self.sessions = sessions
        self.decoder = decoder
        self.matcher = matcher
        self.router = router
        self.publisher = publisher
        self.commands, self.requests, self.events = rings
        self.epoll_fd = epoll_fd
        self.wake_fd = wake_fd
        self.shared = shared
        self.journaled = self.durable = self.gave_up = False
        self.sleeps = settings.idle == "block"
        self.idle = idle
        self.drain_ns = settings.drain_timeout_ms * 1_000_000
        self.clock_offset_ns = self.sessions.clock_offset_ns
        self.tick_to_trade = Latencies()
        self.next_tick_ns = self.stop_ns = self.flushed_ns = 0
        self.last_ns = self.read_until_ns = self.round_ns = self.round_left = 0
        self.iterations = self.received_bytes = self.ring_full = 0
        self.router.start_counting()
        self.answered = self.decoder.sequence
        self.unfinished = OwnerQueue()
        for owner in self.matcher.engine.unfinished():  # mass cancels that a crash or a stop interrupted
            self._queue_unfinished(owner)
        self.wanted = NEVER
        self.stopped = self.ended = 0
        self.buffer = cython.cast(cython.pointer[u8], reserve(BUFFER_BYTES + MAX_MESSAGE))
        if not self.buffer:
            raise MemoryError("no room for the receive buffer")
        event: epoll_event
        event.events = EPOLLIN
        event.number = WAKE
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, cython.address(event))

    def __dealloc__(self):
        release(self.buffer, BUFFER_BYTES + MAX_MESSAGE)

    def answer_for(self, journal, durable):
        """Stop if ``journal``, a ``Writer``, fails. ``durable``: report a command only after it is on the disk.

        Call it before ``run``.
        """
        self.journal = journal
        self.journaled = True
        self.durable = durable

    # ------------------------------------------------------------------ for the control thread

    def admit(self, fd, owner, flags, next_sequence):
        """Hand over the connection of a client that has logged in. False: too many requests are waiting, try again."""
        return self._request(REQUEST_ADMIT, owner, fd, flags, next_sequence, 0, 0)

    def set_phase(self, instrument, phase):
        """Change the phase of an instrument. False: too many requests are waiting, try again."""
        return self._request(REQUEST_PHASE, 0, -1, 0, 0, instrument, phase)

    def remove(self, owner, session_reason, cancel_reason):
        """End an owner's session unless ``session_reason`` is 0, and cancel its orders unless ``cancel_reason`` is 0.

        False: too many requests are waiting, try again.
        """
        return self._request(REQUEST_OWNER, owner, -1, cancel_reason, 0, 0, session_reason)

    def progress(self):
        """Sequence numbers of the last command received and of the last command answered. Callable from any thread."""
        return self.decoder.sequence, self.answered

    def is_done(self, owner):
        """True if all requests have been read and this owner has no pending mass cancel."""
        return len(self.requests) == 0 and not self.sessions.is_cancelling(owner, self.answered)

    def begin_stop(self):
        """Accept no more orders, send everything, and log out every client."""
        return self._request(REQUEST_STOP, 0, -1, 0, 0, 0, 0)

    def _request(self, kind, owner, fd, flags, next_sequence, instrument, state):
        if self.requests.claim(1) == 0:
            return False
        request: cython.pointer[Request] = cython.cast(cython.pointer[Request], self.requests.claimed(0))
        memset(request, 0, cython.sizeof(Request))
        request.kind = kind
        request.owner = owner
        request.fd = fd
        request.flags = flags
        request.next_sequence = next_sequence
        request.instrument = instrument
        request.state = state
        self.requests.commit(1)
        os.eventfd_write(self.wake_fd, 1)
        return True

    def take_events(self):
        """Session events since the last call: (kind, owner, reason, timestamp in ns, next sequence) each."""
        found = []
        count: u64 = self.events.peek(self.events.capacity)
        i: u64
        for i in range(count):
            event: cython.pointer[Event] = cython.cast(cython.pointer[Event], self.events.peeked(i))
            found.append((event.kind, event.owner, event.reason, event.timestamp, event.next_sequence))
        self.events.release(count)
        return found

    def stats(self):
        """Counters since the start, by name."""
        return {
            "commands": self.decoder.sequence,
            "unanswered": max(0, cython.cast(i64, self.decoder.sequence - self.answered)),
            "gateway_rejects": self.decoder.rejects,
            "reports": self.router.routed,
            "feed_next_sequence": self.publisher.store.newest(),
            "feed_calls": self.publisher.calls,
            "feed_datagrams": self.publisher.datagrams,
            "feed_bytes": self.publisher.sent_bytes,
            "feed_unsent": self.publisher.unsent,
            "sessions": self.sessions.connected_count,
            "slow_readers": self.sessions.slow_readers,
            "sent_bytes": self.sessions.sent_bytes,
            "received_bytes": self.received_bytes,
            "commands_in_ring": len(self.commands),
            "reports_in_ring": len(self.router.reports),
            "ring_full": self.ring_full,
            "iterations": self.iterations,
            **figures("match", self.matcher.match),
            **figures("tick_to_trade", self.tick_to_trade),
        }

    @property
    def is_stopped(self):
        """True after a stop is complete."""
        return load_u32(cython.address(self.stopped), ACQUIRE) == 1

    def end(self):
        """Make ``run`` return. Callable from any thread."""
        store(cython.address(self.ended), 1, RELEASE)
        os.eventfd_write(self.wake_fd, 1)

    # ------------------------------------------------------------------ the thread

    def run(self):
        """Iterate until ``end``."""
        with cython.nogil:
            self._run()

    def iterate(self, timeout_ms=0):
        """One iteration, for tests. Returns the amount of work done."""
        return self.step(timeout_ms)

    def _run(self):
        idle_iterations: u64 = 0
        while load_u32(cython.address(self.ended), ACQUIRE) == 0:
            if self.step(self._wait_ms(idle_iterations)) != 0:
                idle_iterations = 0
            else:
                idle_iterations += 1

    def _wait_ms(self, idle_iterations):
        """How long to wait for sockets, in ms. 0 while there is work that does not depend on the journal."""
        if idle_iterations == 0:
            return 0
        if self.gave_up:
            return TICK_NS // 1_000_000
        if self._waits_for_journal():
            if not self.sleeps:
                self.idle.step(idle_iterations)
            return SYNC_MS if self.sleeps else 0
        if self.answered != self.decoder.sequence or not self.idle.step(idle_iterations):
            return 0
        return TICK_NS // 1_000_000

    def _waits_for_journal(self):
        """Is there nothing to do until the journal makes progress?"""
        return self._holds_reports() or (self.matcher.starved and self.router.reports.peek(1) == 0)

    def _holds_reports(self):
        """Is there a report that waits only for a sync?"""
        return self.durable and self._answerable() == 0 and self.router.reports.peek(1) != 0

    def _request_sync(self):
        """Ask the syncer for a sync, once for each sync. The syncer wakes this thread afterwards."""
        synced: u64 = self.journal.synced()
        if self.wanted != synced:
            self.wanted = synced
            self.journal.want()

    def step(self, timeout_ms):
        """One iteration, which waits up to ``timeout_ms`` for events. Returns the amount of work done."""
        count: cython.int = epoll_wait(self.epoll_fd, self.ready, EVENTS, timeout_ms)
        now_ns: u64 = monotonic_ns()
        self.iterations += 1
        self._note_read(count, now_ns)
        if self._failed():
            return self._give_up(count)
        self._begin_cancels(now_ns)
        self._continue_cancels(now_ns)
        work: u64 = self._take_requests(now_ns)
        self._resume(now_ns)
        n: cython.int
        for n in range(count):
            # Each iteration begins with a different client, so that busy clients cannot always fill the ring first.
            i: u64 = (self.iterations + n) % cython.cast(u64, count)
            owner: u32 = self.ready[i].number
            if owner == WAKE:
                woken: u64
                read(self.wake_fd, cython.address(woken), 8)
            else:
                self._serve(owner, self.ready[i].events)
                if self.decoder.sequence - self.answered >= WAITING:
                    work += self._match_and_route(now_ns)
            work += 1
        work += self._match_and_route(now_ns)
        # The feed is sent first. While messages keep arriving, replies to clients are sent together every FLUSH_NS.
        if count == 0 or now_ns - self.flushed_ns >= FLUSH_NS:
            work += self.sessions.flush_all(now_ns)
            self.flushed_ns = now_ns
        if self.sessions.logging_out_count != 0:
            self.sessions.answer_logouts(self.answered, now_ns)
        if now_ns >= self.next_tick_ns:
            self._tick(now_ns)
        if self.stop_ns != 0:
            self._continue_stop(now_ns)
        return work

    def _note_read(self, count, now_ns):
        """Set ``read_until_ns``: at the end of this iteration, everything that arrived before this time has been read.

        Usually it is the time of the last iteration, which was before this iteration's call of epoll. If more sockets
        are ready than fit into one result, epoll returns those first that it returned longest ago, so it takes several
        iterations to read all of them.
        """
        if 0 <= count < EVENTS:
            self.read_until_ns = self.last_ns
            self.round_left = 0
        elif count == EVENTS:
            if self.round_left == 0:
                self.round_ns = self.last_ns
                self.round_left = self.sessions.connected_count // EVENTS + 1
            self.round_left -= 1
            if self.round_left == 0:
                self.read_until_ns = self.round_ns
        self.last_ns = now_ns  # if epoll failed (count < 0), for example with EINTR, it has reported nothing

    # ------------------------------------------------------------------ in

    def _take_requests(self, now_ns):
        """Execute requests of the control thread.

        A request without room for its command waits for the next iteration.
        """
        count: u64 = self.requests.peek(64)
        done: u64 = 0
        while done < count:
            if not self._take_request(cython.cast(cython.pointer[Request], self.requests.peeked(done)), now_ns):
                break
            done += 1
        if done != 0:
            self.requests.release(done)
        return done

    def _take_request(self, request, now_ns):
        if request.kind == REQUEST_ADMIT:
            self.sessions.admit(
                request.owner, request.fd, request.flags, request.next_sequence, self.decoder.sequence, now_ns
            )
        elif request.kind == REQUEST_PHASE:
            return self._command(SET_PHASE, 0, request.instrument, request.state, 0, now_ns)
        elif request.kind == REQUEST_OWNER:
            self.sessions.remove(request.owner, request.state, request.flags, now_ns)
        elif request.kind == REQUEST_STOP and self.stop_ns == 0:
            self.stop_ns = now_ns
            self.sessions.cancel_on_disconnect = False
        return True

    def _command(self, kind, owner, instrument, flags, tag, now_ns):
        """Issue a command of the exchange itself. False if the ring has no room."""
        if self.commands.claim(1) == 0:
            return False
        c: cython.pointer[Command] = cython.cast(cython.pointer[Command], self.commands.claimed(0))
        self.decoder.start(c, kind, owner, now_ns + self.clock_offset_ns)
        c.order_id = cython.cast(u64, owner) << ORDER_ID_SHIFT
        c.instrument = instrument
        c.flags = flags
        c.tag = tag
        self.commands.commit(1)
        return True

    def _begin_cancels(self, now_ns):
        """Issue the queued mass cancels, of owners that disconnected or whose orders must be cancelled for other
        reasons.

        If the owner's own mass cancel is still in progress, it must be done first.
        """
        _: u32
        for _ in range(min(self.sessions.cancels_due.count, cython.cast(u32, BEGINNINGS))):
            owner: u32 = self.sessions.cancels_due.pop()
            s: cython.pointer[Session] = cython.address(self.sessions.sessions[owner])
            if s.waits_for > self.answered or not self._command(
                MASS_CANCEL, owner, ALL_INSTRUMENTS, s.cancel_due, FIRST_PART, now_ns
            ):
                self.sessions.cancels_due.push(owner)
                continue
            s.cancel_due = 0
            self.sessions.wait_for(s, self.decoder.sequence)

    def _continue_cancels(self, now_ns):
        """Issue the next part of one unfinished mass cancel; the unfinished ones alternate."""
        if self.unfinished.count == 0:
            return
        owner: u32 = self.unfinished.pop()
        if self._command(CONTINUE, owner, 0, 0, PART, now_ns):
            self.sessions.wait_for(cython.address(self.sessions.sessions[owner]), self.decoder.sequence)
        else:
            self.unfinished.push(owner)

    def _queue_unfinished(self, owner):
        """A part of this owner's mass cancel is done, and it was not the last one."""
        self.sessions.wait_for(cython.address(self.sessions.sessions[owner]), NEVER)
        self.unfinished.push(owner)

    def _resume(self, now_ns):
        """Decode what clients sent after a MassCancel that is now complete."""
        _: u32
        for _ in range(self.sessions.resuming.count):
            owner: u32 = self.sessions.resuming.pop()
            s: cython.pointer[Session] = cython.address(self.sessions.sessions[owner])
            s.resumes = 0
            if s.state != ACTIVE or s.logout_after != 0 or self.stop_ns != 0:
                continue
            n_bytes: u64 = s.partial_bytes + s.held_bytes
            if self.sessions.waits(s, self.answered) or self.commands.claim(n_bytes // 16 + 4) * 16 < n_bytes:
                s.resumes = 1
                self.sessions.resuming.push(owner)
                continue
            self._decode(owner, s, self.sessions.take_held(s, self.buffer), now_ns)

    def _serve(self, owner, what):
        """Handle the events of one connection."""
        s: cython.pointer[Session] = cython.address(self.sessions.sessions[owner])
        if what & EPOLLOUT and s.state != ABSENT:
            s.waiting = 0
            self.sessions._watch(s, owner)
            self.sessions.mark(owner, s)
        if what & ~EPOLLOUT == 0 or s.state == ABSENT:
            return
        if s.state != ACTIVE or s.logout_after != 0:
            self._ignore(owner, s)
            return
        s.received_ns = self.last_ns  # there is data, even if the ring has no room for it
        # Messages after a mass cancel wait until it is complete.
        if self.stop_ns == 0 and s.held_bytes == 0 and not self.sessions.waits(s, self.answered):
            self._read(owner, s)

    def _read(self, owner, s):
        """Read from a client's socket; the kernel keeps the rest.

        Reads little at a time, so that the commands read first are matched soon, and more from a client that always has
        more data, where the number of system calls matters. Never reads more than the ring has room for.
        """
        limit: u64 = cython.cast(u64, READ_BYTES) << min(s.full_reads // FULL_READS, cython.cast(u32, DOUBLINGS))
        slots: u64 = self.commands.claim(limit // 16 + 4)
        if slots < 8:
            self.ring_full += 1
            return
        kept: u64 = s.partial_bytes
        most: u64 = min(slots * 16 - kept, limit)
        memcpy(self.buffer, s.partial, kept)
        n_bytes: cython.Py_ssize_t = recv(s.fd, self.buffer + kept, most, MSG_DONTWAIT)
        if n_bytes <= 0:
            if n_bytes == 0 or (errno != EAGAIN and errno != EINTR):
                self.sessions.drop(owner, NO_REASON)
            return
        s.full_reads = s.full_reads + 1 if cython.cast(u64, n_bytes) == most else 0
        self.received_bytes += n_bytes
        self._decode(owner, s, kept + n_bytes, monotonic_ns())

    def _decode(self, owner, s, n_bytes, now_ns):
        """Decode the messages in the buffer. The ring has one free slot for each 16 bytes."""
        used: u64 = self.decoder.decode(
            s, owner, self.buffer, n_bytes, self.commands.slots, self.commands.producer.tail, self.commands.mask,
            now_ns, now_ns + self.clock_offset_ns,
        )  # fmt: skip
        if self.decoder.written != 0:
            self.commands.commit(self.decoder.written)
        if self.decoder.reason == CLIENT_LOGOUT:
            self.sessions.begin_logout(owner, s, self.decoder.sequence)
            return
        if self.decoder.reason != NO_REASON:
            self.sessions.end(owner, self.decoder.reason, now_ns)
            return
        if s.waits_for > self.answered:
            if not self.sessions.hold(owner, s, self.buffer + used, n_bytes - used):
                self.sessions.drop(owner, NO_REASON)
            return
        s.partial_bytes = n_bytes - used
        memcpy(s.partial, self.buffer + used, n_bytes - used)

    def _ignore(self, owner, s):
        """Discard what a client sends after its Logout.

        Unread data would reset the connection and lose its last reports.
        """
        n_bytes: cython.Py_ssize_t = recv(s.fd, self.buffer, BUFFER_BYTES, MSG_DONTWAIT)
        if n_bytes == 0 and s.state == ACTIVE:
            return  # it has closed its side and waits for its last reports
        if n_bytes == 0 or (n_bytes < 0 and errno != EAGAIN and errno != EINTR):
            self.sessions.drop(owner, s.reason if s.state != ACTIVE else CLIENT_LOGOUT)

    # ------------------------------------------------------------------ out

    def _match_and_route(self, now_ns):
        """Match commands, route reports and send datagrams until nothing is left, at most ROUNDS times."""
        work: u64 = 0
        rounds: u32 = 0
        while rounds < ROUNDS:
            rounds += 1
            done: u64 = 0
            if self.shared:
                done = self.matcher.step()
            done += self.router.step(self._answerable())
            if done == 0:
                break
            work += done
            self.answered += self.router.commands
            i: u64
            for i in range(self.router.unfinished_count):
                self._queue_unfinished(self.router.unfinished[i])
            if self.router.commands != 0:
                self.publisher.step(now_ns)
                self._record(monotonic_ns() + self.clock_offset_ns)
        self.publisher.step(now_ns)
        if self._holds_reports():
            self._request_sync()
        return work

    def _record(self, sent_ns):
        """Record the latency of the commands just routed, whose reports have been sent."""
        i: u64
        for i in range(self.router.arrivals):
            arrival: cython.pointer[Arrival] = cython.address(self.router.arrived[i])
            kind: cython.int
            for kind in range(KINDS):
                if arrival.commands[kind] != 0:
                    self.tick_to_trade.add(kind, sent_ns - arrival.timestamp, arrival.commands[kind])

    def _answerable(self):
        """How many more commands may be answered now, according to the journal."""
        if not self.journaled:
            return NEVER
        if self._failed():
            return 0
        return self.journal.synced() - self.answered if self.durable else NEVER

    def _failed(self):
        """Has the journal failed? Then no command is read or answered any more."""
        return self.journaled and self.journal.failed()

    def _give_up(self, count):
        """The journal failed: close all connections, also new ones, without a message.

        Returns whether this is the first call.
        """
        work: u64 = not self.gave_up
        self.gave_up = True
        while self.sessions.connected_count != 0:
            self.sessions.drop(self.sessions.connected[self.sessions.connected_count - 1], NO_REASON)
        requests: u64 = self.requests.peek(self.requests.capacity)
        i: u64
        for i in range(requests):
            request: cython.pointer[Request] = cython.cast(cython.pointer[Request], self.requests.peeked(i))
            if request.kind == REQUEST_ADMIT:
                close(request.fd)
        if requests != 0:
            self.requests.release(requests)
        n: cython.int
        for n in range(count):
            if self.ready[n].number == WAKE:
                woken: u64
                read(self.wake_fd, cython.address(woken), 8)
        return work

    # ------------------------------------------------------------------ time

    def _tick(self, now_ns):
        self.next_tick_ns = now_ns + TICK_NS
        self.sessions.tick(self.answered, now_ns, self.read_until_ns)
        self.sessions.flush_all(now_ns)

    def _continue_stop(self, now_ns):
        """Log out each client after all its reports are sent; the stop is complete when all clients are gone.

        Clients that have not read everything when ``drain_timeout_ms`` is over are disconnected.
        """
        late: cython.bint = now_ns - self.stop_ns > self.drain_ns
        drained: cython.bint = (
            self.answered == self.decoder.sequence
            and self.sessions.cancels_due.count + self.unfinished.count == 0
            and self.publisher.next == self.publisher.store.newest()
        )
        if not drained and not late:
            return
        place: u32 = self.sessions.connected_count
        while place > 0:
            place -= 1
            owner: u32 = self.sessions.connected[place]
            s: cython.pointer[Session] = cython.address(self.sessions.sessions[owner])
            if late:
                self.sessions.drop(owner, SHUTDOWN)
            elif s.state == ACTIVE and self.sessions.unsent(s) == 0:
                self.sessions.end(owner, SHUTDOWN, now_ns)
        if drained and self.sessions.connected_count == 0 and load_u32(cython.address(self.stopped), ACQUIRE) == 0:
            self.publisher.finish(now_ns)
            store(cython.address(self.stopped), 1, RELEASE)


def figures(interval, latencies):
    """Percentiles over all kinds of commands, by name."""
    values = latencies.all().percentiles((50, 90, 99, 99.9, 99.99, 100))
    names = ("p50", "p90", "p99", "p99.9", "p99.99", "max")
    return {f"{interval}_{name}_ns": value for name, value in zip(names, values, strict=True)}


def clock_offset():
    """Offset from the monotonic clock to ns since 1970. Read once, so that timestamps never go back."""
    return clock_offset_ns()
