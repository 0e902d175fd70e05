# Signatures and fields of sequencer.py, in its order.

from pricetime.core.layout cimport Command, i64, u32, u64
from pricetime.exchange.state.layout cimport ORDER_ID_SHIFT
from pricetime.native.arrays cimport records_of
from pricetime.native.memory cimport release, reserve


cdef class Sequencer:
    cdef readonly u64 sequence       # of the last command
    cdef readonly u64 timestamp      # of the last command, ns
    cdef readonly u64 executed       # last command that was executed
    cdef readonly u64 answered       # last command whose reports are all routed
    cdef public u32 term             # of the log that has the commands
    cdef readonly u64 capacity
    cdef u64 mask
    cdef u64 base                    # sequence of the command at slot 0, modulo capacity
    cdef Command *commands           # ring: commands after "answered"
    cdef u64 *bounds                 # of each command: number of reports of the matcher before it, and in the next entry after it

    cdef u64 room(self) noexcept nogil
    cdef void rewind(self) noexcept nogil
    cdef u64 place(self, u64 sequence) noexcept nogil
    cdef u64 run_from(self, u64 sequence, u64 last) noexcept nogil
    cdef Command *at(self, u64 sequence) noexcept nogil
    cdef void shift(self, u64 dropped) noexcept nogil
    cpdef void skip_to(self, u64 sequence, u64 timestamp) noexcept nogil
    cdef bint issue(self, u32 kind, u32 owner, u32 instrument, u32 flags, u32 tag, u64 timestamp, i64 price=*,
                    u64 quantity=*) noexcept nogil


# The slot of the next command, numbered, with a header; the caller writes its body. There must be room. It is here so that
# the decoder has it inline.
cdef inline Command *numbered(Sequencer self, u32 kind, u32 owner, u64 timestamp) noexcept nogil:
    cdef Command *c
    self.sequence += 1
    self.timestamp = timestamp
    c = &self.commands[(self.sequence - self.base) & self.mask]
    c.sequence = self.sequence
    c.timestamp = timestamp
    c.session = c.owner = owner
    c.length = 40
    c.order_type = c.instructions = 0
    c.type = kind
    return c
