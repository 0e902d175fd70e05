# Signatures and fields of idle.py, in its order.

from pricetime.core.layout cimport u64
from pricetime.native.waiting cimport pause, yield_processor


cdef class Idle:
    cdef readonly str until
    cdef readonly u64 spins
    cdef readonly u64 pauses
    cdef readonly u64 yields
    cdef u64 _pause_from             # the first check that pauses
    cdef u64 _yield_from             # the first that yields
    cdef u64 _block_from             # the first that blocks

    cdef bint step(self, u64 tries) noexcept nogil      # waits for a moment; True: the caller should block
