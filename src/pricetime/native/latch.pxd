cdef class Latch:
    cdef unsigned int taken            # 1 while a caller is inside

    cdef bint enter(self) noexcept nogil
    cdef void leave(self) noexcept nogil
