# Fields and signatures of receiver.py, in its order.

from pricetime.core.builder cimport BookBuilder
from pricetime.core.layout cimport EXECUTION_REPORT, Report, i64, u8, u32, u64
from pricetime.native.crc cimport link
from pricetime.native.datagrams cimport MSG_DONTWAIT, receive_datagram
from pricetime.native.memory cimport release, reserve
from pricetime.native.waiting cimport yield_processor


cdef enum:
    PIECE_BYTES = 65536              # the most that the kernel returns at once
    MOST_ATTEMPTS = 1000                     # reads without a datagram before a spinning call returns
    REPORT_WORDS = 6                 # words of a report, for the checksum
    YIELD_AFTER = 8                         # applied pieces before it yields the processor


cdef class Receiver:
    cdef int fd
    cdef u8 *buffer                  # of one piece
    cdef i64 size                    # bytes of the piece that was read last, -1 when nothing came
    cdef u64 applied                 # reports of it that went into the books
    cdef public u32 checksum         # of all reports that are in the books; the caller says with what it begins
    cdef u32 attempts                   # reads before it reports that nothing came
    cdef int error                   # errno of a read that failed, 0 for none
    cdef BookBuilder builder

    cdef bint _read(self) noexcept nogil
    cdef bint _find(self) noexcept nogil
    cdef u64 _apply_pieces(self, u64 most) noexcept nogil
    cdef void _link(self, Report *reports, u64 count) noexcept nogil
    cdef list _runs(self)
