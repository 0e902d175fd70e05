# Signatures and fields of number_queue.py, in its order.

from pricetime.core.layout cimport u32
from pricetime.native.memory cimport release, reserve


cdef class NumberQueue:
    cdef u32 *numbers                # ring
    cdef size_t mask                 # number of its slots - 1
    cdef u32 first                   # slot of the first number
    cdef readonly u32 count

    cdef void push(self, u32 number) noexcept nogil
    cdef u32 pop(self) noexcept nogil
