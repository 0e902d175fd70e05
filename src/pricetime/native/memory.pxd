cdef void *reserve(size_t n_bytes) noexcept nogil
cdef void touch(void *memory, size_t n_bytes) noexcept nogil
cdef void release(void *memory, size_t n_bytes) noexcept nogil
