# Signatures of rejections.py, in its order.

from pricetime.core.book cimport Books
from pricetime.core.layout cimport *

cdef int refuse(Books books, Book *book, Command *c, u32 reason) except -1
cdef object _of_instrument(Book *book, Command *c, u32 reason)
cdef object _name_of(u32 phase)
cdef object _of_extension(Book *book, Command *c, u32 reason)
cdef object _of_limits(Books books, Book *book, Command *c, u32 reason)
