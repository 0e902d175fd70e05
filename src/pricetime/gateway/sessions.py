# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The sessions of logged-in clients: each owner's stream of reports, and the connection that it goes out on.

A stream outlives its connections. Its reports are numbered 1, 2, 3 ... and kept in a ring, from which they are sent
and from which a client that comes back goes on where it was. Between two reports there is room for a message of the
session itself: a heartbeat, a logout.

    ABSENT --admit--> ACTIVE --end--> CLOSING --logout sent--> LINGERING --other end closes, or a second--> ABSENT
                        |                                                                                     ^
                        +------------------------- connection lost, cut off: drop ----------------------------+

A client that says Logout stays ACTIVE, and is not heard any more, until what it asked for before is answered.
Whatever ends an ACTIVE session, its orders are due to be cancelled unless the client asked to keep them. The throttle's
accounts are the owner's and go on over its sessions, so logging in again gives it nothing.
"""

from __future__ import annotations

import cython
import numpy as np

from pricetime.errors import SnapshotMismatch
from pricetime.journal.snapshot import OWNER
from pricetime.types import REPORT

if cython.compiled:
    from cython.cimports.libc.string import memset


@cython.final
@cython.cclass
class Sessions:
    """All sessions, by owner. ``settings``: a GatewayConfig. For the gateway's thread alone. Raises MemoryError."""

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
        self.connected_count = self.dirty_count = self.parting_count = 0
        self.leaving, self.resuming = OwnerQueue(), OwnerQueue()
        self.cut_off = self.sent_bytes = 0
        owners: cython.size_t = OWNERS
        self.sessions = cython.cast(cython.pointer[Session], reserve(owners * cython.sizeof(Session)))
        self.connected = cython.cast(cython.pointer[u32], reserve(owners * cython.sizeof(u32)))
        self.dirty = cython.cast(cython.pointer[u32], reserve(owners * cython.sizeof(u32)))
        self.parting = cython.cast(cython.pointer[u32], reserve(owners * cython.sizeof(u32)))
        if not (self.sessions and self.connected and self.dirty and self.parting):
            raise MemoryError("no room for sessions")

    def __dealloc__(self):
        owners: cython.size_t = OWNERS
        owner: u32
        while self.spare_count != 0:
            release(self._spare(), self.stream_capacity * REPORT_BYTES)
        if self.sessions:
            for owner in range(cython.cast(u32, OWNERS)):
                if self.sessions[owner].stream:
                    release(self.sessions[owner].stream, self.stream_capacity * REPORT_BYTES)
                free(self.sessions[owner].held)
        release(self.sessions, owners * cython.sizeof(Session))
        release(self.connected, owners * cython.sizeof(u32))
        release(self.dirty, owners * cython.sizeof(u32))
        release(self.parting, owners * cython.sizeof(u32))

    def prefault(self, streams):
        """Take up the memory of so many streams, 64 at most, for owners who have none yet. Before ``Gateway.run``.

        A stream is filled from its beginning, so its owner's first reports would each wait for a fresh page now and
        then. Raises MemoryError.
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

    def _spare(self):
        """A stream that is nobody's, of those that there are."""
        self.spare_count -= 1
        return self.spares[self.spare_count]

    # ------------------------------------------------------------------ a session begins

    def admit(self, owner, fd, flags, next_sequence, commands, now_ns):
        """A client that has proved to be this owner: its session begins, or it is refused and its connection closed.

        ``commands``: the last one so far. A client whose connection was lost takes the first heartbeat of the next one
        as the end of what there is about its commands of before, so it must not come ahead of their answers.
        """
        s: cython.pointer[Session] = cython.address(self.sessions[owner])
        if s.next_sequence == 0:
            s.next_sequence = 1
        reason: u32 = self._refusal(s, flags, next_sequence, now_ns)
        if reason != NO_REASON:
            self._refuse(fd, owner, reason, self.oldest_sequence(s) if reason == SEQUENCE_GONE else 0)
            return False
        if s.state == ACTIVE:
            self.end(owner, SUPERSEDED, now_ns)
        if s.state != ABSENT:
            self.drop(owner, SUPERSEDED)
        self._connect(s, owner, fd, flags, next_sequence, now_ns)
        s.heartbeat_after = NEVER if s.waits_for == NEVER or s.cancel_due else commands
        self._accept(s, owner)
        self._tell(EVENT_SESSION_BEGAN, owner, NO_REASON, s.sent_bytes // REPORT_BYTES + 1)
        self.flush(owner, now_ns)  # before anything more comes into its stream, over the oldest that it asked for
        return True

    def _refusal(self, s, flags, next_sequence, now_ns):
        """Why this owner cannot have a session now, NO_REASON when it can."""
        if now_ns < s.barred_ns or self.throttle.is_exhausted(s, now_ns):
            return LOGIN_TOO_SOON
        if s.state == ABSENT and self.connected_count >= self.most_clients:
            return TOO_MANY_CLIENTS
        if not s.stream and not self._open_stream(s):
            return TOO_MANY_CLIENTS
        if flags & RESUME and not self.oldest_sequence(s) <= next_sequence <= s.next_sequence:
            return SEQUENCE_GONE
        return NO_REASON

    def _refuse(self, fd, owner, reason, oldest):
        """Best effort: a fresh connection has room for these few bytes."""
        message: LoginRejected
        memset(cython.address(message), 0, cython.sizeof(LoginRejected))
        message.type = LOGIN_REJECTED
        message.reason = reason
        message.owner = owner
        message.oldest_sequence = oldest
        send(fd, cython.address(message), cython.sizeof(LoginRejected), MSG_DONTWAIT | MSG_NOSIGNAL)
        close(fd)
        self._tell(EVENT_LOGIN_REFUSED, owner, reason, oldest)

    def _connect(self, s, owner, fd, flags, next_sequence, now_ns):
        s.fd = fd
        s.state = ACTIVE
        s.flags = flags
        s.partial_bytes = s.control_bytes = s.control_sent = 0
        s.waiting = 0
        s.full_reads = 0
        s.parts_after = 0
        s.heard_ns = s.spoken_ns = now_ns
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
        """Memory for a stream that has none, taken up before or as it is used. Is there any?"""
        if s.next_sequence == 0:
            s.next_sequence = 1
        if self.spare_count != 0:
            s.stream = self._spare()
        else:
            s.stream = cython.cast(cython.pointer[Report], reserve(self.stream_capacity * REPORT_BYTES))
        return s.stream != cython.NULL

    def oldest_sequence(self, s):
        """The number of the oldest report that is kept."""
        oldest: u64 = 1 if s.next_sequence <= self.stream_capacity else s.next_sequence - self.stream_capacity
        return max(oldest, s.kept_from)

    def _position(self, s):
        """The number of the report that will follow a message of the session: that one goes in at the next chance."""
        return (s.sent_bytes + REPORT_BYTES - 1) // REPORT_BYTES + 1

    def append(self, owner):
        """The next report of an owner's stream, which carries its number; NULL for owner 0, who is nobody.

        A stream begins with its first report, whether or not its owner ever logged in: in a replay nobody does. Where
        there is no memory for one, its numbers go on and its reports are gone.
        """
        s: cython.pointer[Session] = cython.address(self.sessions[owner])
        if not s.stream and (owner == 0 or not self._open_stream(s)):
            if owner != 0:
                s.next_sequence += 1
                s.kept_from = s.next_sequence
            return cython.NULL
        if s.state != ABSENT and self._is_full(s):
            self.flush(owner, monotonic_ns())  # one turn may make more than a stream holds: nobody is slow yet
            if s.state != ABSENT and self._is_full(s):
                self.cut_off += 1  # what it has not taken is about to be overwritten
                self.drop(owner, SLOW_READER)
        report: cython.pointer[Report] = cython.address(s.stream[(s.next_sequence - 1) & self.stream_mask])
        report.seq_num = s.next_sequence
        s.next_sequence += 1
        if not s.dirty:
            self.mark(owner, s)
        return report

    def _is_full(self, s):
        """Would the next report overwrite one that is not sent?"""
        return self.unsent(s) + REPORT_BYTES > self.stream_capacity * REPORT_BYTES

    def mark(self, owner, s):
        """This session has something to send."""
        if not s.dirty and s.state != ABSENT:
            s.dirty = 1
            self.dirty[self.dirty_count] = owner
            self.dirty_count += 1

    # ------------------------------------------------------------------ snapshots

    def dump_streams(self, most):
        """The streams: an array of ``journal.snapshot.OWNER``, and one of ``REPORT`` with the newest of each.

        ``most``: of each, at most. An owner without a report is left out. O(owners + reports). Raises MemoryError.
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
        """How many reports of a stream there are, the newest, up to so many."""
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
        """Take on what ``dump_streams`` gave, in sessions that have no stream yet. Older reports are gone.

        Raises SnapshotMismatch with nothing changed; and MemoryError, after which these sessions are of no use.
        """
        self._hold_streams(owners, reports)
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

    def _hold_streams(self, owners, reports):
        """Can they be streams, and is there none yet? Raises SnapshotMismatch."""
        owner: u32
        for owner in range(cython.cast(u32, OWNERS)):
            if self.sessions[owner].next_sequence != 0:
                raise SnapshotMismatch(f"owner {owner} has a stream already: load into new sessions")
        number, kept = owners["owner"].astype(np.int64), owners["kept"].astype(np.int64)
        if ((number < 1) | (number >= OWNERS)).any() or (np.diff(number) <= 0).any():
            raise SnapshotMismatch("the owners of these streams are not from 1 to 65535, each once")
        first = owners["next_sequence"].astype(np.int64) - kept
        if (first < 1).any() or kept.sum() != len(reports):
            raise SnapshotMismatch("these are not the reports of these streams")
        numbers = np.repeat(first - (np.cumsum(kept) - kept), kept) + np.arange(len(reports))
        if (numbers != reports["seq_num"].astype(np.int64)).any():
            raise SnapshotMismatch("the reports of these streams do not have the numbers that they should")
        return 0

    # ------------------------------------------------------------------ mass cancels

    def waits(self, s, answered):
        """Does what this owner sends next wait for the end of a mass cancel? ``answered``: the last command that is."""
        return s.cancel_due or s.waits_for > answered

    def wait_for(self, s, command):
        """Let what an owner sends next wait for a command of its mass cancel; NEVER: for one that is not given yet.

        So does the first heartbeat of a session that began behind the mass cancel.
        """
        if s.heartbeat_after == NEVER or (command == NEVER and s.heartbeat_after >= s.waits_for):
            s.heartbeat_after = command
        s.waits_for = command

    def cancel_orders(self, owner, reason):
        """Have all orders of an owner cancelled, for a ``Reason`` that is not 0. What it sends meanwhile waits.

        If they are due to be cancelled already, the last reason counts.
        """
        s: cython.pointer[Session] = cython.address(self.sessions[owner])
        if not s.cancel_due:
            self.leaving.push(owner)
        s.cancel_due = reason

    def hold(self, owner, s, data, n_bytes):
        """Keep what came behind the last message that was taken. False where there is no room for it."""
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
        """What was kept goes to a buffer: how many bytes."""
        n_bytes: u64 = s.partial_bytes
        memcpy(buffer, s.partial, n_bytes)
        if s.held_bytes != 0:
            memcpy(buffer + n_bytes, s.held, s.held_bytes)
            n_bytes += s.held_bytes
            self._let_go(s)
        return n_bytes

    def _let_go(self, s):
        free(s.held)
        s.held = cython.NULL
        s.held_bytes = 0

    # ------------------------------------------------------------------ time

    def tick(self, answered, now_ns, heard_all_ns):
        """Heartbeats that are due, and the end of those not heard of for too long. Returns how many acted.

        ``answered``: the last command that is; ``heard_all_ns``: whatever came before this time has been heard. Silence
        is judged as of then, not as of now: after a pause of this process much may wait in the sockets.
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
                s.heard_ns = now_ns  # what it says is not read
            if s.state == ACTIVE and s.parts_after == 0 and heard_all_ns > s.heard_ns + timeout_ns:
                self.end(owner, HEARTBEAT_TIMEOUT, now_ns)
            elif s.state == ACTIVE and now_ns >= s.spoken_ns + heartbeat_ns and answered >= s.heartbeat_after:
                self._heartbeat(s, owner)
            elif s.state > ACTIVE and heard_all_ns > s.heard_ns + LINGER_NS:
                self.drop(owner, s.reason)
            else:
                continue
            acted += 1
        return acted

    def _heartbeat(self, s, owner):
        if s.control_bytes != 0:
            return  # one waits already
        message: cython.pointer[Heartbeat] = cython.cast(
            cython.pointer[Heartbeat], self._control(s, cython.sizeof(Heartbeat))
        )
        message.type = HEARTBEAT
        message.next_sequence = self._position(s)
        self.mark(owner, s)

    # ------------------------------------------------------------------ a session ends

    def part(self, owner, s, sequence):
        """The client said Logout. Its answer comes when those of all commands up to this one are on their way."""
        s.parts_after = sequence + 1
        if not s.parting:
            s.parting = 1
            self.parting[self.parting_count] = owner
            self.parting_count += 1

    def let_part(self, answered, now_ns):
        """Answer the Logout of those who have all that they wait for; ``answered``: the last command that is."""
        place: u32 = self.parting_count
        while place > 0:
            place -= 1
            owner: u32 = self.parting[place]
            s: cython.pointer[Session] = cython.address(self.sessions[owner])
            if s.state == ACTIVE and s.parts_after != 0:
                self.flush(owner, now_ns)
                if s.state == ACTIVE and not self._may_part(s, answered, now_ns):
                    continue
                self.end(owner, CLIENT_LOGOUT, now_ns)
            s.parting = 0
            self.parting_count -= 1
            self.parting[place] = self.parting[self.parting_count]

    def _may_part(self, s, answered, now_ns):
        """Is all that was asked for answered, and sent unless that takes too long?"""
        return answered + 1 >= s.parts_after and (self.unsent(s) == 0 or now_ns > s.heard_ns + LINGER_NS)

    def end(self, owner, reason, now_ns):
        """Say why, send what there is, close when the other end has taken it."""
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
        s.heard_ns = now_ns
        if reason == THROTTLE_EXCEEDED:
            s.barred_ns = now_ns + self.relogin_delay_ns
        self._leave(s, owner, reason)
        self.flush(owner, now_ns)

    def drop(self, owner, reason):
        """Close the connection now."""
        s: cython.pointer[Session] = cython.address(self.sessions[owner])
        if s.state == ABSENT:
            return
        if s.state == ACTIVE:
            self._leave(s, owner, reason)
        event: epoll_event
        epoll_ctl(self.epoll_fd, EPOLL_CTL_DEL, s.fd, cython.address(event))
        close(s.fd)
        s.fd = -1
        self._let_go(s)
        s.state = ABSENT
        self.connected_count -= 1
        last: u32 = self.connected[self.connected_count]
        self.connected[s.place] = last
        self.sessions[last].place = s.place

    def remove(self, owner, session_reason, cancel_reason, now_ns):
        """End a session, unless ``session_reason`` is 0, and cancel the owner's orders, unless ``cancel_reason`` is."""
        if session_reason != NO_REASON:
            self.end(owner, session_reason, now_ns)
        if cancel_reason != 0:
            self.cancel_orders(owner, cancel_reason)

    def is_cancelling(self, owner, answered):
        """Is a mass cancel of the owner due, or under way? ``answered``: the last command that is. From any thread."""
        return bool(self.waits(cython.address(self.sessions[owner]), answered))

    def listed(self):
        """The sessions: (owner, unsent bytes, ns since it was heard, number of its next report) each. From any thread.

        Read while the gateway's thread runs: each number is right, together they are of nearly one moment.
        """
        found = {}
        now_ns: u64 = monotonic_ns()
        place: u32
        for place in range(self.connected_count):
            owner: u32 = self.connected[place]
            s: cython.pointer[Session] = cython.address(self.sessions[owner])
            if s.state == ACTIVE:
                found[owner] = (owner, self.unsent(s), now_ns - min(now_ns, s.heard_ns), s.next_sequence)
        return sorted(found.values())

    def _leave(self, s, owner, reason):
        if self.cancel_on_disconnect and not s.flags & KEEP_ORDERS and s.cancel_due == 0:
            self.cancel_orders(owner, BY_DISCONNECT)
            self.throttle.charge_cancel(s, monotonic_ns())
        self._tell(EVENT_SESSION_ENDED, owner, reason, s.next_sequence)

    # ------------------------------------------------------------------ sending

    def flush_all(self, now_ns):
        """Send what there is, for every session that has something. Returns how many had."""
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
        """Send until everything is sent or the system takes no more. A client too far behind is cut off."""
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
            s.spoken_ns = now_ns
            self.sent_bytes += taken
        if s.state == CLOSING and s.control_bytes == 0:
            s.state = LINGERING
            shutdown(s.fd, SHUT_WR)
        left: u64 = self.unsent(s)
        if s.state == ACTIVE and left > s.allowance_bytes:
            self.cut_off += 1
            self.drop(owner, SLOW_READER)
        elif left <= self.outbound_bytes:
            s.allowance_bytes = self.outbound_bytes

    def _has_to_send(self, s):
        return s.control_bytes != 0 or (s.state == ACTIVE and self.unsent(s) != 0)

    def _send(self, s):
        """Offer the system the rest of a report that was begun, then the session's own messages, then more reports.

        Returns the bytes taken, 0 with errno where there were none.
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
        self._took(s, taken, begun)
        return taken

    def _add_stream(self, s, first, n_bytes, pieces):
        """Bytes of the stream as one or two pieces of memory: how many pieces."""
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

    def _took(self, s, n_bytes, before_control):
        """The system took so many bytes of what was offered."""
        part: u64 = min(n_bytes, before_control)
        s.sent_bytes += part
        n_bytes -= part
        part = min(n_bytes, cython.cast(u64, s.control_bytes - s.control_sent))
        s.control_sent += part
        if s.control_sent == s.control_bytes:
            s.control_sent = s.control_bytes = 0
        s.sent_bytes += n_bytes - part

    def unsent(self, s):
        """Bytes of the stream that the system has not taken yet."""
        return (s.next_sequence - 1) * REPORT_BYTES - s.sent_bytes

    def _watch(self, s, owner):
        """Tell epoll what to say of this connection: that something came, that it has room again."""
        event: epoll_event
        event.events = EPOLLIN
        if s.waiting:
            event.events |= EPOLLOUT
        event.number = owner
        epoll_ctl(self.epoll_fd, EPOLL_CTL_MOD, s.fd, cython.address(event))

    def _control(self, s, n_bytes):
        """Room for a message of the session itself, all zero; NULL when too many wait already."""
        if s.control_bytes + n_bytes > CONTROL_BYTES:
            return cython.NULL
        place: cython.pointer[u8] = cython.address(s.control[s.control_bytes])
        memset(place, 0, n_bytes)
        s.control_bytes += n_bytes
        return place

    def _tell(self, kind, owner, reason, next_sequence):
        """Let the control thread know, for its log; when it is far behind, it misses some."""
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
