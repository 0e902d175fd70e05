cdef class Latch:
    cdef unsigned int taken            # 1 while somebody is inside

    cdef bint enter(self) noexcept nogil
    cdef void leave(self) noexcept nogil
