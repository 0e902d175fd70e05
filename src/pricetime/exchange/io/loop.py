"""The event loop: the one thread that carries orders, without the GIL.

One iteration: issue parts of mass cancels and expiries, and indicative prices; execute requests of the control thread;
read and decode messages of clients into the sequencer; append the commands to the log, execute them, and route their
reports to the owners' streams and to the feed; send the feed's datagrams; send to clients, at once if no more messages
are waiting, otherwise after at most FLUSH_NS; every 20 ms, check timers.

A report is routed only after the log's watermark for the acknowledgement level has reached its command: until then it
waits in the matcher, while later commands are executed. After a failure of the log, nothing is sent. If the log makes
no progress for ``busy_after_ms``, the decoder refuses new orders, and the heartbeats of the feed say so, until it does
again.
"""

from __future__ import annotations

import cython

from pricetime.exchange.io.connections import Connections
from pricetime.exchange.io.expiries import Expiries
from pricetime.exchange.io.inbound import Inbound
from pricetime.exchange.io.issuer import Issuer
from pricetime.exchange.io.phases import Phases
from pricetime.exchange.io.publisher import Publisher
from pricetime.exchange.io.timing import Timing
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.state.machine import Machine
from pricetime.log.commit_log import CommitLog
from pricetime.ring.idle import Idle

#: Iterations without work before the loop gives up its processor.
EAGER_ITERATIONS = 999


@cython.final
@cython.cclass
class EventLoop:
    """Runs ``machine``; ``run`` needs its own thread."""

    if not cython.compiled:
        ready = cython.NULL

    def __init__(
        self,
        settings: GatewayConfig,
        machine: Machine,
        log: CommitLog,
        connections: Connections,
        inbound: Inbound,
        publisher: Publisher,
        timing: Timing,
    ) -> None:
        self.sequencer, self.matcher, self.router = machine.sequencer, machine.matcher, machine.router
        self.log = log
        self.connections = connections
        self.channel, self.mass_cancels = connections.channel, connections.mass_cancels
        phases = machine.phases()
        self.issuer = Issuer(self.sequencer, self.matcher)
        self.phases = Phases(phases, self.issuer, settings.indicative_interval_ms * 1_000_000)
        self.expiries = Expiries(
            phases, self.matcher, self.issuer, self.channel, settings.expiry_interval_ms * 1_000_000
        )
        self.inbound, self.decoder = inbound, inbound.decoder
        self.publisher = publisher
        self.timing = timing
        self.epoll_fd = connections.epoll_fd
        self.idle = Idle(settings.idle.value, spins=1, pauses=EAGER_ITERATIONS, yields=0)
        self.sleeps = settings.idle == "block"
        self.drain_ns = settings.drain_timeout_ms * 1_000_000
        self.clock_offset_ns = self.channel.clock_offset_ns
        self.router.start_counting()
        self.starved = self.gave_up = False
        self.wanted = self.reached = NEVER
        self.busy_after_ns = settings.busy_after_ms * 1_000_000
        self.progress_ns = self.noted_ns = 0
        self.phase_changes = 0
        self.next_tick_ns = self.stop_ns = self.flushed_ns = 0
        self.last_ns = self.read_until_ns = self.round_ns = self.round_left = 0
        self.iterations = 0
        self.stopped = self.ended = 0
        event: epoll_event
        event.events = EPOLLIN
        event.number = WAKE
        epoll_ctl(self.epoll_fd, EPOLL_CTL_ADD, self.channel.wake_fd, cython.address(event))

    # ------------------------------------------------------------------ from any thread

    def progress(self) -> tuple[int, int]:
        """Sequence numbers of the last command received and of the last command answered."""
        return self.sequencer.sequence, self.sequencer.answered

    def is_done(self, owner: int) -> bool:
        """True if all requests have been executed and this owner has no pending mass cancel."""
        return len(self.channel.requests) == 0 and not self.mass_cancels.is_pending(owner)

    @property
    def waiting(self) -> tuple[int, int]:
        """Number of commands that wait to be executed, and of reports that wait to be routed."""
        return self.sequencer.sequence - self.sequencer.executed, self.matcher.count - self.matcher.routed

    @property
    def is_stopped(self) -> bool:
        """True after a stop is complete."""
        return load_u32(cython.address(self.stopped), ACQUIRE) == 1

    def end(self) -> None:
        """Make ``run`` return."""
        store(cython.address(self.ended), 1, RELEASE)
        self.channel.wake()

    # ------------------------------------------------------------------ the thread

    def run(self) -> None:
        """Iterate until ``end``."""
        with cython.nogil:
            self._run()

    def iterate(self, timeout_ms: int = 0) -> int:
        """One iteration, for tests. Returns the amount of work done."""
        return self.step(timeout_ms)

    def _run(self) -> None:
        idle_iterations: u64 = 0
        while load_u32(cython.address(self.ended), ACQUIRE) == 0:
            if self.step(self._wait_ms(idle_iterations)) != 0:
                idle_iterations = 0
            else:
                idle_iterations += 1

    def _wait_ms(self, idle_iterations: u64) -> cython.int:
        """How long to wait for sockets, in ms. 0 while there is work that does not depend on the log."""
        if idle_iterations == 0:
            return 0
        if self.gave_up:
            return TICK_NS // 1_000_000
        if self._waits_for_log():
            if not self.sleeps:
                self.idle.step(idle_iterations)
            return PROGRESS_MS if self.sleeps else 0
        if self.sequencer.answered != self.sequencer.sequence or not self.idle.step(idle_iterations):
            return 0
        return TICK_NS // 1_000_000

    def step(self, timeout_ms: cython.int) -> u64:
        """One iteration, which waits up to ``timeout_ms`` for events. Returns the amount of work done."""
        count: cython.int = epoll_wait(self.epoll_fd, self.ready, EVENTS, timeout_ms)
        now_ns: u64 = monotonic_ns()
        self.iterations += 1
        self._note_read(count, now_ns)
        if self.log.has_failed():
            return self._give_up(count)
        if self.sequencer.answered == self.sequencer.sequence:
            self.sequencer.rewind()
        self.mass_cancels.begin(now_ns + self.clock_offset_ns)
        self.mass_cancels.proceed(now_ns + self.clock_offset_ns)
        if self.stop_ns == 0:
            self.expiries.proceed(now_ns, now_ns + self.clock_offset_ns)
            self.phases.indicate(now_ns, now_ns + self.clock_offset_ns)
        work: u64 = self._take_requests(now_ns)
        if self.stop_ns == 0:
            self.inbound.resume(now_ns)
        n: cython.int
        for n in range(count):
            # Each iteration begins with a different client, so that busy clients cannot always fill the ring first.
            i: u64 = (self.iterations + n) % cython.cast(u64, count)
            owner: u32 = self.ready[i].number
            if owner == WAKE:
                self._empty_wake()
            else:
                self.inbound.serve(owner, self.ready[i].events, now_ns, self.stop_ns == 0)
                if self.sequencer.sequence - self.sequencer.answered >= WAITING:
                    work += self._execute_and_route(now_ns)
            work += 1
        work += self._execute_and_route(now_ns)
        if self.busy_after_ns != 0:
            self._note_progress(now_ns)
        # The feed is sent first. While messages keep arriving, replies to clients are sent together every FLUSH_NS.
        if count == 0 or now_ns - self.flushed_ns >= FLUSH_NS:
            work += self.connections.flush_all(now_ns)
            self.flushed_ns = now_ns
        if self.connections.logging_out_count != 0:
            self.connections.answer_logouts(now_ns)
        if now_ns >= self.next_tick_ns:
            self.next_tick_ns = now_ns + TICK_NS
            self.connections.tick(now_ns, self.read_until_ns)
        if self.stop_ns != 0:
            self._continue_stop(now_ns)
        return work

    def _note_read(self, count: cython.int, now_ns: u64) -> None:
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
                self.round_left = self.connections.count // EVENTS + 1
            self.round_left -= 1
            if self.round_left == 0:
                self.read_until_ns = self.round_ns
        self.last_ns = now_ns  # if epoll failed (count < 0), for example with EINTR, it has reported nothing

    def _empty_wake(self) -> None:
        woken: u64
        read(self.channel.wake_fd, cython.address(woken), 8)

    # ------------------------------------------------------------------ in

    def _take_requests(self, now_ns: u64) -> u64:
        """Execute requests of the control thread.

        A request without room for its command waits for the next iteration.
        """
        self.channel.list_orders(self.matcher)
        count: u64 = self.channel.waiting()
        done: u64 = 0
        while done < count and self._take_request(self.channel.request(done), now_ns):
            done += 1
        self.channel.release(done)
        return done

    def _take_request(self, request: cython.pointer[Request], now_ns: u64) -> cython.bint:
        owner: u32 = request.owner
        if request.kind == REQUEST_ADMIT:
            self.connections.admit(owner, request.fd, request.flags, request.next_sequence, now_ns)
        elif request.kind == REQUEST_COMMAND:
            return self._take_command(request, now_ns + self.clock_offset_ns)
        elif request.kind == REQUEST_OWNER:
            if request.state != NO_REASON:
                self.connections.end(owner, request.state, now_ns)
            if request.flags != 0:
                self.mass_cancels.request(owner, request.flags, 0)
        elif request.kind == REQUEST_STOP and self.stop_ns == 0:
            self.stop_ns = now_ns
            self.connections.begin_stop()
        return True

    def _take_command(self, request: cython.pointer[Request], timestamp: u64) -> cython.bint:
        if request.state == EXPIRE:
            self.expiries.request(request.instrument, request.number)
            return True
        return self.issuer.issue(
            request.state,
            request.instrument,
            request.flags,
            0,
            request.price,
            request.due_ns,
            timestamp,
            request.number,
        )

    # ------------------------------------------------------------------ commands and reports

    def _execute_and_route(self, now_ns: u64) -> u64:
        """Execute commands, route reports and send datagrams until nothing is left, at most ROUNDS times."""
        work: u64 = 0
        _: u32
        for _ in range(cython.cast(u32, ROUNDS)):
            done: u64 = self._execute()
            done += self._route(now_ns)
            if done == 0:
                break
            work += done
        self.publisher.step(now_ns)
        if self._holds_reports():
            watermark: u64 = self.log.watermark(self.log.level)
            if self.wanted != watermark:  # once for each progress, of which the log wakes this thread
                self.wanted = watermark
                self.log.want()
        return work

    def _execute(self) -> u64:
        """Append a batch of commands to the log, and execute what it took. Returns their number."""
        count: u64 = self.matcher.ready()
        if count == 0:
            return 0
        if self.matcher.held != 0:
            count = min(self.timing.begin(count), self.matcher.held)
        else:
            count = self.log.append(
                self.sequencer.at(self.sequencer.executed + 1), self.timing.begin(count), self.matcher.books.seq_num,
                self.matcher.report_checksum,
            )  # fmt: skip
            self.starved = count == 0
        if count != 0:
            count = self.matcher.execute_next(count)
            self.timing.end(count)
        return count

    def _route(self, now_ns: u64) -> u64:
        """Route and publish reports of commands that may be answered. Returns the number of reports."""
        if self.sequencer.answered == self.sequencer.executed or self.log.has_failed():
            return 0
        last: u64 = min(self.sequencer.executed, self.log.watermark(self.log.level))
        if last == self.sequencer.answered:
            return 0
        first: u64 = self.sequencer.answered + 1
        place: u64 = self.sequencer.place(first)
        routed: u64 = self.router.routed
        begin: u64 = self.matcher.routed
        count: u64 = self.router.step(
            cython.address(self.sequencer.commands[place]), cython.address(self.sequencer.bounds[place]),
            min(self.sequencer.run_from(first, last), cython.cast(u64, BATCH)),
        )  # fmt: skip
        self.sequencer.answered += count
        self._watch(begin)
        i: u64
        for i in range(self.router.unfinished_count):
            self.mass_cancels.queue_unfinished(self.router.unfinished[i])
        if self.router.full != 0:
            self.connections.make_room(self.router.full, self.router.copies, now_ns)
        self.publisher.step(now_ns)
        if count != 0:
            self.timing.answered(first, count, monotonic_ns() + self.clock_offset_ns)
        return self.router.routed - routed + count + (self.router.full != 0)

    def _watch(self, begin: u64) -> None:
        """Read the reports from ``begin`` on, which are routed: changes of phases, and answers to own commands."""
        counts: cython.pointer[u64] = self.router.counts
        changes: u64 = counts[PHASE_CHANGED * REASONS + NONE] + counts[PHASE_CHANGED * REASONS + OUTSIDE_RANGE]
        if self.phases.collecting != 0 or changes != self.phase_changes:
            self.phase_changes = changes
            self.phases.read(cython.address(self.matcher.block[begin]), self.matcher.routed - begin)
        awaited: cython.pointer[Awaited] = self.issuer.answered()
        while awaited != cython.NULL:
            report: cython.pointer[cython.const[Report]] = self.issuer.report_of(awaited)
            if awaited.kind == EXPIRE:
                self.expiries.finish_part(awaited.instrument, report)
            else:
                self.channel.answer(awaited.number, report, report.quantity)
            self.issuer.release()
            awaited = self.issuer.answered()

    def _note_progress(self, now_ns: u64) -> None:
        """Refuse new orders once something has waited too long for the log, until the log makes progress."""
        if now_ns - self.noted_ns > PAUSE_NS:
            self.progress_ns += now_ns - self.noted_ns  # this process did not run: that says nothing about the log
        self.noted_ns = now_ns
        watermark: u64 = self.log.watermark(self.log.level)
        if watermark != self.reached or not self._waits_for_log():
            self.reached = watermark
            self.progress_ns = now_ns
        self.decoder.busy = self.publisher.busy = now_ns - self.progress_ns >= self.busy_after_ns

    def _waits_for_log(self) -> cython.bint:
        """Is there nothing to do until the log makes progress?"""
        return self._holds_reports() or (self.starved and self.sequencer.answered == self.sequencer.executed)

    def _holds_reports(self) -> cython.bint:
        """Is there a report that waits only for the log?"""
        answered: u64 = self.sequencer.answered
        return answered != self.sequencer.executed and self.log.watermark(self.log.level) == answered

    def _give_up(self, count: cython.int) -> u64:
        """The log failed: close all connections, also new ones, without a message.

        Returns whether this is the first call.
        """
        work: u64 = not self.gave_up
        self.gave_up = True
        self.connections.drop_all()
        requests: u64 = self.channel.waiting()
        i: u64
        for i in range(requests):
            if self.channel.request(i).kind == REQUEST_ADMIT:
                close(self.channel.request(i).fd)
        self.channel.release(requests)
        n: cython.int
        for n in range(count):
            if self.ready[n].number == WAKE:
                self._empty_wake()
        return work

    def _continue_stop(self, now_ns: u64) -> None:
        """Log out each client after all its reports are sent; the stop is complete when all clients are gone.

        Clients that have not read everything when the time for a stop is over are disconnected.
        """
        late: cython.bint = now_ns - self.stop_ns > self.drain_ns
        drained: cython.bint = (
            self.sequencer.answered == self.sequencer.sequence
            and self.mass_cancels.pending() == 0
            and self.publisher.next == self.publisher.store.newest()
        )
        if not drained and not late:
            return
        self.connections.end_all(late, now_ns)
        if drained and self.connections.count == 0 and load_u32(cython.address(self.stopped), ACQUIRE) == 0:
            self.publisher.finish(now_ns)
            store(cython.address(self.stopped), 1, RELEASE)
