cdef enum:
    HUGE_PAGE = 1 << 21              # less than this is not worth a call that asks for such pages

cdef void *reserve(size_t n_bytes) noexcept nogil
cdef void prefault_pages(void *memory, size_t n_bytes) noexcept nogil
cdef void release(void *memory, size_t n_bytes) noexcept nogil
