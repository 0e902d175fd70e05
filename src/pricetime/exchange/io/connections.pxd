# Signatures and fields of connections.py, in its order.

from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from pricetime.core.layout cimport BY_DISCONNECT, GTC_AND_GTD, Report, u8, u32, u64
from pricetime.exchange.io.control_channel cimport ControlChannel
from pricetime.exchange.io.layout cimport (
    ABSENT, ACTIVE, CLOSING, CONTROL_BYTES, EVENT_LOGIN_REFUSED, EVENT_SESSION_BEGAN, EVENT_SESSION_ENDED, FLUSH_BYTES,
    LINGER_NS, LINGERING, Connection,
)
from pricetime.exchange.io.mass_cancels cimport MassCancels
from pricetime.exchange.io.throttle cimport Throttle
from pricetime.exchange.state.layout cimport OWNERS, REPORT_BYTES, Stream
from pricetime.exchange.state.sequencer cimport Sequencer
from pricetime.exchange.state.streams cimport Streams
from pricetime.native.clock cimport monotonic_ns
from pricetime.native.memory cimport release, reserve
from pricetime.native.sockets cimport (
    EAGAIN, EINTR, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLIN, EPOLLOUT, MSG_DONTWAIT, MSG_NOSIGNAL, SHUT_WR, close,
    epoll_ctl, epoll_event, errno, iovec, msghdr, send, sendmsg, shutdown,
)
from pricetime.wire.layout cimport (
    CLIENT_LOGOUT, HEARTBEAT, HEARTBEAT_TIMEOUT, KEEP_GTC_AND_GTD, KEEP_ORDERS, LOGIN_ACCEPTED, LOGIN_REJECTED, LOGIN_TOO_SOON,
    LOGOUT, NO_REASON, RESUME, SEQUENCE_GONE, SHUTDOWN, SLOW_READER, SUPERSEDED, THROTTLE_EXCEEDED, TOO_MANY_CLIENTS, Heartbeat, LoginAccepted, LoginRejected, Logout,
)


cdef class Connections:
    cdef Connection *of              # by owner
    cdef Streams streams
    cdef Sequencer sequencer
    cdef MassCancels mass_cancels
    cdef Throttle throttle
    cdef ControlChannel channel
    cdef int epoll_fd
    cdef u64 outbound_bytes          # maximum of unsent bytes before a client is disconnected
    cdef u32 heartbeat_ms
    cdef u32 timeout_ms
    cdef u32 orders_per_second
    cdef u64 relogin_delay_ns        # after the throttle ended a session
    cdef u32 level                   # AcknowledgementLevel, for LoginAccepted
    cdef bint cancel_on_disconnect
    cdef u32 *connected              # owners that have a connection
    cdef readonly u32 count          # how many
    cdef u32 most_clients
    cdef u32 *logging_out            # owners that sent Logout and wait for its answer
    cdef u32 logging_out_count
    cdef readonly u64 slow_readers   # clients disconnected because they read too slowly, since the start
    cdef readonly u64 sent_bytes     # to clients, since the start

    cdef void admit(self, u32 owner, int fd, u32 flags, u64 next_sequence, u64 now_ns) noexcept nogil
    cdef u32 _reject_reason(self, u32 owner, u32 flags, u64 next_sequence, u64 now_ns) noexcept nogil
    cdef void _reject(self, int fd, u32 owner, u32 reason, u64 oldest) noexcept nogil
    cdef void _connect(self, Connection *c, u32 owner, int fd, u32 flags, u64 next_sequence, u64 now_ns) noexcept nogil
    cdef void _accept(self, Connection *c, u32 owner) noexcept nogil
    cdef u64 _position(self, Connection *c) noexcept nogil
    cdef void refuse(self, u32 owner, Report *refused, u32 count, u64 now_ns) noexcept nogil
    cdef void tick(self, u64 now_ns, u64 read_until_ns) noexcept nogil
    cdef bint _may_send_heartbeat(self, Connection *c, u32 owner, u64 now_ns) noexcept nogil
    cdef void _heartbeat(self, Connection *c, u32 owner) noexcept nogil
    cdef void begin_logout(self, u32 owner) noexcept nogil
    cdef void answer_logouts(self, u64 now_ns) noexcept nogil
    cdef bint _may_log_out(self, Connection *c, u32 owner, u64 now_ns) noexcept nogil
    cdef void end(self, u32 owner, u32 reason, u64 now_ns) noexcept nogil
    cdef void drop(self, u32 owner, u32 reason) noexcept nogil
    cdef void begin_stop(self) noexcept nogil
    cdef void end_all(self, bint late, u64 now_ns) noexcept nogil
    cdef void drop_all(self) noexcept nogil
    cdef void _session_ended(self, Connection *c, u32 owner, u32 reason) noexcept nogil
    cdef u64 flush_all(self, u64 now_ns) noexcept nogil
    cdef void flush(self, u32 owner, u64 now_ns) noexcept nogil
    cdef void make_room(self, u32 owner, u64 count, u64 now_ns) noexcept nogil
    cdef void unblock(self, u32 owner) noexcept nogil
    cdef bint _has_to_send(self, Connection *c, u32 owner) noexcept nogil
    cdef u64 _send(self, Connection *c, u32 owner) noexcept nogil
    cdef u32 _add_stream(self, u32 owner, u64 first, u64 n_bytes, iovec *pieces) noexcept nogil
    cdef void _advance(self, Connection *c, u64 n_bytes, u64 before_control) noexcept nogil
    cdef u64 unsent(self, Connection *c, u32 owner) noexcept nogil
    cdef void _watch(self, Connection *c, u32 owner) noexcept nogil
    cdef u8 *_control(self, Connection *c, u32 n_bytes) noexcept nogil
