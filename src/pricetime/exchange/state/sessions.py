# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The sessions of logged-in clients: each owner's stream of reports, and the connection that carries it.

A stream outlives its connections. Its reports are numbered 1, 2, 3 ... and kept in a ring, from which they are sent and
from which a client resumes after a new login. Session messages, such as a heartbeat or a Logout, are sent between two
reports.

    ABSENT --admit--> ACTIVE --end--> CLOSING --Logout sent--> LINGERING --client closes, or 1 s--> ABSENT
                        |                                                                             ^
                        +-------------------- connection lost, slow reader: drop ---------------------+

A client that sends Logout stays ACTIVE until all its earlier commands are answered; its further messages are ignored.
When an ACTIVE session ends for any reason, the owner's orders are cancelled unless the client asked to keep them. The
throttle's accounts belong to the owner and continue over its sessions, so a new login does not reset them.
"""

from __future__ import annotations

import cython
import numpy as np

from pricetime.errors import SnapshotMismatch
from pricetime.log.snapshot import OWNER
from pricetime.types import REPORT

if cython.compiled:
    from cython.cimports.libc.string import memset


@cython.final
@cython.cclass
class Sessions:
    """All sessions, by owner. ``settings``: a GatewayConfig. Used by the gateway thread only. Raises MemoryError."""

    def __init__(self, settings, epoll_fd, events, clock_offset_ns):
        self.stream_capacity = settings.stream_reports
        self.stream_mask = self.stream_capacity - 1
        self.outbound_bytes = settings.outbound_bytes
        self.heartbeat_ms = settings.heartbeat_ms
        self.timeout_ms = settings.timeout_ms
        self.orders_per_second = settings.orders_per_second
        self.throttle = Throttle(settings)
        self.relogin_delay_ns = settings.relogin_delay_ms * 1_000_000
        self.cancel_on_disconnect = settings.cancel_on_disconnect
        self.most_clients = settings.max_clients
        self.level = 0
        self.epoll_fd = epoll_fd
        self.events = events
        self.clock_offset_ns = clock_offset_ns
        self.connected_count = self.dirty_count = self.logging_out_count = 0
        self.cancels_due, self.resuming = OwnerQueue(), OwnerQueue()
        self.slow_readers = self.sent_bytes = 0
        owners: cython.size_t = OWNERS
        self.sessions = cython.cast(cython.pointer[Session], reserve(owners * cython.sizeof(Session)))
        self.connected = cython.cast(cython.pointer[u32], reserve(owners * cython.sizeof(u32)))
        self.dirty = cython.cast(cython.pointer[u32], reserve(owners * cython.sizeof(u32)))
        self.logging_out = cython.cast(cython.pointer[u32], reserve(owners * cython.sizeof(u32)))
        if not (self.sessions and self.connected and self.dirty and self.logging_out):
            raise MemoryError("no room for sessions")

    def __dealloc__(self):
        owners: cython.size_t = OWNERS
        owner: u32
        while self.spare_count != 0:
            release(self._take_spare(), self.stream_capacity * REPORT_BYTES)
        if self.sessions:
            for owner in range(cython.cast(u32, OWNERS)):
                if self.sessions[owner].stream:
                    release(self.sessions[owner].stream, self.stream_capacity * REPORT_BYTES)
                free(self.sessions[owner].held)
        release(self.sessions, owners * cython.sizeof(Session))
        release(self.connected, owners * cython.sizeof(u32))
        release(self.dirty, owners * cython.sizeof(u32))
        release(self.logging_out, owners * cython.sizeof(u32))

    def prefault(self, streams):
        """Take the memory of ``streams`` streams (at most 64) from the system, for the first owners. Before
        ``Gateway.run``.

        Without it, the first reports of an owner would sometimes wait for a page fault, because a stream is filled from
        its beginning. Raises MemoryError.
        """
        while self.spare_count < min(cython.cast(u32, streams), cython.cast(u32, MOST_SPARES)):
            stream: cython.pointer[Report] = cython.cast(
                cython.pointer[Report], reserve(self.stream_capacity * REPORT_BYTES)
            )
            if not stream:
                raise MemoryError("no room for streams")
            prefault_pages(stream, self.stream_capacity * REPORT_BYTES)
            self.spares[self.spare_count] = stream
            self.spare_count += 1

    def _take_spare(self):
        """Take a preallocated stream from the pool."""
        self.spare_count -= 1
        return self.spares[self.spare_count]

    # ------------------------------------------------------------------ a session begins

    def admit(self, owner, fd, flags, next_sequence, commands, now_ns):
        """Begin a session for a client that has logged in as ``owner``, or reject the login and close the connection.

        ``commands``: sequence number of the last command so far. A client that resumes after a lost connection takes
        the first heartbeat as the sign that it has all reports of its earlier commands, so this heartbeat must not be
        sent before these commands are answered.
        """
        s: cython.pointer[Session] = cython.address(self.sessions[owner])
        if s.next_sequence == 0:
            s.next_sequence = 1
        reason: u32 = self._reject_reason(s, flags, next_sequence, now_ns)
        if reason != NO_REASON:
            self._reject(fd, owner, reason, self.oldest_sequence(s) if reason == SEQUENCE_GONE else 0)
            return False
        if s.state == ACTIVE:
            self.end(owner, SUPERSEDED, now_ns)
        if s.state != ABSENT:
            self.drop(owner, SUPERSEDED)
        self._connect(s, owner, fd, flags, next_sequence, now_ns)
        s.heartbeat_after = NEVER if s.waits_for == NEVER or s.cancel_due else commands
        self._accept(s, owner)
        self._emit_event(EVENT_SESSION_BEGAN, owner, NO_REASON, s.sent_bytes // REPORT_BYTES + 1)
        self.flush(owner, now_ns)  # before a new report can overwrite the oldest one that it asked for
        return True

    def _reject_reason(self, s, flags, next_sequence, now_ns):
        """Why this owner cannot begin a session now; NO_REASON if it can."""
        if now_ns < s.login_allowed_ns or self.throttle.is_exhausted(s, now_ns):
            return LOGIN_TOO_SOON
        if s.state == ABSENT and self.connected_count >= self.most_clients:
            return TOO_MANY_CLIENTS
        if not s.stream and not self._open_stream(s):
            return TOO_MANY_CLIENTS
        if flags & RESUME and not self.oldest_sequence(s) <= next_sequence <= s.next_sequence:
            return SEQUENCE_GONE
        return NO_REASON

    def _reject(self, fd, owner, reason, oldest):
        """Send LoginRejected and close. The send cannot block: a new connection has room for these few bytes."""
        message: LoginRejected
        memset(cython.address(message), 0, cython.sizeof(LoginRejected))
        message.type = LOGIN_REJECTED
        message.reason = reason
        message.owner = owner
        message.oldest_sequence = oldest
        send(fd, cython.address(message), cython.sizeof(LoginRejected), MSG_DONTWAIT | MSG_NOSIGNAL)
        close(fd)
        self._emit_event(EVENT_LOGIN_REFUSED, owner, reason, oldest)

    def _connect(self, s, owner, fd, flags, next_sequence, now_ns):
        s.fd = fd
        s.state = ACTIVE
        s.flags = flags
        s.partial_bytes = s.control_bytes = s.control_sent = 0
        s.waiting = 0
        s.full_reads = 0
        s.logout_after = 0
        s.received_ns = s.last_sent_ns = now_ns
        s.sent_bytes = ((next_sequence if flags & RESUME else s.next_sequence) - 1) * REPORT_BYTES
        s.allowance_bytes = self.outbound_bytes + self.unsent(s)
        s.place = self.connected_count
        self.connected[self.connected_count] = owner
        self.connected_count += 1
        event: epoll_event
        event.events = EPOLLIN
        event.number = owner
        epoll_ctl(self.epoll_fd, EPOLL_CTL_ADD, fd, cython.address(event))

    def _accept(self, s, owner):
        message: cython.pointer[LoginAccepted] = cython.cast(
            cython.pointer[LoginAccepted], self._control(s, cython.sizeof(LoginAccepted))
        )
        message.type = LOGIN_ACCEPTED
        message.level = self.level
        message.flags = s.flags
        message.owner = owner
        message.next_sequence = self._position(s)
        message.oldest_sequence = self.oldest_sequence(s)
        message.heartbeat_ms = self.heartbeat_ms
        message.timeout_ms = self.timeout_ms
        message.orders_per_second = self.orders_per_second
        self.mark(owner, s)

    # ------------------------------------------------------------------ the stream

    def _open_stream(self, s):
        """Get memory for a stream: preallocated if there is some, otherwise new. False if there is no memory."""
        if s.next_sequence == 0:
            s.next_sequence = 1
        if self.spare_count != 0:
            s.stream = self._take_spare()
        else:
            s.stream = cython.cast(cython.pointer[Report], reserve(self.stream_capacity * REPORT_BYTES))
        return s.stream != cython.NULL

    def oldest_sequence(self, s):
        """Number of the oldest report in the stream."""
        oldest: u64 = 1 if s.next_sequence <= self.stream_capacity else s.next_sequence - self.stream_capacity
        return max(oldest, s.kept_from)

    def _position(self, s):
        """Number of the first report that will be sent after a session message queued now."""
        return (s.sent_bytes + REPORT_BYTES - 1) // REPORT_BYTES + 1

    def append(self, owner):
        """The slot of the next report of an owner's stream, with its number set; NULL if the report has no owner (0).

        A stream begins with its first report, even if its owner has never logged in, as in a replay. If there is no
        memory for a stream, its numbers continue and its reports are lost.
        """
        s: cython.pointer[Session] = cython.address(self.sessions[owner])
        if not s.stream and (owner == 0 or not self._open_stream(s)):
            if owner != 0:
                s.next_sequence += 1
                s.kept_from = s.next_sequence
            return cython.NULL
        if s.state != ABSENT and self._is_full(s):
            self.flush(owner, monotonic_ns())  # one iteration may produce more reports than a stream holds
            if s.state != ABSENT and self._is_full(s):
                self.slow_readers += 1  # the next report would overwrite one that it has not read
                self.drop(owner, SLOW_READER)
        report: cython.pointer[Report] = cython.address(s.stream[(s.next_sequence - 1) & self.stream_mask])
        report.seq_num = s.next_sequence
        s.next_sequence += 1
        if not s.dirty:
            self.mark(owner, s)
        return report

    def _is_full(self, s):
        """Would the next report overwrite one that is not sent yet?"""
        return self.unsent(s) + REPORT_BYTES > self.stream_capacity * REPORT_BYTES

    def mark(self, owner, s):
        """Put this session on the list of sessions that have something to send."""
        if not s.dirty and s.state != ABSENT:
            s.dirty = 1
            self.dirty[self.dirty_count] = owner
            self.dirty_count += 1

    # ------------------------------------------------------------------ snapshots

    def dump_streams(self, most):
        """The streams for a snapshot: an array of ``journal.snapshot.OWNER``, and an array of their newest reports.

        ``most``: maximum number of reports of each stream. Owners without a report are left out. O(owners + reports).
        Raises MemoryError.
        """
        limit: u64 = most
        owners: u64 = 0
        reports: u64 = 0
        owner: u32
        for owner in range(1, cython.cast(u32, OWNERS)):
            if self.sessions[owner].next_sequence > 1:
                owners += 1
                reports += self._kept(cython.address(self.sessions[owner]), limit)
        headers: Block = Block((owners + 1) * cython.sizeof(SnapshotOwner))
        block: Block = Block((reports + 1) * REPORT_BYTES)
        with cython.nogil:
            self._write_streams(
                cython.cast(cython.pointer[SnapshotOwner], headers.memory),
                cython.cast(cython.pointer[Report], block.memory),
                limit,
            )
        return headers.array(OWNER, owners), block.array(REPORT, reports)

    def _kept(self, s, most):
        """Number of reports in a stream, at most ``most``."""
        return min(most, s.next_sequence - self.oldest_sequence(s))

    def _write_streams(self, headers, reports, most):
        done: u64 = 0
        count: u64 = 0
        owner: u32
        for owner in range(1, cython.cast(u32, OWNERS)):
            s: cython.pointer[Session] = cython.address(self.sessions[owner])
            if s.next_sequence > 1:
                kept: u64 = self._kept(s, most)
                headers[count].owner = owner
                headers[count].kept = kept
                headers[count].next_sequence = s.next_sequence
                count += 1
                i: u64
                for i in range(s.next_sequence - kept, s.next_sequence):
                    reports[done] = s.stream[(i - 1) & self.stream_mask]
                    done += 1

    def load_streams(self, owners, reports):
        """Load the result of ``dump_streams`` into sessions that have no streams yet. Older reports are lost.

        Raises SnapshotMismatch, and then changes nothing. Raises MemoryError, after which these sessions cannot be
        used.
        """
        self._check_streams(owners, reports)
        headers: cython.pointer[SnapshotOwner] = cython.cast(cython.pointer[SnapshotOwner], records_of(owners))
        source: cython.pointer[Report] = cython.cast(cython.pointer[Report], records_of(reports))
        i: u64
        j: u64
        for i in range(cython.cast(u64, len(owners))):
            s: cython.pointer[Session] = cython.address(self.sessions[headers[i].owner])
            s.next_sequence = headers[i].next_sequence
            s.kept_from = headers[i].next_sequence - headers[i].kept
            if not self._open_stream(s):
                raise MemoryError(f"no room for the stream of owner {headers[i].owner}")
            for j in range(self.oldest_sequence(s), s.next_sequence):
                s.stream[(j - 1) & self.stream_mask] = source[j - s.kept_from]
            source = source + headers[i].kept

    def _check_streams(self, owners, reports):
        """Check arrays of streams, and that there are no streams yet. Raises SnapshotMismatch."""
        owner: u32
        for owner in range(cython.cast(u32, OWNERS)):
            if self.sessions[owner].next_sequence != 0:
                raise SnapshotMismatch(f"owner {owner} already has a stream: load into new sessions")
        number, kept = owners["owner"].astype(np.int64), owners["kept"].astype(np.int64)
        if ((number < 1) | (number >= OWNERS)).any() or (np.diff(number) <= 0).any():
            raise SnapshotMismatch(
                "the owners of the streams are not distinct numbers from 1 to 65535 in ascending order"
            )
        first = owners["next_sequence"].astype(np.int64) - kept
        if (first < 1).any() or kept.sum() != len(reports):
            raise SnapshotMismatch("the number of reports does not match the streams")
        numbers = np.repeat(first - (np.cumsum(kept) - kept), kept) + np.arange(len(reports))
        if (numbers != reports["seq_num"].astype(np.int64)).any():
            raise SnapshotMismatch("the sequence numbers of the reports do not match the streams")
        return 0

    # ------------------------------------------------------------------ mass cancels

    def waits(self, s, answered):
        """Must this owner's next messages wait for a mass cancel? ``answered``: the last answered command."""
        return s.cancel_due or s.waits_for > answered

    def wait_for(self, s, command):
        """Let the owner's next messages wait until ``command`` is answered; NEVER: until a command that is not issued
        yet.

        The first heartbeat of a session that began after the mass cancel waits for it too.
        """
        if s.heartbeat_after == NEVER or (command == NEVER and s.heartbeat_after >= s.waits_for):
            s.heartbeat_after = command
        s.waits_for = command

    def cancel_orders(self, owner, reason):
        """Queue a mass cancel of an owner's orders for a ``Reason`` that is not 0. The owner's next messages wait for
        it.

        If a mass cancel is queued already, the last reason applies.
        """
        s: cython.pointer[Session] = cython.address(self.sessions[owner])
        if not s.cancel_due:
            self.cancels_due.push(owner)
        s.cancel_due = reason

    def hold(self, owner, s, data, n_bytes):
        """Keep received bytes that were not decoded. False if there is no memory for them."""
        if n_bytes <= MAX_MESSAGE:
            memcpy(s.partial, data, n_bytes)
            s.partial_bytes = n_bytes
        else:
            s.partial_bytes = 0
            s.held = cython.cast(cython.pointer[u8], malloc(n_bytes))
            if not s.held:
                return False
            memcpy(s.held, data, n_bytes)
            s.held_bytes = n_bytes
        if n_bytes != 0 and not s.resumes:
            s.resumes = 1
            self.resuming.push(owner)
        return True

    def take_held(self, s, buffer):
        """Copy the kept bytes to ``buffer`` and forget them. Returns their number."""
        n_bytes: u64 = s.partial_bytes
        memcpy(buffer, s.partial, n_bytes)
        if s.held_bytes != 0:
            memcpy(buffer + n_bytes, s.held, s.held_bytes)
            n_bytes += s.held_bytes
            self._free_held(s)
        return n_bytes

    def _free_held(self, s):
        free(s.held)
        s.held = cython.NULL
        s.held_bytes = 0

    # ------------------------------------------------------------------ time

    def tick(self, answered, now_ns, read_until_ns):
        """Send due heartbeats, and end sessions that have timed out. Returns the number of sessions that changed.

        ``answered``: the last answered command. ``read_until_ns``: everything that arrived before this time has been
        read. A timeout is measured up to that time, not up to now: after a pause of this process, unread data may be in
        the sockets.
        """
        acted: u64 = 0
        heartbeat_ns: u64 = cython.cast(u64, self.heartbeat_ms) * 1_000_000
        timeout_ns: u64 = cython.cast(u64, self.timeout_ms) * 1_000_000
        place: u32 = self.connected_count
        while place > 0:
            place -= 1
            owner: u32 = self.connected[place]
            s: cython.pointer[Session] = cython.address(self.sessions[owner])
            if s.state == ACTIVE and self.waits(s, answered):
                s.received_ns = now_ns  # its messages wait for a mass cancel, so it cannot time out
            if s.state == ACTIVE and s.logout_after == 0 and read_until_ns > s.received_ns + timeout_ns:
                self.end(owner, HEARTBEAT_TIMEOUT, now_ns)
            elif s.state == ACTIVE and now_ns >= s.last_sent_ns + heartbeat_ns and answered >= s.heartbeat_after:
                self._heartbeat(s, owner)
            elif s.state > ACTIVE and read_until_ns > s.received_ns + LINGER_NS:
                self.drop(owner, s.reason)
            else:
                continue
            acted += 1
        return acted

    def _heartbeat(self, s, owner):
        if s.control_bytes != 0:
            return  # a session message is queued already
        message: cython.pointer[Heartbeat] = cython.cast(
            cython.pointer[Heartbeat], self._control(s, cython.sizeof(Heartbeat))
        )
        message.type = HEARTBEAT
        message.next_sequence = self._position(s)
        self.mark(owner, s)

    # ------------------------------------------------------------------ a session ends

    def begin_logout(self, owner, s, sequence):
        """The client sent Logout. It is answered when all commands up to ``sequence`` are answered."""
        s.logout_after = sequence + 1
        if not s.logging_out:
            s.logging_out = 1
            self.logging_out[self.logging_out_count] = owner
            self.logging_out_count += 1

    def answer_logouts(self, answered, now_ns):
        """Answer the Logout of clients that have received all their reports.

        ``answered``: the last answered command.
        """
        place: u32 = self.logging_out_count
        while place > 0:
            place -= 1
            owner: u32 = self.logging_out[place]
            s: cython.pointer[Session] = cython.address(self.sessions[owner])
            if s.state == ACTIVE and s.logout_after != 0:
                self.flush(owner, now_ns)
                if s.state == ACTIVE and not self._may_log_out(s, answered, now_ns):
                    continue
                self.end(owner, CLIENT_LOGOUT, now_ns)
            s.logging_out = 0
            self.logging_out_count -= 1
            self.logging_out[place] = self.logging_out[self.logging_out_count]

    def _may_log_out(self, s, answered, now_ns):
        """Are all the client's commands answered, and their reports sent (or not read within LINGER_NS)?"""
        return answered + 1 >= s.logout_after and (self.unsent(s) == 0 or now_ns > s.received_ns + LINGER_NS)

    def end(self, owner, reason, now_ns):
        """End a session: send its reports and a Logout with the reason; close after the client has read them."""
        s: cython.pointer[Session] = cython.address(self.sessions[owner])
        if s.state != ACTIVE:
            return
        self.flush(owner, now_ns)
        if s.state != ACTIVE:
            return
        message: cython.pointer[Logout] = cython.cast(cython.pointer[Logout], self._control(s, cython.sizeof(Logout)))
        if message:
            message.type = LOGOUT
            message.reason = reason
            message.next_sequence = self._position(s)
        s.state = CLOSING
        s.reason = reason
        s.received_ns = now_ns
        if reason == THROTTLE_EXCEEDED:
            s.login_allowed_ns = now_ns + self.relogin_delay_ns
        self._session_ended(s, owner, reason)
        self.flush(owner, now_ns)

    def drop(self, owner, reason):
        """Close the connection at once."""
        s: cython.pointer[Session] = cython.address(self.sessions[owner])
        if s.state == ABSENT:
            return
        if s.state == ACTIVE:
            self._session_ended(s, owner, reason)
        event: epoll_event
        epoll_ctl(self.epoll_fd, EPOLL_CTL_DEL, s.fd, cython.address(event))
        close(s.fd)
        s.fd = -1
        self._free_held(s)
        s.state = ABSENT
        self.connected_count -= 1
        last: u32 = self.connected[self.connected_count]
        self.connected[s.place] = last
        self.sessions[last].place = s.place

    def remove(self, owner, session_reason, cancel_reason, now_ns):
        """End a session unless ``session_reason`` is 0, and cancel the owner's orders unless ``cancel_reason`` is 0."""
        if session_reason != NO_REASON:
            self.end(owner, session_reason, now_ns)
        if cancel_reason != 0:
            self.cancel_orders(owner, cancel_reason)

    def is_cancelling(self, owner, answered):
        """Is a mass cancel of this owner pending? ``answered``: the last answered command. Callable from any thread."""
        return bool(self.waits(cython.address(self.sessions[owner]), answered))

    def listed(self):
        """The sessions as (owner, unsent bytes, ns since its last message, number of its next report). From any thread.

        The values are read one after the other while the gateway thread runs.
        """
        found = {}
        now_ns: u64 = monotonic_ns()
        place: u32
        for place in range(self.connected_count):
            owner: u32 = self.connected[place]
            s: cython.pointer[Session] = cython.address(self.sessions[owner])
            if s.state == ACTIVE:
                found[owner] = (owner, self.unsent(s), now_ns - min(now_ns, s.received_ns), s.next_sequence)
        return sorted(found.values())

    def _session_ended(self, s, owner, reason):
        if self.cancel_on_disconnect and not s.flags & KEEP_ORDERS and s.cancel_due == 0:
            self.cancel_orders(owner, BY_DISCONNECT)
            self.throttle.charge_cancel(s, monotonic_ns())
        self._emit_event(EVENT_SESSION_ENDED, owner, reason, s.next_sequence)

    # ------------------------------------------------------------------ sending

    def flush_all(self, now_ns):
        """Send everything that is queued for all sessions.

        Returns the number of sessions that had something to send.
        """
        count: u32 = self.dirty_count
        self.dirty_count = 0
        i: u32
        for i in range(count):
            owner: u32 = self.dirty[i]
            self.sessions[owner].dirty = 0
            if self.sessions[owner].state != ABSENT:
                self.flush(owner, now_ns)
        return count

    def flush(self, owner, now_ns):
        """Send until everything is sent or the kernel takes no more. Disconnects a client that is too far behind."""
        s: cython.pointer[Session] = cython.address(self.sessions[owner])
        while not s.waiting and self._has_to_send(s):
            taken: u64 = self._send(s)
            if taken == 0:
                if errno != EAGAIN and errno != EINTR:
                    self.drop(owner, NO_REASON)
                    return
                if errno == EAGAIN:
                    s.waiting = 1
                    self._watch(s, owner)
                continue
            s.last_sent_ns = now_ns
            self.sent_bytes += taken
        if s.state == CLOSING and s.control_bytes == 0:
            s.state = LINGERING
            shutdown(s.fd, SHUT_WR)
        left: u64 = self.unsent(s)
        if s.state == ACTIVE and left > s.allowance_bytes:
            self.slow_readers += 1
            self.drop(owner, SLOW_READER)
        elif left <= self.outbound_bytes:
            s.allowance_bytes = self.outbound_bytes

    def _has_to_send(self, s):
        return s.control_bytes != 0 or (s.state == ACTIVE and self.unsent(s) != 0)

    def _send(self, s):
        """Send the rest of a partly sent report, then session messages, then further reports, in one call.

        Returns the number of bytes that the kernel took; 0 with errno set if none.
        """
        pieces: iovec[6]
        count: u32 = 0
        message: msghdr
        begun: u64 = 0
        if s.control_sent == 0 and s.sent_bytes % REPORT_BYTES != 0:
            begun = REPORT_BYTES - s.sent_bytes % REPORT_BYTES
            count = self._add_stream(s, s.sent_bytes, begun, pieces)
        if s.control_bytes != 0:
            pieces[count].iov_base = cython.address(s.control[s.control_sent])
            pieces[count].iov_len = s.control_bytes - s.control_sent
            count += 1
        if s.state == ACTIVE:
            more: u64 = min(self.unsent(s) - begun, cython.cast(u64, FLUSH_BYTES))
            if more != 0:
                count += self._add_stream(s, s.sent_bytes + begun, more, cython.address(pieces[count]))
        memset(cython.address(message), 0, cython.sizeof(msghdr))
        message.msg_iov = pieces
        message.msg_iovlen = count
        taken: cython.Py_ssize_t = sendmsg(s.fd, cython.address(message), MSG_DONTWAIT | MSG_NOSIGNAL)
        if taken <= 0:
            return 0
        self._advance(s, taken, begun)
        return taken

    def _add_stream(self, s, first, n_bytes, pieces):
        """Describe bytes of the stream as one or two pieces of memory. Returns the number of pieces."""
        bytes_of_ring: u64 = self.stream_capacity * REPORT_BYTES
        start: u64 = first % bytes_of_ring
        base: cython.pointer[u8] = cython.cast(cython.pointer[u8], s.stream)
        pieces[0].iov_base = base + start
        pieces[0].iov_len = min(n_bytes, bytes_of_ring - start)
        if pieces[0].iov_len == n_bytes:
            return 1
        pieces[1].iov_base = base
        pieces[1].iov_len = n_bytes - pieces[0].iov_len
        return 2

    def _advance(self, s, n_bytes, before_control):
        """Advance the positions by the number of bytes that the kernel took."""
        part: u64 = min(n_bytes, before_control)
        s.sent_bytes += part
        n_bytes -= part
        part = min(n_bytes, cython.cast(u64, s.control_bytes - s.control_sent))
        s.control_sent += part
        if s.control_sent == s.control_bytes:
            s.control_sent = s.control_bytes = 0
        s.sent_bytes += n_bytes - part

    def unsent(self, s):
        """Bytes of the stream that the kernel has not taken yet."""
        return (s.next_sequence - 1) * REPORT_BYTES - s.sent_bytes

    def _watch(self, s, owner):
        """Tell epoll to report incoming data, and also a writable socket if the last send was incomplete."""
        event: epoll_event
        event.events = EPOLLIN
        if s.waiting:
            event.events |= EPOLLOUT
        event.number = owner
        epoll_ctl(self.epoll_fd, EPOLL_CTL_MOD, s.fd, cython.address(event))

    def _control(self, s, n_bytes):
        """Room for a session message, filled with zeros; NULL if too many are queued."""
        if s.control_bytes + n_bytes > CONTROL_BYTES:
            return cython.NULL
        place: cython.pointer[u8] = cython.address(s.control[s.control_bytes])
        memset(place, 0, n_bytes)
        s.control_bytes += n_bytes
        return place

    def _emit_event(self, kind, owner, reason, next_sequence):
        """Report an event to the control thread, for its log. The event is lost if the ring of events is full."""
        if self.events.claim(1) == 0:
            return
        event: cython.pointer[Event] = cython.cast(cython.pointer[Event], self.events.claimed(0))
        memset(event, 0, cython.sizeof(Event))
        event.kind = kind
        event.owner = owner
        event.reason = reason
        event.timestamp = monotonic_ns() + self.clock_offset_ns
        event.next_sequence = next_sequence
        self.events.commit(1)
