# Signatures of executions.py, in its order.

from pricetime.core.book cimport Books
from pricetime.core.layout cimport *
from pricetime.execution cimport Execution, Trade

cdef Execution execution_of(Books books)
cdef int _read_reports(Books books, Execution execution) except -1
