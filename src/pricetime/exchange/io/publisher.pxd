# Signatures and fields of publisher.py, in its order.

from pricetime.core.layout cimport Report, u32, u64
from pricetime.exchange.io.faults cimport Faults
from pricetime.exchange.state.layout cimport REPORT_BYTES
from pricetime.exchange.state.feed_store cimport FeedStore
from pricetime.native.sockets cimport (
    EAGAIN, EINTR, EINVAL, EMSGSIZE, ENOBUFS, MSG_DONTWAIT, SOL_UDP, UDP_SEGMENT, errno, iovec, mmsghdr, send, sendmmsg,
    setsockopt,
)
from pricetime.wire.layout cimport FEED_HEARTBEAT, FeedHeartbeat

cdef enum:
    MOST_BYTES = 65000               # maximum size of one send call with segmentation offload
    MOST_SEGMENTS = 64               # maximum number of datagrams of one such call
    MOST_MESSAGES = 64               # maximum number of datagrams of one sendmmsg call


cdef class Publisher:
    cdef FeedStore store
    cdef int fd                      # UDP socket, connected to the group
    cdef u64 per_datagram            # maximum number of reports in a datagram
    cdef u64 per_call                # maximum number of reports in a call with offload, a multiple of per_datagram
    cdef bint offload                # segmentation offload is enabled
    cdef u64 next                    # number of the next report to send
    cdef u64 heartbeat_due_ns        # monotonic: when the next heartbeat is due
    cdef u64 heartbeat_ns            # interval of heartbeats
    cdef u64 clock_offset_ns         # added to the monotonic clock: ns since 1970
    cdef u32 term                    # of the log
    cdef bint busy                   # the exchange cannot acknowledge commands; the event loop sets it
    cdef Faults faults               # None without fault injection
    # counters since the start
    cdef readonly u64 calls          # system calls
    cdef readonly u64 datagrams      # datagrams sent, including heartbeats
    cdef readonly u64 sent_bytes     # bytes in them, without headers
    cdef readonly u64 unsent         # reports that the kernel refused: available only from the recovery server

    cdef u64 step(self, u64 now_ns) noexcept nogil
    cdef void _disable_offload(self) noexcept nogil
    cdef u64 _send(self, const Report *first, u64 count) noexcept nogil
    cdef u64 _send_many(self, const Report *first, u64 count) noexcept nogil
    cdef void finish(self, u64 now_ns) noexcept nogil
    cdef void _send_heartbeat(self, u64 now_ns) noexcept nogil
