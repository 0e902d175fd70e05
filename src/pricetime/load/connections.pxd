# Records, fields and signatures of connections.py, in its order.

from pricetime.core.layout cimport (
    ACCEPTED, AS_MAKER, CANCELLED, EXECUTION_REPORT, IOC_REMAINDER, MARKET_REMAINDER, MASS_CANCELLED, MINIMUM_UNFILLABLE,
    NONE, OUTSIDE_RANGE, PRICED, REDUCED, REJECTED, REPLACED, SELF_TRADE, TRADE, TRADED_MORE,
    Report, u8, u32, u64,
)
from pricetime.native.arrays cimport Block
from pricetime.native.latency cimport CANCEL, OTHER, REPLACE, RESTS, TRADES, Latencies
from pricetime.native.memory cimport prefault_pages, release, reserve
from pricetime.wire.layout cimport CLIENT_LOGOUT, HEARTBEAT, LOGOUT, NO_REASON, CancelOrder, Logout

cdef enum:
    OUTBOUND_BYTES = 262144          # of one connection: due and not yet taken by the operating system
    LONGEST_MESSAGE = 48
    REPORT_BYTES = 48
    SHORT_MESSAGE_BYTES = 16         # a heartbeat, a logout
    KINDS_OF_REPORT = 32
    LATE_NS = 1000000                # an order counts as late if it is sent more than this after it was due
    # Failure: why the sessions ended
    NO_FAILURE = 0
    CLOSED = 1                       # the exchange closed the connection
    BROKEN = 2                       # an error of the socket: errno in found
    ENDED = 3                        # the exchange sent a Logout: SessionReason in found
    OUT_OF_ORDER = 4                 # a report was lost or doubled: sequence in found and expected
    STRANGE = 5                      # a message that is not allowed: its type in found
    UNASKED = 6                      # an answer to a command that is not the next: order ids in found and expected
    SILENT = 7                       # nothing was received for too long: ns in found
    REFUSED = 8                      # the exchange did not take an order: order id in found

# A due command that is not answered yet: 24 bytes.
cdef struct Waiting:
    u64 due_ns                       # 0: not measured
    u64 order_id
    u64 end                          # bytes of the connection's stream up to the end of this command

# One connection.
cdef struct Connection:
    int fd                           # -1: none
    bint blocked                     # the socket is full: wait for EPOLLOUT
    bint matched                     # an answer has matched its command: from now on each must
    bint leaves                      # a Logout was queued
    bint gone                        # the exchange has answered it
    bint caught_up                   # the exchange has said that it has sent every report
    bint undecided                   # the newest answer is an ACCEPTED; the next report says whether the order trades
    u64 undecided_id                 # of that order
    u64 undecided_ns                 # its latency
    u64 next_sequence                # of the next report
    u64 answers
    u64 kinds[32]                    # reports, by kind
    u64 heard_ns
    u64 spoken_ns
    u8 *outbound
    u64 begin                        # in outbound: start of what the operating system has not taken
    u64 end
    u64 taken_bytes                  # by the operating system, since the login
    Waiting *queue                   # a ring
    u64 answered                     # of the queue: commands so far that were answered, sent, released
    u64 sent
    u64 released
    u8 partial[48]                   # start of an incomplete message
    u64 partial_bytes
    Report *kept                     # a ring of the newest reports, NULL when none are kept
    u64 kept_count


cdef class Connections:
    cdef readonly Latencies latencies
    cdef readonly u64 sent           # measured orders taken by the operating system
    cdef readonly u64 answered       # measured orders that were answered
    cdef readonly u64 late           # measured orders sent more than LATE_NS after they were due
    cdef readonly u64 all_sent       # including orders that are not measured
    cdef readonly u64 all_answered
    cdef readonly u64 released       # orders that have come due
    cdef readonly u64 last_sent_ns   # when the operating system took the last measured order
    cdef readonly u64 last_due_ns    # when it was due
    cdef readonly u64 last_answer_ns
    cdef readonly u32 failure        # as above
    cdef readonly u32 failed_connection
    cdef readonly u64 found
    cdef readonly u64 expected
    cdef u32 count
    cdef Connection *all
    cdef size_t n_bytes
    cdef u64 queue_mask
    cdef u64 keep_mask

    cdef void renew(self, u32 number, int fd, u64 next_sequence, u64 now_ns) noexcept
    cdef bint enqueue(self, Connection *s, const u8 *message, u64 n_bytes, u64 due_ns) noexcept nogil
    cdef bint make_room(self, Connection *s, u64 n_bytes) noexcept nogil
    cdef void put(self, Connection *s, u32 kind, u64 now_ns) noexcept nogil
    cdef void mark_sent(self, Connection *s, u64 n_bytes, u64 now_ns) noexcept nogil
    cdef u64 parse(self, u32 number, const u8 *data, u64 n_bytes, u64 now_ns) noexcept nogil
    cdef bint _control(self, u32 number, Connection *s, const u8 *message) noexcept nogil
    cdef bint _report(self, u32 number, Connection *s, const Report *report, u64 now_ns) noexcept nogil
    cdef bint _answer(self, u32 number, Connection *s, const Report *report, u64 now_ns) noexcept nogil
    cdef void _follow(self, Connection *s, const Report *report) noexcept nogil
    cdef void _settle(self, Connection *s, u32 kind) noexcept nogil
    cdef bint fail(self, u32 failure, u32 number, u64 found, u64 expected) noexcept nogil


cdef bint is_answer(u32 kind, u32 reason) noexcept nogil
cdef bint ended_at_once(u32 reason) noexcept nogil
