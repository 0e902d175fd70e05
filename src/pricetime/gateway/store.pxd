# Signatures and fields of store.py, in its order.

from pricetime.core.layout cimport Report, u32, u64
from pricetime.native.arrays cimport records_of
from pricetime.native.bits cimport ACQUIRE, RELEASE, fence, load_u64, store_u64
from pricetime.native.crc cimport link
from pricetime.native.memory cimport release, reserve, prefault_pages


cdef enum:
    REPORT_WORDS = 6                 # words of a report, for its link


cdef class FeedStore:
    cdef Report *reports             # report number n is at (n - 1) & mask
    cdef u32 *checksums              # of all reports before number n, at n & (2 * capacity - 1); n from the oldest to next
    cdef u64 capacity
    cdef u64 mask
    cdef public u64 epoch            # ns since 1970: which feed this is
    cdef u64 next                    # number of the next report to be written: the writer's own
    cdef u64 published               # the same, as readers see it; atomic
    cdef u64 claimed                 # reports below this number may be overwritten beneath a reader; atomic
    cdef u32 checksum                # of all reports before published: the writer's own
    cdef u64 kept_from               # the replica's cursor: reports from this number on must stay; atomic

    cdef u64 room(self) noexcept nogil
    cdef void begin(self, u64 count) noexcept nogil
    cdef Report *append(self) noexcept nogil
    cdef void publish(self) noexcept nogil
    cdef void _link(self, u64 first, u64 end) noexcept nogil
    cdef u64 newest(self) noexcept nogil
    cdef u64 run_from(self, u64 number) noexcept nogil
    cdef Report *at(self, u64 number) noexcept nogil
    cdef void keep_from(self, u64 number) noexcept nogil
