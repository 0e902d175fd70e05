# Records, fields and signatures of driver.py, in its order.

from posix.time cimport timespec

from pricetime.core.layout cimport u8, u16, u32, u64
from pricetime.load.connections cimport (
    BROKEN, CLOSED, LONGEST_MESSAGE, NO_FAILURE, SHORT_MESSAGE_BYTES, SILENT, Connection, Connections,
)
from pricetime.native.arrays cimport records_of
from pricetime.native.bits cimport ACQUIRE, RELEASE, load_u32, load_u64, store, store_u64
from pricetime.native.clock cimport monotonic_ns
from pricetime.native.memory cimport prefault_pages, release, reserve
from pricetime.native.sockets cimport (
    EAGAIN, EINTR, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLIN, EPOLLOUT, MSG_DONTWAIT, MSG_NOSIGNAL, epoll_ctl,
    epoll_event, epoll_wait, errno, read, recv, send,
)
from pricetime.native.waiting cimport yield_processor
from pricetime.wire.layout cimport HEARTBEAT, LOGOUT

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
    BUFFER_BYTES = 524288            # most that one read takes
    EVENTS = 64                      # most events of one iteration
    MOST_AT_ONCE = 4096              # most orders that one iteration releases
    UNSENT_LIMIT = 65536             # without a rate: most bytes of a connection that wait for the operating system
    WAKE = 0xFFFFFFFF                # event number of the descriptor that wakes the loop
    LAST_READS = 1000                # most reads of a socket after the loop has ended
    TICK_NS = 50000000               # between two checks of heartbeats and silence
    SHORT_NS = 100000                # shorter waits yield instead of sleeping: waking takes tens of us in a virtual machine
    BLOCKED_NS = 1000000             # longest sleep while a due order has no room
    LONGEST_SLEEP_NS = 100000000
    NEVER = 0xFFFFFFFFFFFFFFFF

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
    cdef readonly Connections connections
    cdef public u64 fixed_ns         # for tests: the time; 0: use the clock
    cdef Part parts[64]
    cdef dict arrays                 # the arrays that the parts point into, by number of the part
    cdef u64 offered                 # parts; written by the thread that offers them
    cdef u64 done                    # parts; written by the loop
    cdef u64 index                   # orders of the current part that have come due
    cdef u64 at                      # bytes of it
    cdef u64 next_due_ns
    cdef bint stuck                  # the next order is due and has no room
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
    cdef u64 _send_all(self) noexcept nogil
    cdef void _send(self, u32 number, Connection *s) noexcept nogil
    cdef void _watch(self, u32 number, Connection *s) noexcept nogil
    cdef void _log_out(self, u64 now_ns) noexcept nogil
    cdef void _serve(self, u32 number, u32 what) noexcept nogil
    cdef bint _read(self, u32 number, Connection *s) noexcept nogil
    cdef void _tick(self, u64 now_ns) noexcept nogil
