# Signatures and fields of matcher.py, in its order.

from pricetime.core.book cimport Books
from pricetime.core.engine cimport Engine
from pricetime.core.layout cimport (
    BID, CANCELLED, CANCEL_ORDER, NEW_ORDER, NIL, OPEN_ORDERS_TOLD, REDUCE_ORDER, REJECTED, REPLACE_ORDER, REPLACE_ORDER_AS,
    REPORTS_PER_COMMAND, REPORTS_PER_MAKER, TRADE, Command, Level, Order, Report, RoutedReport, u32, u64,
)
from pricetime.journal.writer cimport Writer
from pricetime.measure.latency cimport CANCEL, OTHER, REPLACE, RESTS, TRADES, Latencies
from pricetime.native.arrays cimport Block
from pricetime.native.bits cimport ACQUIRE, RELEASE, load_u32, store
from pricetime.native.clock cimport monotonic_ns
from pricetime.native.crc cimport link
from pricetime.native.memory cimport release, reserve, prefault_pages
from pricetime.native.waiting cimport yield_processor
from pricetime.ring.idle cimport Idle
from pricetime.ring.ring cimport Ring

cdef enum:
    FIRST_LEVELS = 16384             # whose memory is taken up at the start
    FIRST_BYTES = 4194304            # of the block, which is rarely used whole, taken up at the start
    SLEEP_NS = 20000000              # at most, before a look at whether to end
    BATCH = 256                      # commands executed between two looks at the rings
    REPORT_WORDS = 6                 # of 8 bytes
    NEVER = 0xFFFFFFFFFFFFFFFF       # of commands until one is timed: none is
    MOST_LISTED = 10000              # open orders of an owner that are listed: more would keep commands waiting
    LIST_ASKED = 1                   # Matcher.list_state
    LIST_DONE = 2
    TYPES = 16                       # a power of two, more than there are types of command


cdef class Matcher:
    cdef Engine engine
    cdef Books books
    cdef Idle idle
    cdef Writer journal              # None without one
    cdef bint journaled              # there is one
    cdef bint starved                # it took nothing the last time: no segment is ready, or it failed
    cdef bint traced                 # the report checksum is kept
    cdef public u32 report_checksum       # link of all reports so far
    cdef Ring commands
    cdef Ring reports
    cdef Report *block               # reports of the batch
    cdef u64 block_bytes
    cdef u64 ends[256]               # reports there were after each command of the batch
    cdef u64 batch                   # commands executed whose reports are not all handed on
    cdef u64 command                 # of the batch: the one whose reports are being handed on
    cdef u64 report                  # the next report to hand on
    cdef readonly u64 executed       # commands, so far
    cdef u32 kinds[16]               # of commands, by type: what one is that is not rejected and has not traded
    cdef readonly Latencies match    # of the commands that were timed
    cdef u64 every                   # one of so many is
    cdef u64 untimed                 # commands before the next that is
    cdef u64 began_ns                # monotonic: when the command that is being timed was taken; 0: none is
    cdef u32 list_owner              # whose orders are listed
    cdef u32 list_state              # LIST_...; atomic
    cdef u64 listed                  # orders in list_block
    cdef Block list_block
    cdef u32 ended                   # 1: run must return; atomic

    cdef void _name_kinds(self) noexcept
    cdef void _run(self) noexcept nogil
    cdef u64 step(self) noexcept nogil
    cdef void _list(self) noexcept nogil
    cdef void _trace(self) noexcept nogil
    cdef bint _hand_on(self) noexcept nogil
    cdef inline u32 _kind(self, const Command *command, u64 first, u64 end) noexcept nogil
