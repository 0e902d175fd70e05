cdef unsigned long long monotonic_ns() noexcept nogil
