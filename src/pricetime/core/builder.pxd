# Signatures and fields of builder.py, in its order.

from pricetime.core.check cimport check_books
from pricetime.core.shared_books cimport SharedBooks, digest_of, enter
from pricetime.core.layout cimport *
from pricetime.core.rebuilt cimport Rebuilt
from pricetime.core.snapshot_orders cimport clear_books, load_run, write_book
from pricetime.native.arrays cimport Block, checked_records, records_of
from pricetime.native.latch cimport Latch


cdef class BookBuilder:
    cdef Latch latch                 # of the builder and of every book that it ever had: held whenever these are used
    cdef SharedBooks engine               # holds the books; it executes no commands. A snapshot may replace it
    cdef Rebuilt rebuilt             # what reports do to them
    cdef object __weakref__

    cdef int _use(self, SharedBooks engine) except -1
    cdef int enter(self) except -1
    cdef void leave(self) noexcept
    cdef i64 apply_run(self, const Report *reports, u64 count) noexcept nogil
    cdef int _load(self, const SnapshotOrder *first, u64 count, u64 seq_num, object digest) except -1
    cdef void _empty(self) noexcept
    cdef object _auction(self, object number)
    cdef int _set_auction(self, object number, object known) except -1


cdef object misfit(u64 seq_num, u32 fault, u64 last)
cdef SharedBooks empty_books(object instruments, object capacity, object level_capacity)
cdef dict checked_instruments(object instruments)
cdef list checked_auctions(object snapshot)
cdef tuple in_their_phases(object known)
