# Signatures of book_calls.py, in its order.

from pricetime.core.arguments cimport price_of, side_of, timestamp_of
from pricetime.core.book_view cimport BookView
from pricetime.core.call cimport Calls
from pricetime.core.layout cimport *
from pricetime.core.rejections cimport refuse
from pricetime.core.shared_books cimport owner_with_orders
from pricetime.native.integers cimport u128


cdef class BookCalls(BookView):
    cdef inline int _takes_commands(self) except -1
    cdef inline i64 _ticks(self, object value) except? 0x7FFFFFFF
    cdef Command *_start(self, u32 kind, u64 order_id) except NULL
    cdef int _execute(self) except -1
    cdef inline int _check_accepted(self) except -1
    cdef int _refused(self, u32 reason) except -1
    cdef object _ended(self)
    cdef object _auction_price(self)


cdef int raise_read_only() except -1
cdef object _wide(u128 lots)
