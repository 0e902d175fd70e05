"""Sends the feed: UDP datagrams of whole reports, directly from the memory of the feed store.

With UDP segmentation offload, one ``send`` call sends up to 64 datagrams; without it, one ``sendmmsg`` call does. Each
iteration of the event loop sends all reports that were written since the last one, even if they do not fill a datagram:
under load an iteration fills many datagrams, and without load no report waits. At a fixed interval, with and without
load, a heartbeat carries the next sequence number and the checksum of all reports.
"""

from __future__ import annotations

import cython

from pricetime.exchange.io.faults import Faults
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.state.feed_store import FeedStore

if cython.compiled:
    from cython.cimports.libc.string import memset


@cython.final
@cython.cclass
class Publisher:
    """``fd``: a UDP socket connected to the group. ``offload``: segmentation offload is enabled on it. ``term``: of the
    log, for the heartbeats.
    """

    def __init__(
        self,
        store: FeedStore,
        fd: int,
        offload: bool,
        settings: GatewayConfig,
        faults: Faults | None,
        clock_offset_ns: int,
        term: int = 0,
    ) -> None:
        self.store = store
        self.fd = fd
        self.offload = offload
        self.faults = faults
        self.per_datagram = settings.reports_per_datagram
        segments: u64 = MOST_BYTES // (self.per_datagram * REPORT_BYTES)
        segments = max(cython.cast(u64, 1), min(segments, cython.cast(u64, MOST_SEGMENTS)))
        self.per_call = segments * self.per_datagram
        self.heartbeat_ns = settings.feed_heartbeat_ms * 1_000_000
        self.clock_offset_ns = clock_offset_ns
        self.term = term
        self.busy = False
        self.next = self.store.newest()
        self.heartbeat_due_ns = self.calls = self.unsent = self.datagrams = self.sent_bytes = 0

    def step(self, now_ns: u64) -> u64:
        """Send all new reports of the store, and a heartbeat if one is due. Returns the number of reports."""
        newest: u64 = self.store.newest()
        done: u64 = 0
        while self.next < newest:
            first: cython.pointer[Report] = self.store.at(self.next)
            count: u64 = self.store.run_from(self.next)
            sent: u64 = self._send(first, count)
            if sent == 0:
                if errno == EINTR:
                    continue
                if self.offload and (errno == EMSGSIZE or errno == EINVAL):
                    self._disable_offload()
                    continue
                if (errno == EAGAIN or errno == ENOBUFS) and newest - self.next < self.store.capacity // 2:
                    break  # the socket is full: try again in the next iteration
                sent = min(count, self.per_call)
                self.unsent += sent
            else:
                self.datagrams += (sent + self.per_datagram - 1) // self.per_datagram
                self.sent_bytes += sent * REPORT_BYTES
            self.next += sent
            done += sent
        if now_ns >= self.heartbeat_due_ns and self.next == newest:
            self._send_heartbeat(now_ns)
        return done

    def iterate(self, now_ns: int) -> int:
        """One ``step``, for tests."""
        return self.step(now_ns)

    def _disable_offload(self) -> None:
        """The kernel cannot split into datagrams of this size (larger than the interface's MTU): use sendmmsg."""
        nothing: cython.int = 0
        setsockopt(self.fd, SOL_UDP, UDP_SEGMENT, cython.address(nothing), cython.sizeof(cython.int))
        self.offload = False

    def _send(self, first: cython.pointer[cython.const[Report]], count: u64) -> u64:
        """Send ``count`` contiguous reports. Returns how many the kernel took; 0 with errno set if none."""
        self.calls += 1
        if self.faults is not None:
            count = min(count, self.per_datagram)
            return count if self.faults.send(self.fd, first, count) else 0
        if not self.offload:
            return self._send_many(first, count)
        count = min(count, self.per_call)
        taken: cython.Py_ssize_t = send(self.fd, first, count * REPORT_BYTES, MSG_DONTWAIT)
        return count if taken > 0 else 0

    def _send_many(self, first: cython.pointer[cython.const[Report]], count: u64) -> u64:
        messages: mmsghdr[64]
        pieces: iovec[64]
        memset(messages, 0, MOST_MESSAGES * cython.sizeof(mmsghdr))
        n: u32 = 0
        done: u64 = 0
        while done < count and n < MOST_MESSAGES:
            part: u64 = min(count - done, self.per_datagram)
            pieces[n].iov_base = cython.cast(cython.p_void, cython.address(first[done]))
            pieces[n].iov_len = part * REPORT_BYTES
            messages[n].msg_hdr.msg_iov = cython.address(pieces[n])
            messages[n].msg_hdr.msg_iovlen = 1
            done += part
            n += 1
        taken: cython.int = sendmmsg(self.fd, messages, n, MSG_DONTWAIT)
        if taken <= 0:
            return 0
        return min(count, cython.cast(u64, taken) * self.per_datagram)

    def finish(self, now_ns: u64) -> None:
        """Send a last heartbeat, so that subscribers can verify that they have the last report."""
        self.heartbeat_due_ns = now_ns
        self.step(now_ns)

    def _send_heartbeat(self, now_ns: u64) -> None:
        """Send a heartbeat. All earlier reports have been sent."""
        if self.faults is not None:
            self.faults.send_held(self.fd)
        message: FeedHeartbeat
        memset(cython.address(message), 0, cython.sizeof(FeedHeartbeat))
        message.type = FEED_HEARTBEAT
        message.busy = self.busy
        message.checksum = self.store.checksum
        message.seq_num = self.next
        message.epoch = self.store.epoch
        message.timestamp = now_ns + self.clock_offset_ns
        message.term = self.term
        if send(self.fd, cython.address(message), cython.sizeof(FeedHeartbeat), MSG_DONTWAIT) > 0:
            self.datagrams += 1
            self.sent_bytes += cython.sizeof(FeedHeartbeat)
        self.heartbeat_due_ns = now_ns + self.heartbeat_ns
