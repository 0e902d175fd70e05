# Signatures and fields of writer.py, in its order.

cimport cython

from pricetime.core.layout cimport Command, i64, u8, u32, u64
from pricetime.log.commit_log cimport DURABLE, REPLICATED, CommitLog
from pricetime.log.layout cimport CHECKPOINT, COMMAND_BYTES, PAGE, RECORD_BYTES, SegmentHead
from pricetime.native.bits cimport (
    ACQUIRE, RELAXED, RELEASE, SEQ_CST, exchange, fence, load_u32, load_u64, store, store_u64,
)
from pricetime.native.crc cimport crc_of, link as linked
from pricetime.native.mapping cimport Mapping
from pricetime.native.sockets cimport write
from pricetime.native.waiting cimport pause, sleep_while, wake, yield_processor

cdef enum:
    CRC_OFFSET = 124                 # of "crc" in SegmentHead, and the number of bytes that it covers
    SPINS = 1000                     # checks for the end of a batch before it yields the processor
    LINE = 128


cdef class Writer(CommitLog):
    # the engine's own
    cdef u8 *memory                  # the segment in use
    cdef u64 offset                  # where the next record goes: a multiple of 8
    cdef u64 end                     # bytes of the segment; offset <= end
    cdef u64 number                  # of the segment, 0 before the first
    cdef u32 link                    # CRC of the last record, or of the head of the segment
    cdef u64 checkpointed            # "synced" as the last checkpoint has it
    cdef bint blank                  # the segment has no record yet

    # written by the engine alone, read by any thread: atomic
    cdef u8 line1[128]
    cdef u64 entries                 # odd while the engine is inside "append"
    cdef u64 sequence                # of the last command in the journal
    cdef u64 place                   # end of its record: number << 32 | offset
    cdef u64 turned_sequence         # "sequence" when the engine last changed the page ...
    cdef u64 turned_place            # ... and "place"
    cdef u32 starved                 # 1: there is no room and no offered segment

    # written by the syncer, or by a thread that waits for it: atomic
    cdef u8 line2[128]
    cdef u32 turn_wanted             # 1: the next record must begin on the next page; the engine resets it to 0
    cdef u64 left_wanted             # and the engine must leave this segment, 0: none; stored before turn_wanted
    cdef u32 broken                  # 1: nothing is appended any more
    cdef u64 synced                  # all commands up to this sequence are on the disk
    cdef u64 offered                 # number of the offered segment, 0: none; the engine resets it to 0
    cdef u8 *offered_memory          # its memory
    cdef u64 offered_bytes
    cdef u64 offered_first           # where its first record goes
    cdef u64 limits[2]               # of segments with even and odd numbers: the engine stores nothing after it; see "allow"
    cdef u32 wanted                  # 1: a thread waits for "synced" to move
    cdef u32 asleep                  # 1: the syncer sleeps on this word or is about to
    cdef u32 called                  # 1: the syncer must wake up in any case

    # written by the replicator, or by a thread that waits for it: atomic
    cdef u8 line3[128]
    cdef u64 replicated              # all commands up to this sequence are in the replicated stream
    cdef u32 replicator_sleeps       # 1: the replicator waits for ``replicator_fd`` or is about to
    cdef readonly int replicator_fd  # eventfd of the replicator; -1: none

    # the syncer's own
    cdef u64 claimed                 # "sequence" at the last turn: synced, or synced next
    cdef Mapping in_use              # kept for as long as the engine may store into it
    cdef Mapping ready               # offered last: taken or not

    # the engine
    @cython.final
    cdef bint _ensure_room(self, u64 seq_num, u32 report_checksum) noexcept nogil
    @cython.final
    cdef u64 _limit(self) noexcept nogil
    @cython.final
    cdef bint _is_ready(self) noexcept nogil
    @cython.final
    cdef void _put(self, const Command *commands, u64 count) noexcept nogil
    @cython.final
    cdef void _put_checkpoint(self, u64 synced, u64 seq_num, u32 report_checksum) noexcept nogil
    @cython.final
    cdef void _turn_page(self) noexcept nogil
    @cython.final
    cdef bint _next_segment(self) noexcept nogil
    @cython.final
    cdef void _starve(self) noexcept nogil

    # threads that wait for progress
    @cython.final
    cdef u64 _held_to(self) noexcept nogil
    @cython.final
    cdef bint _was_awaited(self, u64 before) noexcept nogil
    @cython.final
    cdef void _wake_replicator(self) noexcept nogil

    # the syncer
    @cython.final
    cdef void _wait_while_inside(self, u64 entry) noexcept nogil
    @cython.final
    cdef void _sleep(self, i64 timeout_ns, bint unless_new) noexcept nogil
    @cython.final
    cdef bint _is_starving(self) noexcept nogil
    @cython.final
    cdef void _wake(self) noexcept nogil
