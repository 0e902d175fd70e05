from pricetime.core.layout cimport NIL, i64, u32, u64

from benchmarks.alternatives.arena cimport Arena

cdef enum:
    CHUNK = 128                      # levels in a chunk at most


# Neighbouring levels of one side, keys rising: 1,544 bytes. A free chunk keeps the next free one in "next_free".
ctypedef struct Chunk:
    u32 count                        # at least 1
    u32 next_free
    i64 keys[128]
    u32 levels[128]


# The chunks of one side, in order: chunk i holds the keys from lowest[i] up to lowest[i + 1].
ctypedef struct Directory:
    u32 count
    i64 *lowest
    u32 *chunks


cdef class SortedLevels(Arena):
    cdef Chunk *chunks               # chunk 0 means none
    cdef u32 chunk_capacity
    cdef u32 free_chunk
    cdef u32 fresh_chunk
    cdef Directory directories[2]    # bids, asks

    cdef u32 _chunk_of(self, Directory *d, i64 key) noexcept nogil
    cdef u32 _place_in(self, Chunk *chunk, i64 key) noexcept nogil
    cdef u32 _open_chunk(self, Directory *d, u32 at, i64 lowest) noexcept nogil
    cdef void _close_chunk(self, Directory *d, u32 at) noexcept nogil
    cdef void _split(self, Directory *d, u32 at) noexcept nogil
    cdef void _join(self, Directory *d, u32 at) noexcept nogil
