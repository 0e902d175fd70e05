# Signatures and fields of loop.py, in its order.

from pricetime.core.layout cimport ALL_INSTRUMENTS, CONTINUE, MASS_CANCEL, SET_PHASE, Command, i64, u8, u32, u64
from pricetime.exchange.io.decoder cimport Decoder
from pricetime.exchange.state.layout cimport (
    ABSENT, ACTIVE, BEGINNINGS, BUFFER_BYTES, DOUBLINGS, FIRST_PART, FULL_READS, MAX_MESSAGE, NEVER, ORDER_ID_SHIFT, PART,
    READ_BYTES, REQUEST_ADMIT, REQUEST_OWNER, REQUEST_PHASE, REQUEST_STOP, WAKE, Event, Request, Session,
)
from pricetime.exchange.state.matcher cimport Matcher
from pricetime.exchange.state.owner_queue cimport OwnerQueue
from pricetime.exchange.io.publisher cimport Publisher
from pricetime.exchange.state.router cimport Arrival, Router
from pricetime.exchange.state.sessions cimport Sessions
from pricetime.log.writer cimport Writer
from pricetime.native.latency cimport KINDS, Latencies
from pricetime.native.bits cimport ACQUIRE, RELEASE, load_u32, store
from pricetime.native.clock cimport clock_offset_ns, monotonic_ns
from pricetime.native.memory cimport release, reserve
from pricetime.native.sockets cimport (
    EAGAIN, EINTR, EPOLL_CTL_ADD, EPOLLIN, EPOLLOUT, MSG_DONTWAIT, close, epoll_ctl, epoll_event, epoll_wait, errno, read, recv,
)
from pricetime.ring.idle cimport Idle
from pricetime.ring.ring cimport Ring
from pricetime.wire.layout cimport CLIENT_LOGOUT, NO_REASON, SHUTDOWN

cdef enum:
    EVENTS = 256                     # maximum number of sockets served in one iteration
    TICK_NS = 20000000               # interval of timer checks
    FLUSH_NS = 50000                 # interval of sends to clients while orders keep arriving
    WAITING = 16                     # commands read before they are matched, ahead of more reading
    ROUNDS = 64                      # maximum number of rounds of matching and routing in one iteration
    SYNC_MS = 1                      # maximum sleep while reports wait for a sync; the syncer wakes this thread


cdef class Gateway:
    cdef readonly Sessions sessions
    cdef readonly Decoder decoder
    cdef readonly Matcher matcher
    cdef readonly Router router
    cdef readonly Publisher publisher
    cdef readonly Latencies tick_to_trade
    cdef Writer journal              # None without a journal
    cdef bint journaled              # there is a journal
    cdef bint durable                # reports wait for a sync
    cdef bint sleeps                 # the thread may sleep while it waits for a sync
    cdef bint gave_up                # the journal failed, and all connections are closed
    cdef u64 wanted                  # last synced command when the last sync was requested
    cdef OwnerQueue unfinished       # owners whose mass cancel needs its next part
    cdef Ring commands
    cdef Ring requests               # from the control thread
    cdef Ring events                 # to it
    cdef int epoll_fd
    cdef int wake_fd
    cdef bint shared                 # the matcher runs in this thread
    cdef Idle idle                   # how the thread waits for work
    cdef u64 drain_ns                # maximum duration of a stop
    cdef u8 *buffer
    cdef epoll_event ready[256]
    cdef u64 clock_offset_ns
    cdef u64 next_tick_ns
    cdef u64 flushed_ns              # monotonic: when reports were last sent to clients
    cdef u64 last_ns                 # monotonic: time of this iteration, after its call of epoll
    cdef u64 read_until_ns           # monotonic: at the end of this iteration, all data that arrived before is read
    cdef u64 round_ns                # read_until_ns after the current round over all sockets
    cdef u64 round_left              # iterations left in this round; 0: no round
    cdef u64 answered                # last command whose reports are all routed
    cdef u64 stop_ns                 # monotonic: when a stop was requested; 0: not yet
    cdef u32 stopped                 # 1: the stop is complete; atomic
    cdef u32 ended                   # 1: run must return; atomic
    # counters since the start
    cdef readonly u64 iterations
    cdef u64 received_bytes          # from logged-in clients
    cdef u64 ring_full               # times that a client was not read because the ring of commands was full

    cdef void _run(self) noexcept nogil
    cdef u64 step(self, int timeout_ms) noexcept nogil
    cdef void _note_read(self, int count, u64 now_ns) noexcept nogil
    cdef u64 _take_requests(self, u64 now_ns) noexcept nogil
    cdef bint _take_request(self, Request *request, u64 now_ns) noexcept nogil
    cdef bint _command(self, u32 kind, u32 owner, u32 instrument, u32 flags, u32 tag, u64 now_ns) noexcept nogil
    cdef void _begin_cancels(self, u64 now_ns) noexcept nogil
    cdef void _continue_cancels(self, u64 now_ns) noexcept nogil
    cdef void _queue_unfinished(self, u32 owner) noexcept nogil
    cdef void _resume(self, u64 now_ns) noexcept nogil
    cdef void _serve(self, u32 owner, u32 what) noexcept nogil
    cdef void _read(self, u32 owner, Session *s) noexcept nogil
    cdef void _decode(self, u32 owner, Session *s, u64 n_bytes, u64 now_ns) noexcept nogil
    cdef void _ignore(self, u32 owner, Session *s) noexcept nogil
    cdef u64 _match_and_route(self, u64 now_ns) noexcept nogil
    cdef void _record(self, u64 sent_ns) noexcept nogil
    cdef void _tick(self, u64 now_ns) noexcept nogil
    cdef void _continue_stop(self, u64 now_ns) noexcept nogil
    cdef int _wait_ms(self, u64 idle_iterations) noexcept nogil
    cdef bint _waits_for_journal(self) noexcept nogil
    cdef bint _holds_reports(self) noexcept nogil
    cdef void _request_sync(self) noexcept nogil
    cdef u64 _answerable(self) noexcept nogil
    cdef bint _failed(self) noexcept nogil
    cdef u64 _give_up(self, int count) noexcept nogil
