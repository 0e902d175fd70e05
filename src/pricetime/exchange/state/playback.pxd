# Signatures and fields of playback.py, in its order.

from pricetime.core.engine cimport checked
from pricetime.core.layout cimport Command, u64
from pricetime.exchange.state.matcher cimport Matcher
from pricetime.exchange.state.router cimport Router
from pricetime.exchange.state.feed_store cimport FeedStore
from pricetime.native.arrays cimport records_of
from pricetime.native.waiting cimport yield_processor
from pricetime.ring.ring cimport Ring

cdef enum:
    NO_LIMIT = 0xFFFFFFFFFFFFFFFF    # no limit of commands whose reports are routed


# A checkpoint, see MARK in playback.py.
ctypedef packed struct Mark:
    u64 index                        # commands before it
    u64 seq_num
    u64 report_checksum


cdef class Playback:
    cdef Ring commands
    cdef Matcher matcher
    cdef Router router
    cdef FeedStore store

    cdef u64 _run_to_marks(self, const Command *commands, u64 count, const Mark *marks, u64 mark_count) noexcept nogil
    cdef void _run(self, const Command *commands, u64 count) noexcept nogil
