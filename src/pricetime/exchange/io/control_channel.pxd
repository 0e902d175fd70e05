# Signatures and fields of control_channel.py, in its order.

from libc.string cimport memset

from pricetime.core.layout cimport Command, Report, u32, u64
from pricetime.exchange.io.layout cimport (
    REQUEST_ADMIT, REQUEST_COMMAND, REQUEST_OWNER, REQUEST_STOP, Answer, Event, Request,
)
from pricetime.exchange.state.matcher cimport Matcher
from pricetime.native.arrays cimport Block
from pricetime.native.bits cimport ACQUIRE, RELEASE, load_u32, store
from pricetime.native.clock cimport monotonic_ns
from pricetime.ring.ring cimport Ring

cdef enum:
    SLOTS = 4096                     # requests that may wait, events, and answers
    MOST_LISTED = 10000              # listed open orders of an owner: more would delay commands too long
    LIST_ASKED = 1                   # ControlChannel.list_state
    LIST_DONE = 2


cdef class ControlChannel:
    cdef readonly Ring requests      # from the control thread
    cdef Ring events                 # to it
    cdef Ring answers                # to it
    cdef readonly int wake_fd
    cdef u64 clock_offset_ns         # added to the monotonic clock: ns since 1970
    cdef u32 list_owner              # owner whose orders are listed
    cdef u32 list_state              # LIST_...; atomic
    cdef u64 listed                  # number of orders in list_block
    cdef Block list_block

    cdef u64 waiting(self) noexcept nogil
    cdef Request *request(self, u64 index) noexcept nogil
    cdef void release(self, u64 count) noexcept nogil
    cdef void emit(self, u32 kind, u32 owner, u32 reason, u64 next_sequence) noexcept nogil
    cdef void answer(self, u64 number, const Report *report, u64 quantity) noexcept nogil
    cdef void list_orders(self, Matcher matcher) noexcept nogil
