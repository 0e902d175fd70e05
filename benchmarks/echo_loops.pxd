# Signatures of echo_loops.py, in its order.

from libc.string cimport memcpy, memset

from pricetime.core.layout cimport ACCEPTED, CANCELLED, EXECUTION_REPORT, REDUCED, REPLACED, Report, u8, u32, u64
from pricetime.native.arrays cimport Block
from pricetime.native.sockets cimport EPOLL_CTL_ADD, EPOLLIN, MSG_NOSIGNAL, epoll_ctl, epoll_event, epoll_wait, recv, send
from pricetime.wire.layout cimport CancelOrder

cdef enum:
    MOST = 64                        # connections
    READ_BYTES = 65536               # at once
    ROOM_BYTES = 262144              # for the answers to them: 48 bytes to each 16
    LONGEST_ORDER = 40

cdef struct Talk:
    int fd
    u64 sequence
    u64 kept_bytes                   # of an incomplete message
    u8 kept[48]

cdef u64 _echo(int epoll_fd, Talk *talks, u32 open_count, const u8 *sizes, u8 *buffer, u8 *out) noexcept nogil
cdef u64 _answer(Talk *t, const u8 *sizes, const u8 *data, u64 n_bytes, u8 *out) noexcept nogil
