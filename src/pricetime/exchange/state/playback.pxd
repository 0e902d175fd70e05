# Signatures and fields of playback.py, in its order.

from pricetime.core.shared_books cimport checked
from pricetime.core.layout cimport Command, u64
from pricetime.exchange.state.layout cimport BATCH
from pricetime.exchange.state.matcher cimport Matcher
from pricetime.exchange.state.router cimport Router
from pricetime.native.arrays cimport records_of
from pricetime.native.waiting cimport yield_processor


# A checkpoint, see MARK in playback.py.
ctypedef packed struct Mark:
    u64 index                        # commands before it
    u64 seq_num
    u64 report_checksum


cdef class Playback:
    cdef Matcher matcher
    cdef Router router
    cdef u64 bounds[257]             # see Matcher.execute

    cdef u64 _run_to_marks(self, const Command *commands, u64 count, const Mark *marks, u64 mark_count) noexcept nogil
    cdef void _run(self, const Command *commands, u64 count) noexcept nogil
    cdef u64 _step(self, const Command *commands, u64 count) noexcept nogil
