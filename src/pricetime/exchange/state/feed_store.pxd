# Signatures and fields of store.py, in its order.

from pricetime.core.layout cimport Report, u32, u64
from pricetime.native.arrays cimport records_of
from pricetime.native.bits cimport ACQUIRE, RELEASE, fence, load_u64, store_u64
from pricetime.native.crc cimport link
from pricetime.native.memory cimport release, reserve, prefault_pages


cdef enum:
    REPORT_WORDS = 6                 # 8-byte words of a report, for its checksum


cdef class FeedStore:
    cdef Report *reports             # ring: report number n is at (n - 1) & mask
    cdef u32 *checksums              # ring: of all reports before number n, at n & (2 * capacity - 1), n from oldest to next
    cdef u64 capacity
    cdef u64 mask
    cdef public u64 epoch            # start of the feed, ns since 1970; identifies the feed
    cdef u64 next                    # number of the next report to write; used by the writer only
    cdef u64 published               # reports below this number are readable; atomic
    cdef u64 claimed                 # reports below this number may be overwritten during a read; atomic
    cdef u32 checksum                # of all reports before published; used by the writer only

    cdef void begin(self, u64 count) noexcept nogil
    cdef Report *append(self) noexcept nogil
    cdef void publish(self) noexcept nogil
    cdef void _link(self, u64 first, u64 end) noexcept nogil
    cdef u64 newest(self) noexcept nogil
    cdef u64 run_from(self, u64 number) noexcept nogil
    cdef Report *at(self, u64 number) noexcept nogil
