# Signatures and fields of shared_books.py, in its order.

from pricetime.core.book cimport Books, mix
from pricetime.core.check cimport check_books
from pricetime.core.dump cimport dump_of
from pricetime.core.layout cimport *
from pricetime.core.restore cimport place_all
from pricetime.native.arrays cimport Block, checked_records, records_of
from pricetime.native.latch cimport Latch


cdef class SharedBooks:
    cdef Books books
    cdef Latch latch
    cdef Block _memory               # of the command
    cdef Command *command            # the one that a call executes
    cdef Block block                 # where reports go
    cdef Block spare                 # the one before, while arrays use the other
    cdef dict _instruments           # id -> Instrument
    cdef tuple _settings             # arguments of __init__
    cdef bint rebuilt                # from reports: its books take no commands
    cdef bint may_cross              # its books may be crossed in every phase
    cdef object __weakref__

    cdef object run(self, object commands, object ends=*)
    cdef object _run(self, object commands, object ends)
    cdef int _run_rest(self, object commands, u64 left, u64 *bounds) except -1
    cdef u64 cancel_orders_of(self, u32 owner, u32 instrument, u32 side) except? 0
    cdef int check_all(self) except -1
    cdef object _dump(self)
    cdef int load(self, object records, object seq_num, object next_reference) except -1
    cdef tuple state(self)
    cdef object known(self, object instrument)
    cdef int enter(self) except -1
    cdef void leave(self) noexcept
    cdef int execute(self) except -1
    cdef int execute_extended(self, Book *book) except -1
    cdef void _execute_with_more(self, Book *book) noexcept
    cdef int make_room(self, u64 commands, u64 listings=*) except -1
    cdef int _make_more_room(self, u64 commands) except -1
    cdef object take_reports(self)


cdef u64 SPARE_REPORTS               # a C variable: calls add to it

cdef object owner_with_orders(object owner)
cdef int enter(Latch latch) except -1
cdef int raise_busy() except -1
cdef object checked(object commands)
cdef object checked_book_records(object records)
cdef bint fits(Block block, u64 n_bytes) noexcept
cdef u64 listings_in(const Command *commands, u64 count) noexcept nogil
cdef u64 digest_of(Books books, object instruments, bint references=*) except? 0
