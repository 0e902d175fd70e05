# Signatures and fields of faults.py, in its order.

from pricetime.core.layout cimport Report, u64
from pricetime.exchange.state.layout cimport REPORT_BYTES
from pricetime.native.sockets cimport MSG_DONTWAIT, send

cdef enum:
    MOST_REPORTS = 1365              # maximum in one datagram


cdef class Faults:
    cdef u64 state                   # of the random number generator, never 0
    cdef u64 drop                    # probability * 2**32; the same for the next two
    cdef u64 duplicate
    cdef u64 reorder
    cdef u64 held                    # reports in the datagram that is held back; 0: none is
    cdef Report late[1365]
    cdef readonly u64 dropped
    cdef readonly u64 duplicated
    cdef readonly u64 reordered

    cdef u64 _draw(self) noexcept nogil
    cdef bint send(self, int fd, const Report *first, u64 count) noexcept nogil
    cdef void send_held(self, int fd) noexcept nogil
    cdef bint _send_now(self, int fd, const Report *first, u64 count) noexcept nogil
