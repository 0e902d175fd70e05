cdef unsigned long long monotonic_ns() noexcept nogil
cdef unsigned long long clock_offset_ns() noexcept nogil
