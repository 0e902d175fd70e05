# Signatures of check_venue.py, in its order.

from pricetime.core.book cimport Books, key_of
from pricetime.core.layout cimport *

cdef int check_venue(Books books, Book *book, list slots) except -1
cdef object _is_for_auction(Books books, u32 slot)
cdef int _check_extra(Books books, u32 slot) except -1
cdef int _check_place(Books books, u32 slot, u32 place) except -1
cdef int _check_heap(Books books, Book *book, list slots) except -1
cdef int _check_days(Books books, Book *book, set due) except -1
cdef int check_extras(Books books, dict seen_orders) except -1
cdef object _refreshes_of(Books books, Book *book)
cdef object _refreshes_left(object hidden, object display, object waits, object least)
