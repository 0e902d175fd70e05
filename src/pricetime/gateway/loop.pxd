# Signatures and fields of loop.py, in its order.

from pricetime.core.layout cimport ALL_INSTRUMENTS, CONTINUE, MASS_CANCEL, SET_STATE, Command, i64, u8, u32, u64
from pricetime.gateway.decoder cimport Decoder
from pricetime.gateway.layout cimport (
    ABSENT, ACTIVE, BEGINNINGS, BUFFER_BYTES, DOUBLINGS, FIRST_PART, FULL_READS, MAX_MESSAGE, NEVER, ORDER_ID_SHIFT, PART,
    READ_BYTES, REQUEST_ADMIT, REQUEST_OWNER, REQUEST_STATE, REQUEST_STOP, WAKE, Event, Request, Session,
)
from pricetime.gateway.matcher cimport Matcher
from pricetime.gateway.owner_queue cimport OwnerQueue
from pricetime.gateway.publisher cimport Publisher
from pricetime.gateway.router cimport Arrival, Router
from pricetime.gateway.sessions cimport Sessions
from pricetime.journal.writer cimport Writer
from pricetime.measure.latency cimport KINDS, Latencies
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
    EVENTS = 256                     # sockets looked at in one turn
    TICK_NS = 20000000               # between two looks at what time brings
    FLUSH_NS = 50000                 # answers wait for each other so long, while orders keep coming
    WAITING = 16                     # commands read, before they are matched ahead of more reading
    ROUNDS = 64                      # of matching and routing in one turn
    SYNC_MS = 1                      # the longest sleep while a sync is waited for, whose end wakes it


cdef class Gateway:
    cdef readonly Sessions sessions
    cdef readonly Decoder decoder
    cdef readonly Matcher matcher
    cdef readonly Router router
    cdef readonly Publisher publisher
    cdef readonly Latencies tick_to_trade
    cdef Writer journal              # None without one
    cdef bint journaled              # there is one
    cdef bint durable                # reports wait for a sync
    cdef bint sleeps                 # it may sleep while it waits for one
    cdef bint gave_up                # the journal failed, and nobody is connected any more
    cdef u64 wanted                  # commands that were synced when the syncer was last asked for more
    cdef OwnerQueue unfinished       # owners whose mass cancel waits for its next part
    cdef Ring commands
    cdef Ring requests               # from the control thread
    cdef Ring events                 # to it
    cdef int epoll_fd
    cdef int wake_fd
    cdef bint shared                 # the matcher takes its turns in this thread
    cdef Idle idle                   # how it waits where nothing is under way
    cdef u64 drain_ns                # how long a stop may take
    cdef u8 *buffer
    cdef epoll_event ready[256]
    cdef u64 clock_offset_ns
    cdef u64 next_tick_ns
    cdef u64 flushed_ns              # when clients were last sent their answers
    cdef u64 last_ns                 # monotonic: of this iteration, after it asked epoll
    cdef u64 heard_all_ns            # what came before is read at the end of this iteration
    cdef u64 round_ns                # the same, when the round is through
    cdef u64 round_left              # answers of epoll that the round still takes; 0: there is none
    cdef u64 answered                # commands whose reports are all routed
    cdef u64 stop_ns                 # monotonic: when a stop was asked for, 0 before
    cdef u32 stopped                 # 1: everything is out and every client gone; atomic
    cdef u32 ended                   # 1: the loop must return; atomic
    cdef readonly u64 turns
    cdef u64 received_bytes          # from clients that are logged in, so far
    cdef u64 ring_full               # times that a client was not read, because the ring of commands had no room

    cdef void _run(self) noexcept nogil
    cdef u64 step(self, int timeout_ms) noexcept nogil
    cdef void _note_heard(self, int count, u64 now_ns) noexcept nogil
    cdef u64 _take_requests(self, u64 now_ns) noexcept nogil
    cdef bint _take_request(self, Request *request, u64 now_ns) noexcept nogil
    cdef bint _command(self, u32 kind, u32 owner, u32 instrument, u32 flags, u32 tag, u64 now_ns) noexcept nogil
    cdef void _begin_cancels(self, u64 now_ns) noexcept nogil
    cdef void _go_on_cancelling(self, u64 now_ns) noexcept nogil
    cdef void _leave_unfinished(self, u32 owner) noexcept nogil
    cdef void _resume(self, u64 now_ns) noexcept nogil
    cdef void _serve(self, u32 owner, u32 what) noexcept nogil
    cdef void _read(self, u32 owner, Session *s) noexcept nogil
    cdef void _decode(self, u32 owner, Session *s, u64 n_bytes, u64 now_ns) noexcept nogil
    cdef void _ignore(self, u32 owner, Session *s) noexcept nogil
    cdef u64 _match_and_route(self, u64 now_ns) noexcept nogil
    cdef void _record(self, u64 sent_ns) noexcept nogil
    cdef void _tick(self, u64 now_ns) noexcept nogil
    cdef void _go_on_stopping(self, u64 now_ns) noexcept nogil
    cdef int _patience(self, u64 idle_turns) noexcept nogil
    cdef bint _waits_for_journal(self) noexcept nogil
    cdef bint _holds_back(self) noexcept nogil
    cdef void _want_sync(self) noexcept nogil
    cdef u64 _may_answer(self) noexcept nogil
    cdef bint _failed(self) noexcept nogil
    cdef u64 _give_up(self, int count) noexcept nogil
