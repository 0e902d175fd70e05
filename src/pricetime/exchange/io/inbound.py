"""Reads what clients send, and decodes it into commands. Used by the event loop only.

Reads little at a time, so that the commands read first are executed soon, and more from a client that always has more
data, where the number of system calls matters. Never reads more than the sequencer has room for: the kernel keeps the
rest. While the log makes no progress there may be no room at all; then new orders are refused, which needs none.
"""

from __future__ import annotations

import cython

from pricetime.exchange.io.connections import Connections
from pricetime.exchange.io.decoder import Decoder
from pricetime.exchange.state.machine import Machine


@cython.final
@cython.cclass
class Inbound:
    """The receiving side of all connections. Raises MemoryError."""

    def __init__(self, machine: Machine, connections: Connections, decoder: Decoder) -> None:
        self.sequencer = machine.sequencer
        self.connections, self.mass_cancels = connections, connections.mass_cancels
        self.decoder = decoder
        self.clock_offset_ns = connections.channel.clock_offset_ns
        self.received_bytes = self.ring_full = 0
        self.buffer = cython.cast(cython.pointer[u8], reserve(BUFFER_BYTES + MAX_MESSAGE))
        if not self.buffer:
            raise MemoryError("no room for the receive buffer")

    def __dealloc__(self) -> None:
        release(self.buffer, BUFFER_BYTES + MAX_MESSAGE)

    def resume(self, now_ns: u64) -> None:
        """Decode what clients sent after a MassCancel that is now complete."""
        _: u32
        for _ in range(self.mass_cancels.resuming.count):
            owner: u32 = self.mass_cancels.next_to_resume()
            c: cython.pointer[Connection] = cython.address(self.connections.of[owner])
            if c.state != ACTIVE or c.logout_after != 0:
                continue
            n_bytes: u64 = c.partial_bytes + c.held_bytes
            if self.mass_cancels.waits(owner) or self.sequencer.room() * 16 < n_bytes:
                self.mass_cancels.resume_later(owner)
                continue
            self._decode(owner, c, self._take_kept(c), now_ns)

    def serve(self, owner: u32, what: u32, now_ns: u64, reads: cython.bint) -> None:
        """Handle the events of one connection. ``reads``: False while the exchange stops."""
        c: cython.pointer[Connection] = cython.address(self.connections.of[owner])
        if what & EPOLLOUT:
            self.connections.unblock(owner)
        if what & ~EPOLLOUT == 0 or c.state == ABSENT:
            return
        if c.state != ACTIVE or c.logout_after != 0:
            self._ignore(owner, c)
            return
        c.received_ns = now_ns  # there is data, even if there is no room for its commands
        # Messages after a mass cancel wait until it is complete.
        if reads and c.held_bytes == 0 and not self.mass_cancels.waits(owner):
            self._read(owner, c)

    def _read(self, owner: u32, c: cython.pointer[Connection]) -> None:
        limit: u64 = cython.cast(u64, READ_BYTES) << min(c.full_reads // FULL_READS, cython.cast(u32, DOUBLINGS))
        room: u64 = self.sequencer.room()
        if room < 8:
            self.ring_full += 1
            if self.decoder.busy:
                self._refuse(owner, c)
            return
        kept: u64 = self._take_kept(c)
        most: u64 = min(room * 16 - kept, limit)
        n_bytes: cython.Py_ssize_t = recv(c.fd, self.buffer + kept, most, MSG_DONTWAIT)
        if n_bytes <= 0:
            self._keep_or_drop(owner, c, kept, n_bytes)
            return
        c.full_reads = c.full_reads + 1 if cython.cast(u64, n_bytes) == most else 0
        self.received_bytes += n_bytes
        self._decode(owner, c, kept + n_bytes, monotonic_ns())

    def _refuse(self, owner: u32, c: cython.pointer[Connection]) -> None:
        """Refuse a client's new orders up to its first other command. The sequencer has no room for that
        command, so it stays in the socket."""
        kept: u64 = self._take_kept(c)
        peeked: cython.Py_ssize_t = recv(c.fd, self.buffer + kept, READ_BYTES, MSG_DONTWAIT | MSG_PEEK)
        if peeked <= 0:
            self._keep_or_drop(owner, c, kept, peeked)
            return
        now_ns: u64 = monotonic_ns()
        used: u64 = self._decode_messages(owner, c, kept + peeked, now_ns)
        if used < kept:
            self._keep(c, self.buffer + used, kept - used)
        elif used > kept:
            self.received_bytes += recv(c.fd, self.buffer, used - kept, MSG_DONTWAIT)
        self._follow_decoded(owner, c, now_ns)

    def _keep_or_drop(self, owner: u32, c: cython.pointer[Connection], kept: u64, n_bytes: cython.Py_ssize_t) -> None:
        """Nothing was read: the connection has ended if recv says so, else the kept bytes in the buffer stay kept."""
        self._keep(c, self.buffer, kept)
        if n_bytes == 0 or (errno != EAGAIN and errno != EINTR):
            self.connections.drop(owner, NO_REASON)

    def _decode(self, owner: u32, c: cython.pointer[Connection], n_bytes: u64, now_ns: u64) -> None:
        """Decode the messages in the buffer. The sequencer has room for one command for each 16 bytes."""
        used: u64 = self._decode_messages(owner, c, n_bytes, now_ns)
        if not self._follow_decoded(owner, c, now_ns):
            return
        if not self._keep(c, self.buffer + used, n_bytes - used):
            self.connections.drop(owner, NO_REASON)
        elif used != n_bytes and self.decoder.mass_cancel != 0:
            self.mass_cancels.resume_later(owner)

    def _decode_messages(self, owner: u32, c: cython.pointer[Connection], n_bytes: u64, now_ns: u64) -> u64:
        return self.decoder.decode(
            cython.address(c.account), owner, self.buffer, n_bytes, now_ns, now_ns + self.clock_offset_ns
        )

    def _follow_decoded(self, owner: u32, c: cython.pointer[Connection], now_ns: u64) -> cython.bint:
        """Do what the decoded messages want. Returns whether the session goes on."""
        if self.decoder.refused_count != 0:
            self.connections.refuse(owner, self.decoder.refused, self.decoder.refused_count, now_ns)
            if c.state != ACTIVE:
                return False
        if self.decoder.mass_cancel != 0:
            self.mass_cancels.wait_for(owner, self.decoder.mass_cancel)
        if self.decoder.reason == NO_REASON:
            return True
        if self.decoder.reason == CLIENT_LOGOUT:
            self.connections.begin_logout(owner)
        else:
            self.connections.end(owner, self.decoder.reason, now_ns)
        return False

    def _ignore(self, owner: u32, c: cython.pointer[Connection]) -> None:
        """Discard what a client sends after its Logout.

        Unread data would reset the connection and lose its last reports.
        """
        n_bytes: cython.Py_ssize_t = recv(c.fd, self.buffer, BUFFER_BYTES, MSG_DONTWAIT)
        if n_bytes == 0 and c.state == ACTIVE:
            return  # it has closed its side and waits for its last reports
        if n_bytes == 0 or (n_bytes < 0 and errno != EAGAIN and errno != EINTR):
            self.connections.drop(owner, c.reason if c.state != ACTIVE else CLIENT_LOGOUT)

    # ------------------------------------------------------------------ received bytes that are not decoded yet

    def _keep(self, c: cython.pointer[Connection], data: cython.pointer[cython.const[u8]], n_bytes: u64) -> cython.bint:
        """Keep received bytes that were not decoded. False if there is no memory for them."""
        if n_bytes <= MAX_MESSAGE:
            memcpy(c.partial, data, n_bytes)
            c.partial_bytes = n_bytes
            return True
        c.partial_bytes = 0
        c.held = cython.cast(cython.pointer[u8], malloc(n_bytes))
        if not c.held:
            return False
        memcpy(c.held, data, n_bytes)
        c.held_bytes = n_bytes
        return True

    def _take_kept(self, c: cython.pointer[Connection]) -> u64:
        """Move the kept bytes to the buffer. Returns their number."""
        n_bytes: u64 = c.partial_bytes
        memcpy(self.buffer, c.partial, n_bytes)
        c.partial_bytes = 0
        if c.held_bytes != 0:
            memcpy(self.buffer + n_bytes, c.held, c.held_bytes)
            n_bytes += c.held_bytes
            free(c.held)
            c.held = cython.NULL
            c.held_bytes = 0
        return n_bytes
