# Signatures and fields of commit_log.py, in its order.

from pricetime.core.shared_books cimport checked
from pricetime.core.layout cimport Command, u8, u32, u64
from pricetime.native.arrays cimport records_of
from pricetime.native.bits cimport ACQUIRE, RELEASE, load_u64, store_u64
from pricetime.ring.ring cimport Ring

cdef enum:
    NO_LIMIT = 0xFFFFFFFFFFFFFFFF    # sequence of a command that never comes
    DURABLE = 2                      # AcknowledgementLevel: below it, a command may be answered once it is in the log
    REPLICATED = 3


cdef class CommitLog:
    cdef public u32 level            # AcknowledgementLevel: what a report promises about its command
    cdef public u32 term             # grows with every start as writer, from 1
    cdef readonly u64 first          # sequence of the first command of this term
    cdef readonly bint traced        # append needs the report checksum
    cdef public object failure       # why the log has failed; None if it has not

    cdef u64 append(self, const Command *first, u64 count, u64 seq_num, u32 report_checksum) noexcept nogil
    cdef u64 watermark(self, u32 level) noexcept nogil
    cdef void want(self) noexcept nogil
    cdef bint has_failed(self) noexcept nogil


cdef class VolatileLog(CommitLog):
    cdef readonly object configuration
    cdef readonly u64 epoch          # of the feed
    cdef Ring commands
    cdef u64 sequence                # of the last command; atomic
    cdef u64 taken                   # of the last command that was read
