# Signatures and fields of loop.py, in its order.


from pricetime.core.layout cimport EXPIRE, NONE, OUTSIDE_RANGE, PHASE_CHANGED, Report, u8, u32, u64
from pricetime.exchange.io.connections cimport Connections
from pricetime.exchange.io.control_channel cimport ControlChannel
from pricetime.exchange.io.decoder cimport Decoder
from pricetime.exchange.io.expiries cimport Expiries
from pricetime.exchange.io.inbound cimport Inbound
from pricetime.exchange.io.issuer cimport Issuer
from pricetime.exchange.io.layout cimport (
    NEVER, REQUEST_ADMIT, REQUEST_COMMAND, REQUEST_OWNER, REQUEST_STOP, WAKE, Awaited, Request,
)
from pricetime.exchange.io.mass_cancels cimport MassCancels
from pricetime.exchange.io.phases cimport Phases
from pricetime.exchange.io.publisher cimport Publisher
from pricetime.exchange.io.timing cimport Timing
from pricetime.exchange.state.layout cimport BATCH
from pricetime.exchange.state.matcher cimport Matcher
from pricetime.exchange.state.router cimport REASONS, Router
from pricetime.exchange.state.sequencer cimport Sequencer
from pricetime.log.commit_log cimport CommitLog
from pricetime.native.bits cimport ACQUIRE, RELEASE, load_u32, store
from pricetime.native.clock cimport monotonic_ns
from pricetime.native.sockets cimport (
    EPOLL_CTL_ADD, EPOLLIN, close, epoll_ctl, epoll_event, epoll_wait, read,
)
from pricetime.ring.idle cimport Idle
from pricetime.wire.layout cimport NO_REASON

cdef enum:
    EVENTS = 256                     # maximum number of sockets served in one iteration
    TICK_NS = 20000000               # interval of timer checks
    FLUSH_NS = 50000                 # interval of sends to clients while orders keep arriving
    WAITING = 16                     # commands read before they are executed, ahead of more reading
    ROUNDS = 64                      # maximum number of rounds of executing and routing in one iteration
    PAUSE_NS = 200000000             # an iteration that comes later than this after the last: the process did not run
    PROGRESS_MS = 1                  # maximum sleep while reports wait for the log, which wakes this thread


cdef class EventLoop:
    cdef Sequencer sequencer
    cdef readonly Matcher matcher
    cdef readonly Router router
    cdef CommitLog log
    cdef readonly ControlChannel channel
    cdef readonly Connections connections
    cdef readonly MassCancels mass_cancels
    cdef Issuer issuer
    cdef readonly Phases phases
    cdef readonly Expiries expiries
    cdef u64 phase_changes           # reports of them that are routed
    cdef readonly Inbound inbound
    cdef readonly Decoder decoder    # of inbound
    cdef readonly Publisher publisher
    cdef readonly Timing timing
    cdef bint starved                # the log took no command the last time
    cdef bint gave_up                # the log failed, and all connections are closed
    cdef u64 wanted                  # watermark when the loop last asked the log for progress
    cdef public u64 busy_after_ns    # new orders are refused after so long without progress of the log; 0: never
    cdef u64 progress_ns             # monotonic: when nothing waited for the log, or the watermark last moved
    cdef u64 noted_ns                # monotonic: when progress was last looked for
    cdef u64 reached                 # the watermark at that time
    cdef int epoll_fd
    cdef Idle idle                   # how the thread waits for work
    cdef bint sleeps                 # the thread may sleep while it waits for the log
    cdef u64 drain_ns                # maximum duration of a stop
    cdef epoll_event ready[256]
    cdef u64 clock_offset_ns         # added to the monotonic clock: ns since 1970
    cdef u64 next_tick_ns
    cdef u64 flushed_ns              # monotonic: when reports were last sent to clients
    cdef u64 last_ns                 # monotonic: time of this iteration, after its call of epoll
    cdef u64 read_until_ns           # monotonic: at the end of this iteration, all data that arrived before is read
    cdef u64 round_ns                # read_until_ns after the current round over all sockets
    cdef u64 round_left              # iterations left in this round; 0: no round
    cdef u64 stop_ns                 # monotonic: when a stop was requested; 0: not yet
    cdef u32 stopped                 # 1: the stop is complete; atomic
    cdef u32 ended                   # 1: run must return; atomic
    # counters since the start
    cdef readonly u64 iterations

    cdef void _run(self) noexcept nogil
    cdef int _wait_ms(self, u64 idle_iterations) noexcept nogil
    cdef u64 step(self, int timeout_ms) noexcept nogil
    cdef void _note_read(self, int count, u64 now_ns) noexcept nogil
    cdef void _empty_wake(self) noexcept nogil
    cdef u64 _take_requests(self, u64 now_ns) noexcept nogil
    cdef bint _take_request(self, Request *request, u64 now_ns) noexcept nogil
    cdef bint _take_command(self, Request *request, u64 timestamp) noexcept nogil
    cdef u64 _execute_and_route(self, u64 now_ns) noexcept nogil
    cdef u64 _execute(self) noexcept nogil
    cdef u64 _route(self, u64 now_ns) noexcept nogil
    cdef inline void _watch(self, u64 begin) noexcept nogil
    cdef void _note_progress(self, u64 now_ns) noexcept nogil
    cdef bint _waits_for_log(self) noexcept nogil
    cdef bint _holds_reports(self) noexcept nogil
    cdef u64 _give_up(self, int count) noexcept nogil
    cdef void _continue_stop(self, u64 now_ns) noexcept nogil
