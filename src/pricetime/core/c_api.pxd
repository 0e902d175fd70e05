# The C API, for compiled callers: cimport it, or take the function pointers from c_api.__pyx_capi__ (see
# docs/reference/c-api.md and include/pricetime.h). No call but the first and the last needs the GIL, none touches
# Python. One thread at a time may be inside the same books.

from pricetime.core.book cimport Books, key_of
from pricetime.core.layout cimport *

cdef void *open_books(u32 instruments, u64 capacity, u64 level_capacity) noexcept with gil
cdef void close_books(void *books) noexcept with gil
cdef u64 report_bound(Books books, u64 count) noexcept nogil
cdef i64 run_commands(Books books, const Command *commands, u64 count, Report *reports, u64 room) noexcept nogil
cdef u64 commands_left(Books books) noexcept nogil
cdef bint best_price(Books books, u32 instrument, u32 side, i64 *price) noexcept nogil
cdef u64 depth(Books books, u32 instrument, u32 side, u64 levels, i64 *prices, u64 *quantities,
               u32 *counts) noexcept nogil
cdef u64 resting_orders(Books books) noexcept nogil
cdef u64 digest(Books books, u32 instrument) noexcept nogil
