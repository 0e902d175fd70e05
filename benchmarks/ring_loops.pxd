# Signatures of ring_loops.py, in its order.

from pricetime.core.layout cimport u32, u64
from pricetime.native.arrays cimport records_of
from pricetime.native.waiting cimport sleep_while
from pricetime.ring.idle cimport Idle
from pricetime.ring.ring cimport Ring

from benchmarks.engine_loops cimport read_ticks

cdef enum:
    WORDS = 8                        # of a record

cdef void _write(void *slot, u64 number) noexcept nogil
cdef u64 _differs(void *slot, u64 number) noexcept nogil
cdef void _produce(Ring ring, u64 first, u64 count, u64 batch, Idle idle) noexcept nogil
cdef u64 _consume(Ring ring, u64 first, u64 count, u64 batch, Idle idle, u64 stall_every, u64 stall_ns) noexcept nogil
cdef void _ping(Ring there, Ring back, u64 count, u32 *ticks, Idle idle) noexcept nogil
cdef void _echo(Ring there, Ring back, u64 count, Idle idle) noexcept nogil
cdef void _put_one(Ring ring, u64 number, Idle idle) noexcept nogil
cdef u64 _get_one(Ring ring, Idle idle) noexcept nogil
