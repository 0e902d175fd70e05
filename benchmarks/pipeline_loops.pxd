# Signatures of pipeline_loops.py, in its order.

from pricetime.core.book cimport Books
from pricetime.core.engine cimport Engine
from pricetime.core.layout cimport Command, u32, u64
from pricetime.log.writer cimport Writer
from pricetime.native.clock cimport monotonic_ns
from pricetime.ring.idle cimport Idle
from pricetime.ring.ring cimport Ring

from benchmarks.inside cimport read_ticks
from benchmarks.journal_loops cimport _match, _match_journaled

cdef enum:
    BATCH = 256                      # commands in an iteration, as in the gateway's matcher

cdef void _fill(Ring ring, const Command *commands, u64 count, Idle idle) noexcept nogil
cdef void _match_from(Books books, Ring ring, u64 count, Idle idle) noexcept nogil
cdef void _match_journaled_from(Books books, Ring ring, u64 count, Idle idle, Writer writer) noexcept nogil
cdef void _time_each(Books books, Ring ring, u64 count, u32 *ticks) noexcept nogil
