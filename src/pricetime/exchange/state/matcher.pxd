# Signatures and fields of matcher.py, in its order.

from pricetime.core.book cimport Books
from pricetime.core.engine cimport Engine
from pricetime.core.layout cimport (
    BID, CANCELLED, CANCEL_ORDER, NEW_ORDER, NIL, OPEN_ORDERS_TOLD, REDUCE_ORDER, REJECTED, REPLACE_ORDER, REPLACE_ORDER_AS,
    REPORTS_PER_COMMAND, REPORTS_PER_MAKER, TRADE, Command, Level, Order, Report, RoutedReport, u32, u64,
)
from pricetime.log.writer cimport Writer
from pricetime.native.latency cimport CANCEL, OTHER, REPLACE, RESTS, TRADES, Latencies
from pricetime.native.arrays cimport Block
from pricetime.native.bits cimport ACQUIRE, RELEASE, load_u32, store
from pricetime.native.clock cimport monotonic_ns
from pricetime.native.crc cimport link
from pricetime.native.memory cimport release, reserve, prefault_pages
from pricetime.native.waiting cimport yield_processor
from pricetime.ring.idle cimport Idle
from pricetime.ring.ring cimport Ring

cdef enum:
    FIRST_LEVELS = 16384             # price levels whose memory is prefaulted
    FIRST_BYTES = 4194304            # bytes of the block of reports that are prefaulted; the rest is rarely used
    SLEEP_NS = 20000000              # maximum sleep before a check for the end
    BATCH = 256                      # maximum number of commands executed in one step
    REPORT_WORDS = 6                 # 8-byte words of a report
    NEVER = 0xFFFFFFFFFFFFFFFF       # Matcher.every: no command is timed
    MOST_LISTED = 10000              # listed open orders of an owner: more would delay commands too long
    LIST_ASKED = 1                   # Matcher.list_state
    LIST_DONE = 2
    TYPES = 16                       # a power of two, more than there are types of commands


cdef class Matcher:
    cdef Engine engine
    cdef Books books
    cdef Idle idle
    cdef Writer journal              # None without a journal
    cdef bint journaled              # there is a journal
    cdef bint starved                # the journal took no command the last time: no segment is ready, or it failed
    cdef bint traced                 # the report checksum is kept
    cdef public u32 report_checksum  # of all reports so far
    cdef Ring commands
    cdef Ring reports
    cdef Report *block               # reports of the batch
    cdef u64 *references             # of these reports, behind them in the block: see Books.references
    cdef u64 block_bytes             # size of block
    cdef u64 ends[256]               # number of reports in block after each command of the batch
    cdef u64 batch                   # executed commands whose reports are not all in the ring
    cdef u64 command                 # index in the batch of the command whose next report goes into the ring
    cdef u64 report                  # index in block of that report
    cdef readonly u64 executed       # commands since the start
    cdef u32 kinds[16]               # kind for latencies by type of command, if not rejected and without a trade
    cdef readonly Latencies match    # of the timed commands
    cdef u64 every                   # one command in this many is timed
    cdef u64 untimed                 # commands before the next timed one
    cdef u64 began_ns                # monotonic: start of the command that is being timed; 0: none
    cdef u32 list_owner              # owner whose orders are listed
    cdef u32 list_state              # LIST_...; atomic
    cdef u64 listed                  # number of orders in list_block
    cdef Block list_block
    cdef u32 ended                   # 1: run must return; atomic

    cdef void _name_kinds(self) noexcept
    cdef void _run(self) noexcept nogil
    cdef u64 step(self) noexcept nogil
    cdef void _list(self) noexcept nogil
    cdef void _trace(self) noexcept nogil
    cdef bint _hand_on(self) noexcept nogil
    cdef inline u32 _kind(self, const Command *command, u64 first, u64 end) noexcept nogil
