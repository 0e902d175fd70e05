# Signatures and fields of ring.py, in its order.

from pricetime.core.layout cimport i64, u8, u32, u64
from pricetime.native.arrays cimport records_of
from pricetime.native.clock cimport monotonic_ns
from pricetime.native.latch cimport Latch
from pricetime.ring.idle cimport Idle
from pricetime.ring.layout cimport DEFAULT_SLOT_BYTES, MAX_CAPACITY, PREFIX
from pricetime.ring.slots cimport Slots


cdef class Ring(Slots):
    cdef readonly Idle idle          # how the calls from Python wait
    cdef Latch putting               # held while a call from Python puts
    cdef Latch getting

    cdef int _wait_as(self, object idle) except -1
    cdef int _enter(self, Latch latch, str what) except -1
    cdef u64 _claim(self, u64 wanted, i64 deadline_ns) except? 0
    cdef u64 _peek(self, u64 wanted, i64 deadline_ns) except? 0
    cdef void _write(self, u64 index, bytes message) noexcept
    cdef bytes _read(self, u64 index)
    cdef bytes _message(self, object message)
    cdef object _dtype(self, object dtype)


cdef i64 deadline_after(object timeout) except? -1
