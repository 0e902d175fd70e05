# The schema of a ring: its memory layout, and which side writes each field. Version 1, little-endian.
#
# Two processes may map the same ring, so nothing here is an address. The parts are LINE bytes apart, because processors
# move memory between cores in lines of 64 bytes and often fetch them in pairs: no part may move together with a second one.

from pricetime.core.layout cimport u32, u64

cdef enum:
    MAGIC = 0x474E4952               # "RING" in memory
    VERSION = 1
    LINE = 128
    PRODUCER_OFFSET = 128
    CONSUMER_OFFSET = 256
    WAITS_OFFSET = 384
    SLOTS_OFFSET = 512
    # Bits of flags
    BLOCKING = 1                     # a side that sleeps is woken by the other
    # Slots: a multiple of SLOT_UNIT bytes each, and their number
    SLOT_UNIT = 8
    MAX_SLOT_BYTES = 1048576
    MIN_CAPACITY = 2
    MAX_CAPACITY = 1073741824
    DEFAULT_SLOT_BYTES = 64
    # Alignment of a buffer for a ring
    ALIGNMENT = 64
    # A message in a slot: its length as u32, then its bytes
    PREFIX = 4

# At offset 0, 40 bytes. Written once, magic last.
ctypedef struct Descriptor:
    u32 magic
    u32 version
    u64 capacity                     # slots, a power of two
    u32 slot_bytes
    u32 flags
    u32 producer_offset              # bytes from the start of the mapping
    u32 consumer_offset
    u32 waits_offset
    u32 slots_offset

# Written by the producer only. Cursors count slots since the ring was made and wrap around at 2**64.
ctypedef struct Producer:
    u64 tail                         # position of the next record: all before it are published
    u64 seen_head                    # head, as the producer last read it: at most head

# Written by the consumer only.
ctypedef struct Consumer:
    u64 head                         # position of the next record to read: all slots before it are free
    u64 seen_tail                    # tail, as the consumer last read it: at most tail

# Written seldom, by both.
ctypedef struct Waits:
    u32 consumer_waits               # 1: the consumer sleeps on this word or is about to
    u32 producer_waits               # 1: the producer sleeps on this word or is about to
    u32 closed                       # 1: no more records will be put
