# Signatures and fields of matcher.py, in its order.

from pricetime.core.book cimport Books
from pricetime.core.engine cimport Engine
from pricetime.core.layout cimport (
    NEW_ORDER, NIL, REPORTS_PER_REFRESH, Command, Order, Report, u32, u64,
)
from pricetime.core.places cimport Places
from pricetime.exchange.state.layout cimport BATCH
from pricetime.exchange.state.sequencer cimport Sequencer
from pricetime.native.crc cimport link
from pricetime.native.memory cimport release, reserve, prefault_pages

cdef enum:
    FIRST_LEVELS = 16384             # price levels whose memory is prefaulted
    FIRST_BYTES = 4194304            # bytes of the block of reports that are prefaulted; the rest is rarely used
    REPORT_WORDS = 6                 # 8-byte words of a report


cdef class Matcher:
    cdef readonly Engine engine
    cdef Books books
    cdef Places places               # the rules of the books
    cdef Sequencer sequencer
    cdef bint traced                 # the report checksum is kept
    cdef public u32 report_checksum  # of all reports so far
    cdef Report *block               # reports that are not routed yet
    cdef u64 *references             # same index: see Books.references
    cdef u64 *buyers                 # same index: see Books.buyers
    cdef u64 block_bytes             # size of all three
    cdef u64 room                    # reports that fit into block
    cdef u64 waiting                 # no batch is executed while block has more reports than this
    cdef u64 count                   # reports in block
    cdef u64 held                    # commands that the log has, not executed yet
    cdef u64 routed                  # reports at the beginning of block that are routed

    cdef u64 _most_reports(self) noexcept nogil
    cdef u64 ready(self) noexcept nogil
    cdef bint _make_room(self) noexcept nogil
    cdef u64 execute_next(self, u64 count) noexcept nogil
    cdef u64 execute(self, const Command *commands, u64 count, u64 *bounds) noexcept nogil
    cdef void drop(self, u64 reports) noexcept nogil
    cdef void _trace(self, u64 first) noexcept nogil
    cdef u64 orders_of(self, u32 owner, Command *out, u64 most) noexcept nogil
