# Signatures and fields of builder.py, in its order.

from pricetime.core.check cimport check_books
from pricetime.core.engine cimport Engine, digest_of
from pricetime.core.layout cimport (
    DUPLICATE_ORDER_ID, INVALID_PRICE, INVALID_QUANTITY, INVALID_SIDE, INVALID_STATE, LEVELS_FULL, MALFORMED, NIL,
    ORDERS_FULL, OUT_OF_SEQUENCE, UNKNOWN_INSTRUMENT, UNKNOWN_ORDER, WOULD_CROSS,
    Book, Report, SnapshotOrder, i64, u32, u64,
)
from pricetime.core.rebuilt cimport Rebuilt
from pricetime.native.arrays cimport Block, records_of


cdef class BookBuilder:
    cdef Engine engine               # holds the books; no command ever comes to it
    cdef Rebuilt rebuilt             # what reports do to them
    cdef object _capacity
    cdef object _level_capacity
    cdef object __weakref__

    cdef i64 apply_run(self, const Report *reports, u64 count) noexcept nogil


cdef object checked_records(object records, object dtype, str name)
