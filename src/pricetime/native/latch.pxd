cdef class Latch:
    cdef unsigned int taken            # 1 while somebody is inside

    cdef bint enter(self) noexcept
    cdef void leave(self) noexcept
