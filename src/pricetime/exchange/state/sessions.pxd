# Signatures and fields of sessions.py, in its order.

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from pricetime.core.layout cimport BY_DISCONNECT, Report, u8, u32, u64
from pricetime.exchange.state.layout cimport (
    ABSENT, ACTIVE, CLOSING, CONTROL_BYTES, EVENT_LOGIN_REFUSED, EVENT_SESSION_BEGAN, EVENT_SESSION_ENDED, FLUSH_BYTES,
    LINGER_NS, LINGERING, MAX_MESSAGE, MOST_SPARES, NEVER, OWNERS, REPORT_BYTES, Event, Session,
)
from pricetime.exchange.state.owner_queue cimport OwnerQueue
from pricetime.exchange.state.throttle cimport Throttle
from pricetime.log.layout cimport SnapshotOwner
from pricetime.native.arrays cimport Block, records_of
from pricetime.native.clock cimport monotonic_ns
from pricetime.native.memory cimport release, reserve, prefault_pages
from pricetime.native.sockets cimport (
    EAGAIN, EINTR, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLIN, EPOLLOUT, MSG_DONTWAIT, MSG_NOSIGNAL, SHUT_WR, close,
    epoll_ctl, epoll_event, errno, iovec, msghdr, send, sendmsg, shutdown,
)
from pricetime.ring.ring cimport Ring
from pricetime.wire.layout cimport (
    CLIENT_LOGOUT, HEARTBEAT, HEARTBEAT_TIMEOUT, KEEP_ORDERS, LOGIN_ACCEPTED, LOGIN_REJECTED, LOGIN_TOO_SOON, LOGOUT, NO_REASON, RESUME,
    SEQUENCE_GONE, SLOW_READER, SUPERSEDED, THROTTLE_EXCEEDED, TOO_MANY_CLIENTS, Heartbeat, LoginAccepted, LoginRejected, Logout,
)


cdef class Sessions:
    cdef Session *sessions           # by owner
    cdef u64 stream_capacity         # reports kept of each stream, a power of two
    cdef u64 stream_mask
    cdef u64 outbound_bytes          # maximum of unsent bytes before a client is disconnected
    cdef Report *spares[64]          # preallocated streams that have no owner yet
    cdef readonly u32 spare_count
    cdef u32 heartbeat_ms
    cdef u32 timeout_ms
    cdef u32 orders_per_second
    cdef Throttle throttle
    cdef u64 relogin_delay_ns        # after the throttle ended a session
    cdef public u32 level            # AcknowledgementLevel, for LoginAccepted
    cdef bint cancel_on_disconnect
    cdef int epoll_fd
    cdef Ring events                 # to the control thread
    cdef public u64 clock_offset_ns

    cdef u32 *connected              # owners that have a connection
    cdef readonly u32 connected_count
    cdef u32 most_clients
    cdef u32 *dirty                  # owners that have something to send
    cdef u32 dirty_count
    cdef OwnerQueue cancels_due      # owners whose mass cancel is queued
    cdef OwnerQueue resuming         # owners with messages that wait for a MassCancel
    cdef u32 *logging_out            # owners that sent Logout and wait for its answer
    cdef u32 logging_out_count
    cdef readonly u64 slow_readers   # clients disconnected because they read too slowly, since the start
    cdef readonly u64 sent_bytes     # to clients, since the start

    cdef Report *_take_spare(self) noexcept nogil
    cdef bint admit(self, u32 owner, int fd, u32 flags, u64 next_sequence, u64 commands, u64 now_ns) noexcept nogil
    cdef u32 _reject_reason(self, Session *s, u32 flags, u64 next_sequence, u64 now_ns) noexcept nogil
    cdef void _reject(self, int fd, u32 owner, u32 reason, u64 oldest) noexcept nogil
    cdef void _connect(self, Session *s, u32 owner, int fd, u32 flags, u64 next_sequence, u64 now_ns) noexcept nogil
    cdef void _accept(self, Session *s, u32 owner) noexcept nogil
    cdef bint _open_stream(self, Session *s) noexcept nogil
    cdef u64 oldest_sequence(self, Session *s) noexcept nogil
    cdef u64 _position(self, Session *s) noexcept nogil
    cdef Report *append(self, u32 owner) noexcept nogil
    cdef bint _is_full(self, Session *s) noexcept nogil
    cdef void mark(self, u32 owner, Session *s) noexcept nogil
    cdef u64 _kept(self, Session *s, u64 most) noexcept nogil
    cdef void _write_streams(self, SnapshotOwner *headers, Report *reports, u64 most) noexcept nogil
    cdef int _check_streams(self, object owners, object reports) except -1
    cdef bint waits(self, Session *s, u64 answered) noexcept nogil
    cdef void wait_for(self, Session *s, u64 command) noexcept nogil
    cdef void cancel_orders(self, u32 owner, u32 reason) noexcept nogil
    cdef bint hold(self, u32 owner, Session *s, const u8 *data, u64 n_bytes) noexcept nogil
    cdef u64 take_held(self, Session *s, u8 *buffer) noexcept nogil
    cdef void _free_held(self, Session *s) noexcept nogil
    cdef u64 tick(self, u64 answered, u64 now_ns, u64 read_until_ns) noexcept nogil
    cdef void _heartbeat(self, Session *s, u32 owner) noexcept nogil
    cdef void begin_logout(self, u32 owner, Session *s, u64 sequence) noexcept nogil
    cdef void answer_logouts(self, u64 answered, u64 now_ns) noexcept nogil
    cdef bint _may_log_out(self, Session *s, u64 answered, u64 now_ns) noexcept nogil
    cdef void end(self, u32 owner, u32 reason, u64 now_ns) noexcept nogil
    cdef void drop(self, u32 owner, u32 reason) noexcept nogil
    cdef void remove(self, u32 owner, u32 session_reason, u32 cancel_reason, u64 now_ns) noexcept nogil
    cdef void _session_ended(self, Session *s, u32 owner, u32 reason) noexcept nogil
    cdef u64 flush_all(self, u64 now_ns) noexcept nogil
    cdef void flush(self, u32 owner, u64 now_ns) noexcept nogil
    cdef bint _has_to_send(self, Session *s) noexcept nogil
    cdef u64 _send(self, Session *s) noexcept nogil
    cdef u32 _add_stream(self, Session *s, u64 first, u64 n_bytes, iovec *pieces) noexcept nogil
    cdef void _advance(self, Session *s, u64 n_bytes, u64 before_control) noexcept nogil
    cdef u64 unsent(self, Session *s) noexcept nogil
    cdef void _watch(self, Session *s, u32 owner) noexcept nogil
    cdef u8 *_control(self, Session *s, u32 n_bytes) noexcept nogil
    cdef void _emit_event(self, u32 kind, u32 owner, u32 reason, u64 next_sequence) noexcept nogil
