# Signatures and fields of mapping.py, in its order.

from cpython.buffer cimport Py_buffer

cdef class Mapping:
    cdef unsigned char *memory       # NULL once it is closed
    cdef readonly size_t n_bytes
    cdef Py_ssize_t exports          # views that use it

    cdef int _check(self, size_t first, size_t n_bytes) except -1
