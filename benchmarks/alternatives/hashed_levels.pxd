from pricetime.core.layout cimport BID, NIL, Level, i64, u32, u64

from benchmarks.alternatives.arena cimport Arena

cdef enum:
    SCAN = 4096                      # neighbouring prices tried before all levels are searched


# An entry of a table of levels; empty when level is NIL.
ctypedef struct LevelEntry:
    i64 key
    u32 level
    u32 home                         # where its run of the table begins


cdef class HashedLevels(Arena):
    cdef LevelEntry *tables[2]       # bids, asks; open addressing, at most half full
    cdef u32 mask                    # entries of one table - 1
    cdef u32 shift                   # 64 - log2(entries / 8)

    cdef u32 _home_of(self, i64 key) noexcept nogil
    cdef u32 _best_below(self, u32 side, i64 key) noexcept nogil
