cdef class Block:
    cdef void *memory
    cdef readonly size_t n_bytes
    cdef Py_ssize_t exports          # arrays that use it; atomic, because any thread may free one

    cdef bint in_use(self) noexcept

cdef const void *records_of(object array) except? NULL
cdef object checked_records(object records, object dtype, object name, object error)
