# Fields and signatures of reader.py, in its order.

from pricetime.core.layout cimport u8, u32, u64
from pricetime.log.layout cimport CHECKPOINT, COMMAND_BYTES, COMMAND_WORDS, PAGE_WORDS, RECORD_WORDS, WORD_BYTES
from pricetime.native.bits cimport ACQUIRE, load_u64
from pricetime.native.crc cimport link


cdef class Reader:
    cdef readonly object directory
    cdef readonly object configuration # of the segment that is read
    cdef readonly object head        # SegmentHead of it
    cdef u64 number                  # of it
    cdef const u64[::1] words        # of its file, in units of WORD_BYTES
    cdef u64 n_bytes                 # of the words
    cdef u64 size                    # of the file when it was mapped
    cdef object next                 # bytes of the next segment, None without one
    cdef u64 offset                  # after the last good record
    cdef u32 link                    # its CRC
    cdef u64 sequence                # of the last command
    cdef object room                 # the buffer for commands

    # of the last checkpoint
    cdef bint met_checkpoint
    cdef u64 synced
    cdef u64 seq_num
    cdef u32 report_checksum

    cdef object _taken(self, u64 count)
    cdef u64 _scan(self, u64[::1] out, u64 count, u64 most) noexcept nogil
    cdef int _use(self, object data, object head) except -1
    cdef int _map(self, object data) except -1
    cdef int _map_again(self) except -1
    cdef bint _enter_next(self, bint configuration_may_change) except -1
    cdef object _next_data(self)


cdef u64 head_at(const u64[::1] words, u64 at) noexcept nogil
cdef u32 link_at(const u64[::1] words, u64 at, u32 previous) noexcept nogil
