"""The connections of logged-in clients: their sessions, and the socket that carries an owner's stream of reports.

Session messages, such as a heartbeat or a Logout, are sent between two reports.

    ABSENT --admit--> ACTIVE --end--> CLOSING --Logout sent--> LINGERING --client closes, or 1 s--> ABSENT
                        |                                                                             ^
                        +-------------------- connection lost, slow reader: drop ---------------------+

A client that sends Logout stays ACTIVE until all its earlier commands are answered; its further messages are ignored.
When an ACTIVE session ends for any reason, the owner's orders are cancelled, unless the client asked to keep them:
all, or those that are GTC or GTD.
"""

from __future__ import annotations

import cython

from pricetime.exchange.io.control_channel import ControlChannel
from pricetime.exchange.io.mass_cancels import MassCancels
from pricetime.exchange.io.throttle import Throttle
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.state.machine import Machine


@cython.final
@cython.cclass
class Connections:
    """All connections, by owner. Used by the event loop only. Raises MemoryError.

    ``level``: the acknowledgement level, which the server sends to each client.
    """

    def __init__(
        self,
        settings: GatewayConfig,
        machine: Machine,
        mass_cancels: MassCancels,
        throttle: Throttle,
        channel: ControlChannel,
        epoll_fd: int,
        level: int,
    ) -> None:
        self.streams, self.sequencer = machine.streams, machine.sequencer
        self.mass_cancels = mass_cancels
        self.throttle = throttle
        self.channel = channel
        self.epoll_fd = epoll_fd
        self.outbound_bytes = settings.outbound_bytes
        self.heartbeat_ms = settings.heartbeat_ms
        self.timeout_ms = settings.timeout_ms
        self.orders_per_second = settings.orders_per_second
        self.relogin_delay_ns = settings.relogin_delay_ms * 1_000_000
        self.cancel_on_disconnect = settings.cancel_on_disconnect
        self.most_clients = settings.max_clients
        self.level = level
        self.count = self.logging_out_count = 0
        self.slow_readers = self.sent_bytes = 0
        owners: cython.size_t = OWNERS
        self.of = cython.cast(cython.pointer[Connection], reserve(owners * cython.sizeof(Connection)))
        self.connected = cython.cast(cython.pointer[u32], reserve(owners * cython.sizeof(u32)))
        self.logging_out = cython.cast(cython.pointer[u32], reserve(owners * cython.sizeof(u32)))
        if not (self.of and self.connected and self.logging_out):
            raise MemoryError("no room for connections")

    def __dealloc__(self) -> None:
        owners: cython.size_t = OWNERS
        place: u32
        for place in range(self.count):
            c: cython.pointer[Connection] = cython.address(self.of[self.connected[place]])
            free(c.held)
            close(c.fd)
        release(self.of, owners * cython.sizeof(Connection))
        release(self.connected, owners * cython.sizeof(u32))
        release(self.logging_out, owners * cython.sizeof(u32))

    # ------------------------------------------------------------------ a session begins

    def admit(self, owner: u32, fd: cython.int, flags: u32, next_sequence: u64, now_ns: u64) -> None:
        """Begin a session for a client that has logged in as ``owner``, or reject the login and close the connection.

        A client that resumes after a lost connection takes the first heartbeat as the sign that it has all reports of
        its earlier commands, so this heartbeat must not be sent before these commands are answered.
        """
        c: cython.pointer[Connection] = cython.address(self.of[owner])
        reason: u32 = self._reject_reason(owner, flags, next_sequence, now_ns)
        if reason != NO_REASON:
            oldest: u64 = self.streams.oldest(cython.address(self.streams.streams[owner]))
            self._reject(fd, owner, reason, oldest if reason == SEQUENCE_GONE else 0)
            return
        if c.state == ACTIVE:
            self.end(owner, SUPERSEDED, now_ns)
        if c.state != ABSENT:
            self.drop(owner, SUPERSEDED)
        self._connect(c, owner, fd, flags, next_sequence, now_ns)
        c.heartbeat_after = self.sequencer.sequence
        c.cancels_first = self.mass_cancels.waits(owner)
        self._accept(c, owner)
        self.channel.emit(EVENT_SESSION_BEGAN, owner, NO_REASON, c.sent_bytes // REPORT_BYTES + 1)
        self.flush(owner, now_ns)  # before a new report can overwrite the oldest one that it asked for

    def _reject_reason(self, owner: u32, flags: u32, next_sequence: u64, now_ns: u64) -> u32:
        """Why this owner cannot begin a session now; NO_REASON if it can."""
        c: cython.pointer[Connection] = cython.address(self.of[owner])
        s: cython.pointer[Stream] = cython.address(self.streams.streams[owner])
        if now_ns < c.login_allowed_ns or self.throttle.is_exhausted(cython.address(c.account), now_ns):
            return LOGIN_TOO_SOON
        if c.state == ABSENT and self.count >= self.most_clients:
            return TOO_MANY_CLIENTS
        if not s.reports and not self.streams.open(s):
            return TOO_MANY_CLIENTS
        if flags & RESUME and not self.streams.oldest(s) <= next_sequence <= s.count + 1:
            return SEQUENCE_GONE
        return NO_REASON

    def _reject(self, fd: cython.int, owner: u32, reason: u32, oldest: u64) -> None:
        """Send LoginRejected and close. The send cannot block: a new connection has room for these few bytes."""
        message: LoginRejected
        memset(cython.address(message), 0, cython.sizeof(LoginRejected))
        message.type = LOGIN_REJECTED
        message.reason = reason
        message.owner = owner
        message.oldest_sequence = oldest
        message.term = self.sequencer.term
        send(fd, cython.address(message), cython.sizeof(LoginRejected), MSG_DONTWAIT | MSG_NOSIGNAL)
        close(fd)
        self.channel.emit(EVENT_LOGIN_REFUSED, owner, reason, oldest)

    def _connect(
        self, c: cython.pointer[Connection], owner: u32, fd: cython.int, flags: u32, next_sequence: u64, now_ns: u64
    ) -> None:
        reports: u64 = next_sequence - 1 if flags & RESUME else self.streams.streams[owner].count
        c.fd = fd
        c.state = ACTIVE
        c.flags = flags
        c.partial_bytes = c.control_bytes = c.control_sent = 0
        c.caught_up = 0
        c.resumed_after = 0
        c.blocked = 0
        c.full_reads = 0
        c.account.commands = 0
        c.logout_after = 0
        c.received_ns = c.last_sent_ns = now_ns
        c.sent_bytes = reports * REPORT_BYTES
        self.streams.read_up_to(owner, reports)
        c.allowance_bytes = self.outbound_bytes + self.unsent(c, owner)
        c.place = self.count
        self.connected[self.count] = owner
        self.count += 1
        event: epoll_event
        event.events = EPOLLIN
        event.number = owner
        epoll_ctl(self.epoll_fd, EPOLL_CTL_ADD, fd, cython.address(event))

    def _accept(self, c: cython.pointer[Connection], owner: u32) -> None:
        message: cython.pointer[LoginAccepted] = cython.cast(
            cython.pointer[LoginAccepted], self._control(c, cython.sizeof(LoginAccepted))
        )
        message.type = LOGIN_ACCEPTED
        message.level = self.level
        message.term = self.sequencer.term
        message.flags = c.flags
        message.owner = owner
        message.next_sequence = self._position(c)
        message.oldest_sequence = self.streams.oldest(cython.address(self.streams.streams[owner]))
        message.heartbeat_ms = self.heartbeat_ms
        message.timeout_ms = self.timeout_ms
        message.orders_per_second = self.orders_per_second
        self.streams.mark(owner)

    def _position(self, c: cython.pointer[Connection]) -> u64:
        """Number of the first report that will be sent after a session message queued now."""
        return (c.sent_bytes + REPORT_BYTES - 1) // REPORT_BYTES + 1

    # ------------------------------------------------------------------ refusals

    def refuse(self, owner: u32, refused: cython.pointer[Report], count: u32, now_ns: u64) -> None:
        """Send refusals, between the reports of the stream. Disconnects a client that does not read them."""
        c: cython.pointer[Connection] = cython.address(self.of[owner])
        i: u32
        for i in range(count):
            place: cython.pointer[u8] = self._control(c, REPORT_BYTES)
            if not place:
                self.flush(owner, now_ns)
                if c.state != ACTIVE:
                    return
                place = self._control(c, REPORT_BYTES)
            if not place:
                self.slow_readers += 1
                self.drop(owner, SLOW_READER)
                return
            memcpy(place, cython.address(refused[i]), REPORT_BYTES)
        self.streams.mark(owner)

    # ------------------------------------------------------------------ time

    def tick(self, now_ns: u64, read_until_ns: u64) -> None:
        """Send due heartbeats, and end sessions that have timed out.

        ``read_until_ns``: everything that arrived before this time has been read. A timeout is measured up to that
        time, not up to now: after a pause of this process, unread data may be in the sockets.
        """
        timeout_ns: u64 = cython.cast(u64, self.timeout_ms) * 1_000_000
        place: u32 = self.count
        while place > 0:
            place -= 1
            owner: u32 = self.connected[place]
            c: cython.pointer[Connection] = cython.address(self.of[owner])
            if c.state == ACTIVE and self.mass_cancels.waits(owner):
                c.received_ns = now_ns  # its messages wait for a mass cancel, so it cannot time out
            if c.state == ACTIVE and c.logout_after == 0 and read_until_ns > c.received_ns + timeout_ns:
                self.end(owner, HEARTBEAT_TIMEOUT, now_ns)
            elif c.state == ACTIVE and self._may_send_heartbeat(c, owner, now_ns):
                self._heartbeat(c, owner)
            elif c.state > ACTIVE and read_until_ns > c.received_ns + LINGER_NS:
                self.drop(owner, c.reason)
        self.flush_all(now_ns)

    def _may_send_heartbeat(self, c: cython.pointer[Connection], owner: u32, now_ns: u64) -> cython.bint:
        """Is a heartbeat due? The first one says that every command before this session is answered and its reports are
        sent; a client that resumes waits for it, so it is due at once.
        """
        if c.cancels_first and not self.mass_cancels.waits(owner):
            c.cancels_first = 0
        due: cython.bint = now_ns >= c.last_sent_ns + cython.cast(u64, self.heartbeat_ms) * 1_000_000
        if c.caught_up:
            return due
        if self.sequencer.answered < c.heartbeat_after or c.cancels_first:
            return False
        if c.flags & RESUME == 0:
            return due
        if c.resumed_after == 0:
            c.resumed_after = 1 + self.streams.streams[owner].count * REPORT_BYTES
        return c.sent_bytes >= c.resumed_after - 1

    def _heartbeat(self, c: cython.pointer[Connection], owner: u32) -> None:
        if c.control_bytes != 0:
            return  # a session message is queued already
        message: cython.pointer[Heartbeat] = cython.cast(
            cython.pointer[Heartbeat], self._control(c, cython.sizeof(Heartbeat))
        )
        c.caught_up = 1
        message.type = HEARTBEAT
        message.next_sequence = self._position(c)
        self.streams.mark(owner)

    # ------------------------------------------------------------------ a session ends

    def begin_logout(self, owner: u32) -> None:
        """The client sent Logout. It is answered when all commands so far are answered."""
        c: cython.pointer[Connection] = cython.address(self.of[owner])
        c.logout_after = self.sequencer.sequence + 1
        if not c.logging_out:
            c.logging_out = 1
            self.logging_out[self.logging_out_count] = owner
            self.logging_out_count += 1

    def answer_logouts(self, now_ns: u64) -> None:
        """Answer the Logout of clients that have received all their reports."""
        place: u32 = self.logging_out_count
        while place > 0:
            place -= 1
            owner: u32 = self.logging_out[place]
            c: cython.pointer[Connection] = cython.address(self.of[owner])
            if c.state == ACTIVE and c.logout_after != 0:
                self.flush(owner, now_ns)
                if c.state == ACTIVE and not self._may_log_out(c, owner, now_ns):
                    continue
                self.end(owner, CLIENT_LOGOUT, now_ns)
            c.logging_out = 0
            self.logging_out_count -= 1
            self.logging_out[place] = self.logging_out[self.logging_out_count]

    def _may_log_out(self, c: cython.pointer[Connection], owner: u32, now_ns: u64) -> cython.bint:
        """Are all the client's commands answered, and their reports sent (or not read within LINGER_NS)?"""
        answered: cython.bint = self.sequencer.answered + 1 >= c.logout_after
        return answered and (self.unsent(c, owner) == 0 or now_ns > c.received_ns + LINGER_NS)

    def end(self, owner: u32, reason: u32, now_ns: u64) -> None:
        """End a session: send its reports and a Logout with the reason; close after the client has read them."""
        c: cython.pointer[Connection] = cython.address(self.of[owner])
        if c.state != ACTIVE:
            return
        self.flush(owner, now_ns)
        if c.state != ACTIVE:
            return
        message: cython.pointer[Logout] = cython.cast(cython.pointer[Logout], self._control(c, cython.sizeof(Logout)))
        if message:
            message.type = LOGOUT
            message.reason = reason
            message.next_sequence = self._position(c)
        c.state = CLOSING
        c.reason = reason
        c.received_ns = now_ns
        if reason == THROTTLE_EXCEEDED:
            c.login_allowed_ns = now_ns + self.relogin_delay_ns
        self._session_ended(c, owner, reason)
        self.flush(owner, now_ns)

    def drop(self, owner: u32, reason: u32) -> None:
        """Close the connection at once."""
        c: cython.pointer[Connection] = cython.address(self.of[owner])
        if c.state == ABSENT:
            return
        if c.state == ACTIVE:
            self._session_ended(c, owner, reason)
        event: epoll_event
        epoll_ctl(self.epoll_fd, EPOLL_CTL_DEL, c.fd, cython.address(event))
        close(c.fd)
        c.fd = -1
        free(c.held)
        c.held = cython.NULL
        c.held_bytes = 0
        c.state = ABSENT
        self.streams.leave(owner)
        self.count -= 1
        last: u32 = self.connected[self.count]
        self.connected[c.place] = last
        self.of[last].place = c.place

    def begin_stop(self) -> None:
        """From now on, the end of a session does not cancel orders."""
        self.cancel_on_disconnect = False

    def end_all(self, late: cython.bint, now_ns: u64) -> None:
        """Log out each client that has been sent all its reports; ``late``: disconnect all clients."""
        place: u32 = self.count
        while place > 0:
            place -= 1
            owner: u32 = self.connected[place]
            c: cython.pointer[Connection] = cython.address(self.of[owner])
            if late:
                self.drop(owner, SHUTDOWN)
            elif c.state == ACTIVE and self.unsent(c, owner) == 0:
                self.end(owner, SHUTDOWN, now_ns)

    def drop_all(self) -> None:
        """Close all connections without a message."""
        while self.count != 0:
            self.drop(self.connected[self.count - 1], NO_REASON)

    def listed(self) -> list[tuple[int, int, int, int]]:
        """The sessions as (owner, unsent bytes, ns since its last message, number of its next report). From any thread.

        The values are read one after the other while the event loop runs.
        """
        found = {}
        now_ns: u64 = monotonic_ns()
        place: u32
        for place in range(self.count):
            owner: u32 = self.connected[place]
            c: cython.pointer[Connection] = cython.address(self.of[owner])
            if c.state == ACTIVE:
                silent_ns: u64 = now_ns - min(now_ns, c.received_ns)
                found[owner] = (owner, self.unsent(c, owner), silent_ns, self.streams.streams[owner].count + 1)
        return sorted(found.values())

    def _session_ended(self, c: cython.pointer[Connection], owner: u32, reason: u32) -> None:
        keeps: u32 = GTC_AND_GTD if c.flags & KEEP_GTC_AND_GTD else 0
        cancels: cython.bint = self.cancel_on_disconnect and not c.flags & KEEP_ORDERS
        if cancels and self.mass_cancels.request(owner, BY_DISCONNECT, keeps):
            self.throttle.charge_cancel(cython.address(c.account), monotonic_ns())
        self.channel.emit(EVENT_SESSION_ENDED, owner, reason, self.streams.streams[owner].count + 1)

    # ------------------------------------------------------------------ sending

    def flush_all(self, now_ns: u64) -> u64:
        """Send everything that is queued for all sessions.

        Returns the number of sessions that had something to send.
        """
        count: u32 = self.streams.fresh_count
        self.streams.fresh_count = 0
        i: u32
        for i in range(count):
            owner: u32 = self.streams.fresh[i]
            self.streams.take(owner)
            if self.of[owner].state != ABSENT:
                self.flush(owner, now_ns)
        return count

    def flush(self, owner: u32, now_ns: u64) -> None:
        """Send until everything is sent or the kernel takes no more. Disconnects a client that is too far behind."""
        c: cython.pointer[Connection] = cython.address(self.of[owner])
        while not c.blocked and self._has_to_send(c, owner):
            taken: u64 = self._send(c, owner)
            if taken == 0:
                if errno != EAGAIN and errno != EINTR:
                    self.drop(owner, NO_REASON)
                    return
                if errno == EAGAIN:
                    c.blocked = 1
                    self._watch(c, owner)
                continue
            c.last_sent_ns = now_ns
            self.sent_bytes += taken
            self.streams.read_up_to(owner, c.sent_bytes // REPORT_BYTES)
        if c.state == CLOSING and c.control_bytes == 0:
            c.state = LINGERING
            shutdown(c.fd, SHUT_WR)
        left: u64 = self.unsent(c, owner)
        if c.state == ACTIVE and left > c.allowance_bytes:
            self.slow_readers += 1
            self.drop(owner, SLOW_READER)
        elif left <= self.outbound_bytes:
            c.allowance_bytes = self.outbound_bytes

    def make_room(self, owner: u32, count: u64, now_ns: u64) -> None:
        """Make room for so many reports in an owner's stream, which is full of unsent ones: send them, or disconnect.

        One iteration may produce more reports than a stream holds.
        """
        self.flush(owner, now_ns)
        if not self.streams.has_room(owner, count):
            self.slow_readers += 1
            self.drop(owner, SLOW_READER)

    def unblock(self, owner: u32) -> None:
        """The socket of this owner is writable again."""
        c: cython.pointer[Connection] = cython.address(self.of[owner])
        if c.state != ABSENT:
            c.blocked = 0
            self._watch(c, owner)
            self.streams.mark(owner)

    def _has_to_send(self, c: cython.pointer[Connection], owner: u32) -> cython.bint:
        return c.control_bytes != 0 or (c.state == ACTIVE and self.unsent(c, owner) != 0)

    def _send(self, c: cython.pointer[Connection], owner: u32) -> u64:
        """Send the rest of a partly sent report, then session messages, then further reports, in one call.

        Returns the number of bytes that the kernel took; 0 with errno set if none.
        """
        pieces: iovec[6]
        count: u32 = 0
        message: msghdr
        begun: u64 = 0
        if c.control_sent == 0 and c.sent_bytes % REPORT_BYTES != 0:
            begun = REPORT_BYTES - c.sent_bytes % REPORT_BYTES
            count = self._add_stream(owner, c.sent_bytes, begun, pieces)
        if c.control_bytes != 0:
            pieces[count].iov_base = cython.address(c.control[c.control_sent])
            pieces[count].iov_len = c.control_bytes - c.control_sent
            count += 1
        if c.state == ACTIVE:
            more: u64 = min(self.unsent(c, owner) - begun, cython.cast(u64, FLUSH_BYTES))
            if more != 0:
                count += self._add_stream(owner, c.sent_bytes + begun, more, cython.address(pieces[count]))
        memset(cython.address(message), 0, cython.sizeof(msghdr))
        message.msg_iov = pieces
        message.msg_iovlen = count
        taken: cython.Py_ssize_t = sendmsg(c.fd, cython.address(message), MSG_DONTWAIT | MSG_NOSIGNAL)
        if taken <= 0:
            return 0
        self._advance(c, taken, begun)
        return taken

    def _add_stream(self, owner: u32, first: u64, n_bytes: u64, pieces: cython.pointer[iovec]) -> u32:
        """Describe bytes of the stream as one or two pieces of memory. Returns the number of pieces."""
        bytes_of_ring: u64 = self.streams.capacity * REPORT_BYTES
        start: u64 = first % bytes_of_ring
        base: cython.pointer[u8] = cython.cast(cython.pointer[u8], self.streams.streams[owner].reports)
        pieces[0].iov_base = base + start
        pieces[0].iov_len = min(n_bytes, bytes_of_ring - start)
        if pieces[0].iov_len == n_bytes:
            return 1
        pieces[1].iov_base = base
        pieces[1].iov_len = n_bytes - pieces[0].iov_len
        return 2

    def _advance(self, c: cython.pointer[Connection], n_bytes: u64, before_control: u64) -> None:
        """Advance the positions by the number of bytes that the kernel took."""
        part: u64 = min(n_bytes, before_control)
        c.sent_bytes += part
        n_bytes -= part
        part = min(n_bytes, cython.cast(u64, c.control_bytes - c.control_sent))
        c.control_sent += part
        if c.control_sent == c.control_bytes:
            c.control_sent = c.control_bytes = 0
        c.sent_bytes += n_bytes - part

    def unsent(self, c: cython.pointer[Connection], owner: u32) -> u64:
        """Bytes of the stream that the kernel has not taken yet."""
        return self.streams.streams[owner].count * REPORT_BYTES - c.sent_bytes

    def _watch(self, c: cython.pointer[Connection], owner: u32) -> None:
        """Tell epoll to report incoming data, and also a writable socket if the last send was incomplete."""
        event: epoll_event
        event.events = EPOLLIN
        if c.blocked:
            event.events |= EPOLLOUT
        event.number = owner
        epoll_ctl(self.epoll_fd, EPOLL_CTL_MOD, c.fd, cython.address(event))

    def _control(self, c: cython.pointer[Connection], n_bytes: u32) -> cython.pointer[u8]:
        """Room for a session message, filled with zeros; NULL if too many are queued."""
        if c.control_bytes + n_bytes > CONTROL_BYTES:
            return cython.NULL
        place: cython.pointer[u8] = cython.address(c.control[c.control_bytes])
        memset(place, 0, n_bytes)
        c.control_bytes += n_bytes
        return place
