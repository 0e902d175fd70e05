# Records, fields and signatures of driver.py, in its order.

from posix.time cimport timespec

from pricetime.core.layout cimport (
    ACCEPTED, AS_MAKER, CANCELLED, EXECUTION_REPORT, IOC_REMAINDER, MARKET_REMAINDER, REDUCED, REPLACED, SELF_TRADE, TRADE,
    Report, u8, u16, u32, u64,
)
from pricetime.measure.latency cimport CANCEL, OTHER, REPLACE, RESTS, TRADES, Latencies
from pricetime.native.arrays cimport Block, records_of
from pricetime.native.bits cimport ACQUIRE, RELEASE, load_u32, load_u64, store, store_u64
from pricetime.native.clock cimport monotonic_ns
from pricetime.native.memory cimport release, reserve, prefault_pages
from pricetime.native.sockets cimport (
    EAGAIN, EINTR, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLIN, EPOLLOUT, MSG_DONTWAIT, MSG_NOSIGNAL, epoll_ctl,
    epoll_event, epoll_wait, errno, read, recv, send,
)
from pricetime.native.waiting cimport yield_processor
from pricetime.wire.layout cimport CLIENT_LOGOUT, HEARTBEAT, LOGOUT, NO_REASON, CancelOrder, Logout

cdef extern from "<poll.h>" nogil:
    short POLLIN
    struct pollfd:
        int fd
        short events
        short revents
    int ppoll(pollfd *files, unsigned long count, const timespec *timeout, const void *signals)

cdef extern from "<sys/prctl.h>" nogil:
    int PR_SET_TIMERSLACK
    int prctl(int option, unsigned long value)

cdef enum:
    PARTS = 64                       # that wait to be sent
    OUTBOUND_BYTES = 262144          # of one session, due and not taken by the system
    LONGEST_MESSAGE = 48
    BUFFER_BYTES = 524288            # read at once
    REPORT_BYTES = 48
    SHORT_MESSAGE_BYTES = 16         # a heartbeat, a logout
    EVENTS = 64                      # sockets looked at in one turn
    MOST_AT_ONCE = 4096              # orders that come due in one turn
    UNSENT_LIMIT = 65536             # as fast as it goes: bytes of a session that may wait for the system
    WAKE = 0xFFFFFFFF                # epoll's number of the descriptor that wakes the loop
    KINDS_OF_REPORT = 16
    LATE_NS = 1000000                # an order sent so long after it was due counts as late
    LAST_READS = 1000                # of what is left in a socket when the loop ends
    TICK_NS = 50000000               # between two looks at what time brings
    SHORT_NS = 100000                # not worth a sleep, from which a virtual machine takes tens of us to wake
    BLOCKED_NS = 1000000             # the longest sleep while the system takes no more
    LONGEST_SLEEP_NS = 100000000
    NEVER = 0xFFFFFFFFFFFFFFFF
    # Failure: why the loop has ended
    NO_FAILURE = 0
    CLOSED = 1                       # the exchange closed the connection
    BROKEN = 2                       # the system says so: errno in found
    ENDED = 3                        # the exchange said Logout: SessionReason in found
    OUT_OF_ORDER = 4                 # a report was lost or doubled: sequence in found and expected
    STRANGE = 5                      # a message that may not come: its type in found
    UNASKED = 6                      # an answer to another command than the next: order ids in found and expected
    SILENT = 7                       # nothing was heard for too long: ns in found

# A command that is due and not answered yet: 24 bytes.
cdef struct Waiting:
    u64 due_ns                       # 0: not to be measured
    u64 order_id
    u64 end                          # bytes of the session's stream up to the end of this command

# One connection.
cdef struct Connection:
    int fd                           # -1: none
    bint blocked                     # the system takes no more: epoll says when
    bint matched                     # an answer has met its command: from now on each must
    bint leaves                      # a Logout is on its way to the exchange
    bint gone                        # and has come back
    bint caught_up                   # the exchange has said that there is no report that did not come
    bint undecided                   # the newest answer is an order accepted: whether it trades is still to come
    u64 undecided_id                 # of that order
    u64 undecided_ns                 # its latency
    u64 next_sequence                # of the report that must come next
    u64 answers
    u64 kinds[16]                    # reports, by kind
    u64 heard_ns
    u64 spoken_ns
    u8 *outbound
    u64 begin                        # in outbound: what the system has not taken
    u64 end
    u64 taken_bytes                  # by the system, since the session began
    Waiting *queue                   # a ring
    u64 answered                     # of the ring: each is the count of those that went by
    u64 sent
    u64 released
    u8 partial[48]                   # of a message that has not come whole
    u64 partial_bytes
    Report *kept                     # a ring of the newest reports, NULL when none are kept
    u64 kept_count

# Orders to be sent, encoded one behind the other.
cdef struct Part:
    const u8 *data
    const u8 *sizes                  # of each order, in bytes
    const u16 *connections                 # whose it is
    u64 count
    u64 first                        # of its first order: how many of the schedule come before
    u64 start_ns                     # of the schedule
    double rate                      # orders a second at its start, 0: as fast as it goes
    double gain                      # by which the rate grows each second
    bint measured


cdef class Driver:
    cdef readonly Latencies latencies
    cdef readonly u64 sent           # measured orders that the system has taken
    cdef readonly u64 answered       # measured orders that were answered
    cdef readonly u64 late           # measured orders sent over LATE_NS after they were due
    cdef readonly u64 all_sent       # with those that are not measured
    cdef readonly u64 all_answered
    cdef readonly u64 released       # orders that have come due
    cdef readonly u64 turns
    cdef readonly u64 last_sent_ns   # when the last measured order was taken by the system
    cdef readonly u64 last_due_ns    # when it was due
    cdef readonly u64 last_answer_ns
    cdef readonly u32 failure        # as above
    cdef readonly u32 failed_connection
    cdef readonly u64 found
    cdef readonly u64 expected
    cdef public u64 fixed_ns         # for tests: the time; 0 for that of the clock
    cdef u32 count                   # of connections
    cdef Connection *connections
    cdef size_t connections_bytes
    cdef Part parts[64]
    cdef dict arrays                 # those that the parts point into, by the number of the part
    cdef u64 offered                 # parts; written by the thread that offers them
    cdef u64 done                    # parts; written by the loop
    cdef u64 index                   # orders of the current part that were released
    cdef u64 at                      # bytes of it
    cdef u64 next_due_ns
    cdef bint stuck                  # the next order is due and has no room
    cdef u64 queue_mask
    cdef u64 keep_mask
    cdef u64 heartbeat_ns            # 0: none
    cdef u64 silence_ns              # 0: as long as they like
    cdef u64 next_tick_ns
    cdef bint spins
    cdef object epoll
    cdef int epoll_fd
    cdef int wake_fd
    cdef u8 *buffer
    cdef epoll_event ready[64]
    cdef u32 ended                   # atomic, each of them
    cdef u32 cut
    cdef u32 leaving

    cdef void _run(self) noexcept nogil
    cdef u64 step(self) noexcept nogil
    cdef u64 _now(self) noexcept nogil
    cdef bint _sleep(self, u64 now_ns) noexcept nogil
    cdef void _wake_up(self) noexcept nogil
    cdef u64 _release(self, u64 now_ns) noexcept nogil
    cdef u64 _due(self, Part *part, u64 index) noexcept nogil
    cdef void _cut(self) noexcept nogil
    cdef bint _enqueue(self, Part *part, u64 due_ns) noexcept nogil
    cdef bint _make_room(self, Connection *s, u64 n_bytes) noexcept nogil
    cdef u64 _send_all(self) noexcept nogil
    cdef void _send(self, u32 number, Connection *s) noexcept nogil
    cdef void _took(self, Connection *s, u64 n_bytes, u64 now_ns) noexcept nogil
    cdef void _watch(self, u32 number, Connection *s) noexcept nogil
    cdef void _take_leave(self, u64 now_ns) noexcept nogil
    cdef void _say(self, Connection *s, u32 kind, u64 now_ns) noexcept nogil
    cdef void _serve(self, u32 number, u32 what) noexcept nogil
    cdef bint _read(self, u32 number, Connection *s) noexcept nogil
    cdef u64 _parse(self, u32 number, Connection *s, const u8 *data, u64 n_bytes, u64 now_ns) noexcept nogil
    cdef bint _told(self, u32 number, Connection *s, const u8 *message) noexcept nogil
    cdef bint _report(self, u32 number, Connection *s, const Report *report, u64 now_ns) noexcept nogil
    cdef bint _answer(self, u32 number, Connection *s, const Report *report, u64 now_ns) noexcept nogil
    cdef void _follow(self, Connection *s, const Report *report) noexcept nogil
    cdef void _settle(self, Connection *s, u32 kind) noexcept nogil
    cdef void _tick(self, u64 now_ns) noexcept nogil
    cdef bint _fail(self, u32 failure, u32 number, u64 found, u64 expected) noexcept nogil
