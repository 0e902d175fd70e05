# Signatures of check.py, in its order.

from pricetime.core.book cimport Books, key_of, place_of
from pricetime.core.check_venue cimport check_extras, check_venue
from pricetime.core.layout cimport *

cdef int check_books(Books books, bint may_cross=*) except -1
cdef int _check_side(Books books, Ladder *ladder, u32 side, u32 place, tuple seen) except -1
cdef int _check_queues(Books books, Book *book, dict seen_orders) except -1
cdef int _check_phase(Books books, Book *book) except -1
cdef list _check_tree(Books books, Ladder *ladder, set seen_nodes)
cdef int _check_node(Books books, u32 node, set seen_nodes, list levels) except -1
cdef int _check_ladder(Books books, Ladder *ladder, u32 side, list levels) except -1
cdef int _check_level(Books books, u32 level, dict seen_orders) except -1
cdef int _check_prices(Books books, Book *book, u32 side) except -1
cdef int _check_uncrossed(Book *book) except -1
cdef int _check_ids(Books books, Book *book, u64 resting) except -1
cdef int _check_owner_lists(Books books, dict seen_orders) except -1
cdef int _check_owner_list(Books books, u32 owned, u32 owner, dict seen_orders, set listed) except -1
cdef int _check_pools(Books books, dict seen_orders, dict seen_levels, set seen_nodes) except -1
