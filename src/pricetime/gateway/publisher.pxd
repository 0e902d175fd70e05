# Signatures and fields of publisher.py, in its order.

from pricetime.core.layout cimport Report, u8, u32, u64
from pricetime.gateway.faults cimport Faults
from pricetime.gateway.layout cimport REPORT_BYTES
from pricetime.gateway.store cimport FeedStore
from pricetime.native.sockets cimport (
    EAGAIN, EINTR, EINVAL, EMSGSIZE, ENOBUFS, MSG_DONTWAIT, SOL_UDP, UDP_SEGMENT, errno, iovec, mmsghdr, send, sendmmsg,
    setsockopt,
)
from pricetime.wire.layout cimport FEED_HEARTBEAT, FeedHeartbeat

cdef enum:
    MOST_BYTES = 65000               # of one system call with segmentation offload
    MOST_SEGMENTS = 64
    MOST_MESSAGES = 64               # datagrams of one sendmmsg


cdef class Publisher:
    cdef FeedStore store
    cdef int fd                      # connected to the group
    cdef u64 per_datagram            # reports
    cdef u64 per_call                # reports of one call with segmentation offload, a multiple of per_datagram
    cdef bint offload                # does the system cut datagrams for us?
    cdef u64 next                    # number of the next report to be sent
    cdef u64 heartbeat_due_ns        # monotonic, when the next heartbeat is sent
    cdef u64 heartbeat_ns
    cdef u64 clock_offset_ns
    cdef Faults faults               # None: none
    cdef readonly u64 calls          # to the system, so far
    cdef readonly u64 datagrams      # that the system took, so far, heartbeats too
    cdef readonly u64 sent_bytes     # in them, without headers
    cdef readonly u64 unsent         # reports that the system refused, which only the recovery server still has

    cdef u64 step(self, u64 now_ns) noexcept nogil
    cdef void _cut_itself(self) noexcept nogil
    cdef u64 _send(self, const Report *first, u64 count) noexcept nogil
    cdef u64 _send_many(self, const Report *first, u64 count) noexcept nogil
    cdef void finish(self, u64 now_ns) noexcept nogil
    cdef void _beat(self, u64 now_ns) noexcept nogil
