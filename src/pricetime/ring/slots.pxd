# Signatures and fields of slots.py, in its order.
#
# A hot loop in a different module uses the fields directly: the slot at a position is
# slots + (position & mask) * slot_bytes, the positions are producer.tail and consumer.head.

from cpython.buffer cimport Py_buffer

from pricetime.core.layout cimport i64, u8, u32, u64
from pricetime.native.bits cimport (
    ACQUIRE, RELAXED, RELEASE, SEQ_CST, exchange, fence, load_u32, load_u64, store, store_u64,
)
from pricetime.native.clock cimport monotonic_ns
from pricetime.native.memory cimport release as give_back, reserve
from pricetime.native.waiting cimport sleep_while, wake
from pricetime.ring.idle cimport Idle
from pricetime.ring.layout cimport (
    ALIGNMENT, BLOCKING, CONSUMER_OFFSET, DEFAULT_SLOT_BYTES, MAGIC, MAX_CAPACITY, MAX_SLOT_BYTES, MIN_CAPACITY,
    PRODUCER_OFFSET, SLOT_UNIT, SLOTS_OFFSET, VERSION, WAITS_OFFSET, Consumer, Descriptor, Producer, Waits,
)


cdef class Slots:
    # addresses; set once
    cdef u8 *slots                   # capacity x slot_bytes
    cdef readonly u64 capacity       # a power of two
    cdef u64 mask                    # capacity - 1
    cdef readonly u64 slot_bytes
    cdef Producer *producer
    cdef Consumer *consumer
    cdef Waits *waits
    cdef readonly bint blocking      # a side that sleeps is woken by the other
    cdef bint shared                 # the memory is the caller's, and a different process may map it
    cdef u8 *memory                  # the mapping
    cdef u64 own_bytes               # size of the ring's own memory, 0 if it is the caller's
    cdef Py_buffer view              # of the caller's memory
    cdef object __weakref__

    cdef int _take_own(self, u64 n_bytes) except -1
    cdef int _take_buffer(self, object buffer) except -1
    cdef int _lay_out(self, u64 capacity, u64 slot_bytes, bint blocking) except -1
    cdef int _bind(self) except -1

    # producer
    cdef u64 claim(self, u64 wanted) noexcept nogil          # number of free slots: 0..wanted
    cdef void *claimed(self, u64 index) noexcept nogil       # the index-th claimed slot, in place
    cdef u64 claimed_run(self) noexcept nogil                # contiguous slots from the first
    cdef void commit(self, u64 count) noexcept nogil         # publish the first claimed slots

    # consumer
    cdef u64 peek(self, u64 wanted) noexcept nogil           # number of readable records: 0..wanted
    cdef void *peeked(self, u64 index) noexcept nogil        # the index-th record, in place
    cdef u64 peeked_run(self) noexcept nogil                 # contiguous records from the first
    cdef void release(self, u64 count) noexcept nogil        # free the first peeked slots

    # whole records: slots of the ring are copied as they are
    cdef void write_records(self, const u8 *records, u64 count) noexcept nogil   # into the first claimed slots
    cdef void read_records(self, u8 *records, u64 count) noexcept nogil          # from the first peeked slots

    # closing and waiting
    cdef bint is_closed(self) noexcept nogil
    cdef void end(self) noexcept nogil                       # close, and wake both sides
    cdef u64 claim_by(self, u64 wanted, Idle idle, i64 deadline_ns) noexcept nogil  # 0: closed or timed out
    cdef u64 peek_by(self, u64 wanted, Idle idle, i64 deadline_ns) noexcept nogil   # 0: closed and empty, or timed out
    cdef void sleep_until_free(self, i64 timeout_ns) noexcept nogil
    cdef void sleep_until_readable(self, i64 timeout_ns) noexcept nogil
    cdef void _wake_producer(self) noexcept nogil
    cdef void _wake_consumer(self) noexcept nogil
