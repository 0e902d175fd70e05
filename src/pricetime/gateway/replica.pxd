# Signatures and fields of replica.py, in its order.

from pricetime.core.book cimport key_of
from pricetime.core.builder cimport BookBuilder
from pricetime.core.layout cimport BID, NIL, Book, Ladder, Level, Report, i64, u32, u64
from pricetime.gateway.store cimport FeedStore
from pricetime.native.bits cimport ACQUIRE, RELEASE, load_u32, store
from pricetime.native.latch cimport Latch
from pricetime.native.waiting cimport pause, yield_processor

cdef enum:
    RUN = 256                        # reports applied between two chances for a snapshot or a look
    FIRST_ORDERS = 131072            # whose memory is taken up at the start
    TRIES = 10000                    # to get in between two runs, each some ten ns


cdef class Replica:
    cdef FeedStore store
    cdef readonly BookBuilder builder
    cdef Latch latch
    cdef u64 next                    # number of the next report to be applied
    cdef u32 ended
    cdef readonly bint broken        # a report did not fit: no snapshots any more

    cdef bint _is_ended(self) noexcept nogil
    cdef u64 step(self) noexcept nogil
    cdef void _add_up(self, Ladder *ladder, u64 *orders, double *lots) noexcept nogil
    cdef u64 _apply(self, u64 most) noexcept nogil
    cdef bint _hold(self) noexcept nogil
