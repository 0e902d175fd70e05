# Signatures of ring_loops.py, in its order.

from pricetime.core.layout cimport u8, u32, u64
from pricetime.native.bits cimport ACQUIRE, RELEASE, load_u64, store_u64
from pricetime.native.clock cimport monotonic_ns
from pricetime.native.waiting cimport sleep_while
from pricetime.ring.idle cimport Idle
from pricetime.ring.ring cimport Ring

from benchmarks.alternatives.mutex_ring cimport MutexRing
from benchmarks.inside cimport read_ticks

cdef enum:
    WORDS = 8                        # of a record

ctypedef fused AnyRing:
    Ring
    MutexRing
