# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The gateway's thread: everything between the sockets of logged-in clients and the engine's rings, without the GIL.

One turn: the next part of a mass cancel; what the control thread asks for; messages from clients into the ring of
commands; reports from the ring of reports to the streams and the feed; datagrams out; each client's own when nothing
more has come, or after a moment; and every 20 ms what time brings. With ``shared`` threading the matcher takes its
turns in between, in the same thread: on two cores that is the quickest, because no thread has to be scheduled first.

With a journal, what a report promises holds before the report leaves: where that takes a sync, reports are held back in
their ring until the syncer has said that their commands are on the disk. After a failure of the journal nothing leaves.
"""

from __future__ import annotations

import os

import cython

if cython.compiled:
    from cython.cimports.libc.string import memcpy, memset

    #: The most orders that the first command of a mass cancel looks at, and each that goes on with it.
    PARTS = (FIRST_PART, PART)


@cython.final
@cython.cclass
class Gateway:
    """``run`` is for a thread of its own; ``request`` and ``take_events`` for one other, the control thread."""

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
        self.last_ns = self.heard_all_ns = self.round_ns = self.round_left = 0
        self.turns = self.received_bytes = self.ring_full = 0
        self.router.start_counting()
        self.answered = self.decoder.sequence
        self.unfinished = OwnerQueue()
        for owner in self.matcher.engine.unfinished():  # what a crash or a stop came between
            self._leave_unfinished(owner)
        self.wanted = NEVER
        self.stopped = self.ended = 0
        self.buffer = cython.cast(cython.pointer[u8], reserve(BUFFER_BYTES + MAX_MESSAGE))
        if not self.buffer:
            raise MemoryError("no room for what clients send")
        event: epoll_event
        event.events = EPOLLIN
        event.number = WAKE
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, cython.address(event))

    def __dealloc__(self):
        release(self.buffer, BUFFER_BYTES + MAX_MESSAGE)

    def answer_for(self, journal, durable):
        """Stop when this journal, a ``Writer``, has failed. ``durable``: tell of no command before it is on the disk.

        Before ``run``.
        """
        self.journal = journal
        self.journaled = True
        self.durable = durable

    # ------------------------------------------------------------------ for the control thread

    def admit(self, fd, owner, flags, next_sequence):
        """Hand over the connection of a client that has proved who it is. False: too many wait, try again."""
        return self._ask(REQUEST_ADMIT, owner, fd, flags, next_sequence, 0, 0)

    def set_state(self, instrument, state):
        """Open or halt an instrument. False: too many requests wait, try again."""
        return self._ask(REQUEST_STATE, 0, -1, 0, 0, instrument, state)

    def remove(self, owner, session_reason, cancel_reason):
        """End an owner's session, unless ``session_reason`` is 0, and cancel its orders, unless ``cancel_reason`` is 0.

        False: too many requests wait, try again.
        """
        return self._ask(REQUEST_OWNER, owner, -1, cancel_reason, 0, 0, session_reason)

    def progress(self):
        """Sequences of the last command that was taken, and of the last that is answered. From any thread."""
        return self.decoder.sequence, self.answered

    def is_done(self, owner):
        """Are the requests taken that were made, and is no mass cancel of this owner due or under way?"""
        return len(self.requests) == 0 and not self.sessions.is_cancelling(owner, self.answered)

    def begin_stop(self):
        """Take no more orders; send everything; take leave of every client."""
        return self._ask(REQUEST_STOP, 0, -1, 0, 0, 0, 0)

    def _ask(self, kind, owner, fd, flags, next_sequence, instrument, state):
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
        """What happened to sessions since the last call: (kind, owner, reason, timestamp in ns, next sequence) each."""
        found = []
        count: u64 = self.events.peek(self.events.capacity)
        i: u64
        for i in range(count):
            event: cython.pointer[Event] = cython.cast(cython.pointer[Event], self.events.peeked(i))
            found.append((event.kind, event.owner, event.reason, event.timestamp, event.next_sequence))
        self.events.release(count)
        return found

    def stats(self):
        """Counts since the start, by name."""
        return {
            "commands": self.decoder.sequence,
            "unanswered": max(0, cython.cast(i64, self.decoder.sequence - self.answered)),
            "refused": self.decoder.refused,
            "reports": self.router.routed,
            "feed_next_sequence": self.publisher.store.newest(),
            "feed_calls": self.publisher.calls,
            "feed_datagrams": self.publisher.datagrams,
            "feed_bytes": self.publisher.sent_bytes,
            "feed_unsent": self.publisher.unsent,
            "sessions": self.sessions.connected_count,
            "cut_off": self.sessions.cut_off,
            "sent_bytes": self.sessions.sent_bytes,
            "received_bytes": self.received_bytes,
            "commands_in_ring": len(self.commands),
            "reports_in_ring": len(self.router.reports),
            "ring_full": self.ring_full,
            "turns": self.turns,
            **figures("match", self.matcher.match),
            **figures("tick_to_trade", self.tick_to_trade),
        }

    @property
    def is_stopped(self):
        """True when a stop is through."""
        return load_u32(cython.address(self.stopped), ACQUIRE) == 1

    def end(self):
        """Let ``run`` return. From any thread."""
        store(cython.address(self.ended), 1, RELEASE)
        os.eventfd_write(self.wake_fd, 1)

    # ------------------------------------------------------------------ the thread

    def run(self):
        """Turn after turn, until ``end``."""
        with cython.nogil:
            self._run()

    def turn(self, timeout_ms=0):
        """One turn, for tests: how much was done."""
        return self.step(timeout_ms)

    def _run(self):
        idle_turns: u64 = 0
        while load_u32(cython.address(self.ended), ACQUIRE) == 0:
            if self.step(self._patience(idle_turns)) != 0:
                idle_turns = 0
            else:
                idle_turns += 1

    def _patience(self, idle_turns):
        """How long to wait for sockets, in ms: not at all while anything is under way but the journal."""
        if idle_turns == 0:
            return 0
        if self.gave_up:
            return TICK_NS // 1_000_000
        if self._waits_for_journal():
            if not self.sleeps:
                self.idle.step(idle_turns)
            return SYNC_MS if self.sleeps else 0
        if self.answered != self.decoder.sequence or not self.idle.step(idle_turns):
            return 0
        return TICK_NS // 1_000_000

    def _waits_for_journal(self):
        """Is there nothing to do before the journal has come on?"""
        return self._holds_back() or (self.matcher.starved and self.router.reports.peek(1) == 0)

    def _holds_back(self):
        """Is there a report that waits for a sync alone?"""
        return self.durable and self._may_answer() == 0 and self.router.reports.peek(1) != 0

    def _want_sync(self):
        """Let the syncer know, once for each that it makes. It wakes this thread when it is through."""
        synced: u64 = self.journal.synced()
        if self.wanted != synced:
            self.wanted = synced
            self.journal.want()

    def step(self, timeout_ms):
        """One turn, which may wait so long for something to come. Returns how much was done."""
        count: cython.int = epoll_wait(self.epoll_fd, self.ready, EVENTS, timeout_ms)
        now_ns: u64 = monotonic_ns()
        self.turns += 1
        self._note_heard(count, now_ns)
        if self._failed():
            return self._give_up(count)
        self._begin_cancels(now_ns)
        self._go_on_cancelling(now_ns)
        work: u64 = self._take_requests(now_ns)
        self._resume(now_ns)
        n: cython.int
        for n in range(count):
            # Another comes first each time, so that nobody is always behind those who fill the ring.
            i: u64 = (self.turns + n) % cython.cast(u64, count)
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
        # The feed comes first: while clients keep sending, their answers wait a little for company.
        if count == 0 or now_ns - self.flushed_ns >= FLUSH_NS:
            work += self.sessions.flush_all(now_ns)
            self.flushed_ns = now_ns
        if self.sessions.parting_count != 0:
            self.sessions.let_part(self.answered, now_ns)
        if now_ns >= self.next_tick_ns:
            self._tick(now_ns)
        if self.stop_ns != 0:
            self._go_on_stopping(now_ns)
        return work

    def _note_heard(self, count, now_ns):
        """Of each session, what came before a certain time is read when this iteration is through: note that time.

        It is the time of the last iteration, which was before this one asked epoll what came. If more sockets are ready
        than fit into one answer, epoll gives those first that it gave longest ago, so it takes a round of several.
        """
        if 0 <= count < EVENTS:
            self.heard_all_ns = self.last_ns
            self.round_left = 0
        elif count == EVENTS:
            if self.round_left == 0:
                self.round_ns = self.last_ns
                self.round_left = self.sessions.connected_count // EVENTS + 1
            self.round_left -= 1
            if self.round_left == 0:
                self.heard_all_ns = self.round_ns
        self.last_ns = now_ns  # with an error, as of a process that was stopped meanwhile, nothing was asked

    # ------------------------------------------------------------------ in

    def _take_requests(self, now_ns):
        """What the control thread asks for. A request that finds no room for its command waits for the next turn."""
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
        elif request.kind == REQUEST_STATE:
            return self._command(SET_STATE, 0, request.instrument, request.state, 0, now_ns)
        elif request.kind == REQUEST_OWNER:
            self.sessions.remove(request.owner, request.state, request.flags, now_ns)
        elif request.kind == REQUEST_STOP and self.stop_ns == 0:
            self.stop_ns = now_ns
            self.sessions.cancel_on_disconnect = False
        return True

    def _command(self, kind, owner, instrument, flags, tag, now_ns):
        """A command of the exchange itself. False when the ring has no room."""
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
        """Begin to cancel the orders of owners who left, or whose orders must go for another reason.

        Of an owner whose own mass cancel goes on it begins when that is done.
        """
        _: u32
        for _ in range(min(self.sessions.leaving.count, cython.cast(u32, BEGINNINGS))):
            owner: u32 = self.sessions.leaving.pop()
            s: cython.pointer[Session] = cython.address(self.sessions.sessions[owner])
            if s.waits_for > self.answered or not self._command(
                MASS_CANCEL, owner, ALL_INSTRUMENTS, s.cancel_due, FIRST_PART, now_ns
            ):
                self.sessions.leaving.push(owner)
                continue
            s.cancel_due = 0
            self.sessions.wait_for(s, self.decoder.sequence)

    def _go_on_cancelling(self, now_ns):
        """The next part of one of the mass cancels that are unfinished, which take turns."""
        if self.unfinished.count == 0:
            return
        owner: u32 = self.unfinished.pop()
        if self._command(CONTINUE, owner, 0, 0, PART, now_ns):
            self.sessions.wait_for(cython.address(self.sessions.sessions[owner]), self.decoder.sequence)
        else:
            self.unfinished.push(owner)

    def _leave_unfinished(self, owner):
        """A part of the mass cancel of this owner is done, and not the last."""
        self.sessions.wait_for(cython.address(self.sessions.sessions[owner]), NEVER)
        self.unfinished.push(owner)

    def _resume(self, now_ns):
        """Take what clients sent behind a MassCancel, where that is done."""
        _: u32
        for _ in range(self.sessions.resuming.count):
            owner: u32 = self.sessions.resuming.pop()
            s: cython.pointer[Session] = cython.address(self.sessions.sessions[owner])
            s.resumes = 0
            if s.state != ACTIVE or s.parts_after != 0 or self.stop_ns != 0:
                continue
            n_bytes: u64 = s.partial_bytes + s.held_bytes
            if self.sessions.waits(s, self.answered) or self.commands.claim(n_bytes // 16 + 4) * 16 < n_bytes:
                s.resumes = 1
                self.sessions.resuming.push(owner)
                continue
            self._decode(owner, s, self.sessions.take_held(s, self.buffer), now_ns)

    def _serve(self, owner, what):
        """Something happened to a connection."""
        s: cython.pointer[Session] = cython.address(self.sessions.sessions[owner])
        if what & EPOLLOUT and s.state != ABSENT:
            s.waiting = 0
            self.sessions._watch(s, owner)
            self.sessions.mark(owner, s)
        if what & ~EPOLLOUT == 0 or s.state == ABSENT:
            return
        if s.state != ACTIVE or s.parts_after != 0:
            self._ignore(owner, s)
            return
        s.heard_ns = self.last_ns  # it has spoken, whether or not there is room to read it
        # What comes behind a mass cancel waits for the end of that.
        if self.stop_ns == 0 and s.held_bytes == 0 and not self.sessions.waits(s, self.answered):
            self._read(owner, s)

    def _read(self, owner, s):
        """Take some of what a client sent; the rest stays with the system, and comes in its turn.

        Little at a time, so that what was taken first is matched soon; more from a client that is always ahead, for
        whom it is the number of calls that counts. Never more than the ring has room for.
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
        """Take the messages in the buffer, for each 16 bytes of which the ring has a slot."""
        used: u64 = self.decoder.decode(
            s, owner, self.buffer, n_bytes, self.commands.slots, self.commands.producer.tail, self.commands.mask,
            now_ns, now_ns + self.clock_offset_ns,
        )  # fmt: skip
        if self.decoder.written != 0:
            self.commands.commit(self.decoder.written)
        if self.decoder.reason == CLIENT_LOGOUT:
            self.sessions.part(owner, s, self.decoder.sequence)
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
        """Throw away what a client sends behind its last message, so that no reset destroys what it is still to get."""
        n_bytes: cython.Py_ssize_t = recv(s.fd, self.buffer, BUFFER_BYTES, MSG_DONTWAIT)
        if n_bytes == 0 and s.state == ACTIVE:
            return  # it will send no more, and waits for its answers
        if n_bytes == 0 or (n_bytes < 0 and errno != EAGAIN and errno != EINTR):
            self.sessions.drop(owner, s.reason if s.state != ACTIVE else CLIENT_LOGOUT)

    # ------------------------------------------------------------------ out

    def _match_and_route(self, now_ns):
        """Until nothing is left, within limits: commands through the books, reports on their way, datagrams out."""
        work: u64 = 0
        rounds: u32 = 0
        while rounds < ROUNDS:
            rounds += 1
            done: u64 = 0
            if self.shared:
                done = self.matcher.step()
            done += self.router.step(self._may_answer())
            if done == 0:
                break
            work += done
            self.answered += self.router.commands
            i: u64
            for i in range(self.router.unfinished_count):
                self._leave_unfinished(self.router.unfinished[i])
            if self.router.commands != 0:
                self.publisher.step(now_ns)
                self._record(monotonic_ns() + self.clock_offset_ns)
        self.publisher.step(now_ns)
        if self._holds_back():
            self._want_sync()
        return work

    def _record(self, sent_ns):
        """The commands just routed: what they made is sent."""
        i: u64
        for i in range(self.router.arrivals):
            arrival: cython.pointer[Arrival] = cython.address(self.router.arrived[i])
            kind: cython.int
            for kind in range(KINDS):
                if arrival.commands[kind] != 0:
                    self.tick_to_trade.add(kind, sent_ns - arrival.timestamp, arrival.commands[kind])

    def _may_answer(self):
        """How many more commands may be answered now, for all that the journal says."""
        if not self.journaled:
            return NEVER
        if self._failed():
            return 0
        return self.journal.synced() - self.answered if self.durable else NEVER

    def _failed(self):
        """Has the journal? Then nothing is read or answered any more."""
        return self.journaled and self.journal.failed()

    def _give_up(self, count):
        """The journal failed: let everybody go, those too who only come, and say nothing. Returns whether it is new."""
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
        self.sessions.tick(self.answered, now_ns, self.heard_all_ns)
        self.sessions.flush_all(now_ns)

    def _go_on_stopping(self, now_ns):
        """When all that was taken is answered and sent, take leave of each client; when all are gone, that is it.

        Who has not taken everything when the time is over is cut off.
        """
        late: cython.bint = now_ns - self.stop_ns > self.drain_ns
        drained: cython.bint = (
            self.answered == self.decoder.sequence
            and self.sessions.leaving.count + self.unfinished.count == 0
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
    """Percentiles of all kinds of command together, by name."""
    values = latencies.all().percentiles((50, 90, 99, 99.9, 99.99, 100))
    names = ("p50", "p90", "p99", "p99.9", "p99.99", "max")
    return {f"{interval}_{name}_ns": value for name, value in zip(names, values, strict=True)}


def clock_offset():
    """What makes the gateway's clock count from 1970: taken once, so that it never goes back."""
    return clock_offset_ns()
