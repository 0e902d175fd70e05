# Signatures and fields of replica.py, in its order.

from pricetime.core.book cimport key_of
from pricetime.core.builder cimport BookBuilder
from pricetime.core.layout cimport BID, NIL, Book, Ladder, Level, Report, i64, u32, u64
from pricetime.exchange.state.feed_store cimport FeedStore
from pricetime.native.bits cimport ACQUIRE, RELEASE, load_u32, store
from pricetime.native.latch cimport Latch
from pricetime.native.waiting cimport pause, yield_processor

cdef enum:
    RUN = 256                        # reports applied before other threads can take the latch
    FIRST_ORDERS = 131072            # orders whose memory is prefaulted
    TRIES = 10000                    # attempts to take the latch, about 10 ns each


cdef class Replica:
    cdef FeedStore store
    cdef readonly BookBuilder builder
    cdef Latch latch
    cdef u64 next                    # number of the next report to apply
    cdef u32 ended                   # 1: run must return; atomic
    cdef readonly bint broken        # a report did not match the books: no more snapshots

    cdef bint _is_ended(self) noexcept nogil
    cdef u64 step(self) noexcept nogil
    cdef void _add_up(self, Ladder *ladder, u64 *orders, double *lots) noexcept nogil
    cdef u64 _apply(self, u64 most) noexcept nogil
    cdef bint _enter_between_commands(self) noexcept nogil
