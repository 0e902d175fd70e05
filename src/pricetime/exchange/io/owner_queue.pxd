# Signatures and fields of owner_queue.py, in its order.

from pricetime.core.layout cimport u32
from pricetime.exchange.state.layout cimport OWNERS
from pricetime.native.memory cimport release, reserve


cdef class OwnerQueue:
    cdef u32 *owners                 # ring of OWNERS slots
    cdef u32 first                   # slot of the first owner
    cdef readonly u32 count

    cdef void push(self, u32 owner) noexcept nogil
    cdef u32 pop(self) noexcept nogil
