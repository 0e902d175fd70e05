# Signatures and fields of streams.py, in its order.

from pricetime.core.layout cimport Report, u32, u64
from pricetime.exchange.state.layout cimport OWNERS, REPORT_BYTES, Stream
from pricetime.log.layout cimport SnapshotOwner
from pricetime.native.arrays cimport Block, records_of
from pricetime.native.memory cimport release, reserve, prefault_pages

cdef enum:
    NO_LIMIT = 0xFFFFFFFFFFFFFFFF
    MOST_SPARES = 64                 # maximum number of preallocated streams


cdef class Streams:
    cdef Stream *streams             # by owner
    cdef u64 capacity                # reports kept of each stream, a power of two
    cdef u64 mask
    cdef Report *spares[64]          # preallocated streams that have no owner yet
    cdef readonly u32 spare_count
    cdef u32 *fresh                  # owners whose reader has something to read
    cdef u32 fresh_count

    cdef Report *_take_spare(self) noexcept nogil
    cdef bint open(self, Stream *s) noexcept nogil
    cdef bint has_room(self, u32 owner, u64 count) noexcept nogil
    cdef bint make_ready(self, u32 owner) noexcept nogil
    cdef void take(self, u32 owner) noexcept nogil
    cdef void mark(self, u32 owner) noexcept nogil
    cdef void read_up_to(self, u32 owner, u64 number) noexcept nogil
    cdef void leave(self, u32 owner) noexcept nogil
    cdef void _update(self, Stream *s) noexcept nogil
    cdef u64 oldest(self, Stream *s) noexcept nogil
    cdef u64 _kept(self, Stream *s, u64 most) noexcept nogil
    cdef void _write(self, SnapshotOwner *headers, Report *reports, u64 most) noexcept nogil
    cdef int _check(self, object owners, object reports) except -1
