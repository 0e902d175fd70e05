# Signatures and fields of rebuilt.py, in its order.

from pricetime.native.bits cimport prefetch
from pricetime.core.book cimport Books, key_of
from pricetime.core.layout cimport (
    ACCEPTED, AHEAD, ASK, BID, CANCELLED, DUPLICATE_ORDER_ID, EXECUTION_REPORT, EXPIRED, HALTED, INVALID_PRICE,
    INVALID_QUANTITY, INVALID_SIDE, INVALID_STATE, KEPT_PLACE, LEVELS_FULL, MALFORMED, MASS_CANCELLED, NIL, NONE, OPEN_ORDER,
    OPEN_ORDERS_END, ORDERS_FULL, OUT_OF_SEQUENCE, REDUCED, REJECTED, REPLACED, SNAPSHOT_ORDER, STATE_CHANGED, TRADE,
    UNKNOWN_INSTRUMENT, UNKNOWN_ORDER, WOULD_CROSS,
    Book, IdEntry, Ladder, Level, Order, Report, SnapshotOrder, i64, u32, u64,
)
from pricetime.core.resting cimport remove_all


cdef class Rebuilt:
    cdef Books books                 # books.seq_num is that of the last report
    cdef u32 crossing                # entry in the directory of the book that a taker crosses right now, or NIL
    cdef u32 fault                   # why the last report did not fit, NONE when it did

    # reports
    cdef i64 apply_run(self, const Report *reports, u64 count) noexcept nogil
    cdef inline IdEntry *_likely_entry(self, Book *book, const Report *r) noexcept nogil
    cdef inline u32 _apply(self, const Report *r) noexcept nogil
    cdef inline u32 _enter(self, Book *book, u32 side, u64 order_id, i64 price, u64 quantity) noexcept nogil
    cdef inline u32 _trade(self, Book *book, const Report *r) noexcept nogil
    cdef inline u32 _take(self, Book *book, const Report *r) noexcept nogil
    cdef u32 _replace(self, Book *book, const Report *r) noexcept nogil
    cdef void _move(self, Book *book, u32 slot, i64 key, u64 quantity) noexcept nogil
    cdef u32 _set_state(self, Book *book, const Report *r) noexcept nogil

    # what they do to an order
    cdef bint _is_new_level(self, Book *book, u32 side, i64 key) noexcept nogil
    cdef inline void _join(self, Book *book, u32 side, i64 key, u32 slot) noexcept nogil
    cdef inline void _take_from(self, Book *book, u32 slot, u64 quantity) noexcept nogil

    # books that are crossed
    cdef inline void _watch(self, Book *book) noexcept nogil
    cdef u32 watch_all(self) noexcept nogil

    # snapshots
    cdef u64 write_book(self, Book *book, SnapshotOrder *orders, u64 count) noexcept nogil
    cdef i64 load_run(self, const SnapshotOrder *orders, u64 count) noexcept nogil
    cdef void clear(self) noexcept nogil
