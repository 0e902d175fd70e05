# Records, fields and signatures of driver.py, in its order.

from posix.time cimport timespec

from pricetime.core.layout cimport (
    ACCEPTED, AS_MAKER, CANCELLED, EXECUTION_REPORT, IOC_REMAINDER, MARKET_REMAINDER, REDUCED, REPLACED, SELF_TRADE, TRADE,
    Report, u8, u16, u32, u64,
)
from pricetime.native.latency cimport CANCEL, OTHER, REPLACE, RESTS, TRADES, Latencies
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
    PARTS = 64                       # most that wait to be sent
    OUTBOUND_BYTES = 262144          # of one connection: due and not yet taken by the operating system
    LONGEST_MESSAGE = 48
    BUFFER_BYTES = 524288            # most that one read takes
    REPORT_BYTES = 48
    SHORT_MESSAGE_BYTES = 16         # a heartbeat, a logout
    EVENTS = 64                      # most events of one iteration
    MOST_AT_ONCE = 4096              # most orders that one iteration releases
    UNSENT_LIMIT = 65536             # without a rate: most bytes of a connection that wait for the operating system
    WAKE = 0xFFFFFFFF                # event number of the descriptor that wakes the loop
    KINDS_OF_REPORT = 16
    LATE_NS = 1000000                # an order counts as late if it is sent more than this after it was due
    LAST_READS = 1000                # most reads of a socket after the loop has ended
    TICK_NS = 50000000               # between two checks of heartbeats and silence
    SHORT_NS = 100000                # shorter waits yield instead of sleeping: waking takes tens of us in a virtual machine
    BLOCKED_NS = 1000000             # longest sleep while a due order has no room
    LONGEST_SLEEP_NS = 100000000
    NEVER = 0xFFFFFFFFFFFFFFFF
    # Failure: why the loop ended
    NO_FAILURE = 0
    CLOSED = 1                       # the exchange closed the connection
    BROKEN = 2                       # an error of the socket: errno in found
    ENDED = 3                        # the exchange sent a Logout: SessionReason in found
    OUT_OF_ORDER = 4                 # a report was lost or doubled: sequence in found and expected
    STRANGE = 5                      # a message that is not allowed: its type in found
    UNASKED = 6                      # an answer to a command that is not the next: order ids in found and expected
    SILENT = 7                       # nothing was received for too long: ns in found

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
    u64 kinds[16]                    # reports, by kind
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

# Orders to send, encoded one after the other.
cdef struct Part:
    const u8 *data
    const u8 *sizes                  # of each order, in bytes
    const u16 *connections           # of each order
    u64 count
    u64 first                        # orders of the schedule before its first one
    u64 start_ns                     # of the schedule
    double rate                      # orders per second at its start; 0: as fast as possible
    double gain                      # by which the rate grows each second
    bint measured


cdef class Driver:
    cdef readonly Latencies latencies
    cdef readonly u64 sent           # measured orders taken by the operating system
    cdef readonly u64 answered       # measured orders that were answered
    cdef readonly u64 late           # measured orders sent more than LATE_NS after they were due
    cdef readonly u64 all_sent       # including orders that are not measured
    cdef readonly u64 all_answered
    cdef readonly u64 released       # orders that have come due
    cdef readonly u64 iterations
    cdef readonly u64 last_sent_ns   # when the operating system took the last measured order
    cdef readonly u64 last_due_ns    # when it was due
    cdef readonly u64 last_answer_ns
    cdef readonly u32 failure        # as above
    cdef readonly u32 failed_connection
    cdef readonly u64 found
    cdef readonly u64 expected
    cdef public u64 fixed_ns         # for tests: the time; 0: use the clock
    cdef u32 count                   # of connections
    cdef Connection *connections
    cdef size_t connections_bytes
    cdef Part parts[64]
    cdef dict arrays                 # the arrays that the parts point into, by number of the part
    cdef u64 offered                 # parts; written by the thread that offers them
    cdef u64 done                    # parts; written by the loop
    cdef u64 index                   # orders of the current part that have come due
    cdef u64 at                      # bytes of it
    cdef u64 next_due_ns
    cdef bint stuck                  # the next order is due and has no room
    cdef u64 queue_mask
    cdef u64 keep_mask
    cdef u64 heartbeat_ns            # 0: none
    cdef u64 silence_ns              # 0: no limit
    cdef u64 next_tick_ns
    cdef bint spins
    cdef object epoll
    cdef int epoll_fd
    cdef int wake_fd
    cdef u8 *buffer
    cdef epoll_event ready[64]
    cdef u32 ended                   # atomic, like the two below
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
    cdef void _mark_sent(self, Connection *s, u64 n_bytes, u64 now_ns) noexcept nogil
    cdef void _watch(self, u32 number, Connection *s) noexcept nogil
    cdef void _log_out(self, u64 now_ns) noexcept nogil
    cdef void _put(self, Connection *s, u32 kind, u64 now_ns) noexcept nogil
    cdef void _serve(self, u32 number, u32 what) noexcept nogil
    cdef bint _read(self, u32 number, Connection *s) noexcept nogil
    cdef u64 _parse(self, u32 number, Connection *s, const u8 *data, u64 n_bytes, u64 now_ns) noexcept nogil
    cdef bint _control(self, u32 number, Connection *s, const u8 *message) noexcept nogil
    cdef bint _report(self, u32 number, Connection *s, const Report *report, u64 now_ns) noexcept nogil
    cdef bint _answer(self, u32 number, Connection *s, const Report *report, u64 now_ns) noexcept nogil
    cdef void _follow(self, Connection *s, const Report *report) noexcept nogil
    cdef void _settle(self, Connection *s, u32 kind) noexcept nogil
    cdef void _tick(self, u64 now_ns) noexcept nogil
    cdef bint _fail(self, u32 failure, u32 number, u64 found, u64 expected) noexcept nogil
