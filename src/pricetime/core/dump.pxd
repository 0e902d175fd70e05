# Signatures and fields of dump.py, in its order.

from pricetime.core.book cimport Books, key_of, may_rest, refuse_terms
from pricetime.core.layout cimport (
    AHEAD, ALL_INSTRUMENTS, ASK, BID, CANCEL_SMALLER, CONTINUE, DUPLICATE_ORDER_ID, HALTED, INVALID_QUANTITY, INVALID_SELF_TRADE,
    INVALID_SIDE, INVALID_PHASE, INVALID_TIME_IN_FORCE, LEVEL_QUANTITY_FULL, LEVELS_FULL, NEW_ORDER, NIL, NONE, CONTINUOUS,
    ORDERS_FULL, SET_PHASE, UNKNOWN_COMMAND, UNKNOWN_INSTRUMENT, UNKNOWN_ORDER, WOULD_CROSS,
    Book, Command, Ladder, Level, Order, OrderCold, OwnerLink, OwnerList, Walk, i64, u8, u32, u64,
)
from pricetime.native.arrays cimport Block, records_of
from pricetime.native.bits cimport prefetch
from pricetime.native.memory cimport release, reserve


cdef class Resting:
    cdef Books books
    cdef u8 *entered                 # by slot: 1 when its command is written
    cdef u64 slots                   # of them
    cdef Command *commands           # the output; a queued order has only its slot (in sequence) and instrument yet
    cdef u64 count                   # written and queued
    cdef u32 only                    # instrument whose orders are wanted, or ALL_INSTRUMENTS
    cdef u32 fault                   # why the last command did not fit, NONE when it did

    # from books to commands
    cdef u64 write(self, Command *commands, u64 first, u32 instrument) noexcept nogil
    cdef void _line_up_book(self, Book *book) noexcept nogil
    cdef inline void _line_up(self, u32 slot, u32 instrument) noexcept nogil
    cdef inline void _write_order(self, Command *c, u32 slot) noexcept nogil
    cdef inline void _line_up_behind(self, u32 slot, u32 instrument) noexcept nogil
    cdef inline bint _is_due(self, u32 slot) noexcept nogil
    cdef inline u32 _older(self, u32 slot) noexcept nogil
    cdef inline u32 _newer(self, u32 slot) noexcept nogil
    cdef void write_state(self, Command *c, u32 instrument, u32 state) noexcept nogil
    cdef u64 write_walks(self, Command *commands, u64 first) noexcept nogil
    cdef void _write_walk(self, Command *c, u32 owner) noexcept nogil

    # and back
    cdef i64 place_run(self, const Command *commands, u64 count) noexcept nogil
    cdef inline u32 _place(self, Book *book, const Command *c) noexcept nogil
    cdef inline u32 _place_order(self, Book *book, const Command *c) noexcept nogil
    cdef u32 _place_walk(self, const Command *c) noexcept nogil
    cdef u32 _behind(self, u32 slot, u64 orders) noexcept nogil
    cdef bint is_crossed(self) noexcept nogil


cdef object commands_of(Books books, object instruments)
cdef int place_all(Books books, object instruments, object commands) except -1
cdef int _make_room(Books books, object instruments, object commands) except -1
cdef int _reset(Books books, object instruments) except -1
cdef void remove_all(Books books) noexcept nogil
