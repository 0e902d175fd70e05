# Signatures and fields of inbound.py, in its order.

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from pricetime.core.layout cimport u8, u32, u64
from pricetime.exchange.io.connections cimport Connections
from pricetime.exchange.io.decoder cimport Decoder
from pricetime.exchange.io.layout cimport (
    ABSENT, ACTIVE, BUFFER_BYTES, DOUBLINGS, FULL_READS, MAX_MESSAGE, READ_BYTES, Connection,
)
from pricetime.exchange.io.mass_cancels cimport MassCancels
from pricetime.exchange.state.sequencer cimport Sequencer
from pricetime.native.clock cimport monotonic_ns
from pricetime.native.memory cimport release, reserve
from pricetime.native.sockets cimport EAGAIN, EINTR, EPOLLOUT, MSG_DONTWAIT, MSG_PEEK, errno, recv
from pricetime.wire.layout cimport CLIENT_LOGOUT, NO_REASON


cdef class Inbound:
    cdef Sequencer sequencer
    cdef Connections connections
    cdef MassCancels mass_cancels
    cdef readonly Decoder decoder
    cdef u64 clock_offset_ns         # added to the monotonic clock: ns since 1970
    cdef u8 *buffer
    # counters since the start
    cdef readonly u64 received_bytes # from logged-in clients
    cdef readonly u64 ring_full      # times that a client was not read because there was no room for its commands

    cdef void resume(self, u64 now_ns) noexcept nogil
    cdef void serve(self, u32 owner, u32 what, u64 now_ns, bint reads) noexcept nogil
    cdef void _read(self, u32 owner, Connection *c) noexcept nogil
    cdef void _refuse(self, u32 owner, Connection *c) noexcept nogil
    cdef void _keep_or_drop(self, u32 owner, Connection *c, u64 kept, Py_ssize_t n_bytes) noexcept nogil
    cdef void _decode(self, u32 owner, Connection *c, u64 n_bytes, u64 now_ns) noexcept nogil
    cdef u64 _decode_messages(self, u32 owner, Connection *c, u64 n_bytes, u64 now_ns) noexcept nogil
    cdef bint _follow_decoded(self, u32 owner, Connection *c, u64 now_ns) noexcept nogil
    cdef void _ignore(self, u32 owner, Connection *c) noexcept nogil
    cdef bint _keep(self, Connection *c, const u8 *data, u64 n_bytes) noexcept nogil
    cdef u64 _take_kept(self, Connection *c) noexcept nogil
