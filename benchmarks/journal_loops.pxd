# Signatures of journal_loops.py, in its order.

from pricetime.core.book cimport Books
from pricetime.core.engine cimport Engine
from pricetime.core.layout cimport Command, Report, u32, u64
from pricetime.log.writer cimport Writer
from pricetime.native.clock cimport monotonic_ns
from pricetime.native.crc cimport link
from pricetime.native.waiting cimport pause, yield_processor

from benchmarks.inside cimport read_ticks

cdef u64 _append_paced(Writer writer, const Command *commands, u64 count, u64 batch, u64 gap_ticks, u32 *ticks,
                       u64 *stalled) noexcept nogil
cdef void _match(Books books, Command *commands, u64 count, u64 batch) noexcept nogil
cdef u64 _match_journaled(Books books, Writer writer, Command *commands, u64 count, u64 batch, u64 *stalled) noexcept nogil
