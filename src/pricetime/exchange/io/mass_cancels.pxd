# Signatures and fields of mass_cancels.py, in its order.

from pricetime.core.layout cimport ALL_INSTRUMENTS, BY_OPERATOR, CONTINUE, MASS_CANCEL, u32, u64
from pricetime.exchange.io.layout cimport BEGINNINGS, FIRST_PART, NEVER, PART, Waiting
from pricetime.exchange.io.number_queue cimport NumberQueue
from pricetime.exchange.state.layout cimport OWNERS
from pricetime.exchange.state.sequencer cimport Sequencer
from pricetime.native.memory cimport release, reserve


cdef class MassCancels:
    cdef Sequencer sequencer
    cdef Waiting *waiting            # by owner
    cdef NumberQueue due              # owners whose mass cancel is queued
    cdef NumberQueue unfinished       # owners whose mass cancel needs its next part
    cdef NumberQueue resuming         # owners with messages that wait for a mass cancel

    cdef bint waits(self, u32 owner) noexcept nogil
    cdef void wait_for(self, u32 owner, u64 command) noexcept nogil
    cdef bint request(self, u32 owner, u32 reason, u32 keeps) noexcept nogil
    cdef u32 pending(self) noexcept nogil
    cdef void begin(self, u64 timestamp) noexcept nogil
    cdef void proceed(self, u64 timestamp) noexcept nogil
    cdef void queue_unfinished(self, u32 owner) noexcept nogil
    cdef void resume_later(self, u32 owner) noexcept nogil
    cdef u32 next_to_resume(self) noexcept nogil
