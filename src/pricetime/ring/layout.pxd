# The schema of a ring: what lies where in its mapping, and who writes it. Version 1, little-endian.
#
# Two processes may map the same ring, so nothing here is an address. The parts lie LINE bytes apart: a processor moves
# memory between cores in lines of 64 bytes and likes to fetch them in pairs, and no part may travel along with another.

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
    # Slots: a multiple of SLOT_UNIT bytes each, so many of them
    SLOT_UNIT = 8
    MAX_SLOT_BYTES = 1048576
    MIN_CAPACITY = 2
    MAX_CAPACITY = 1073741824
    DEFAULT_SLOT_BYTES = 64
    # Where a buffer for a ring must begin
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

# Written by the producer alone. Cursors count slots since the ring was made and wrap around at 2**64.
ctypedef struct Producer:
    u64 tail                         # where the next record goes: all before it are published
    u64 seen_head                    # head, as the producer last read it: at most head

# Written by the consumer alone.
ctypedef struct Consumer:
    u64 head                         # the next record to read: all before it are given back
    u64 seen_tail                    # tail, as the consumer last read it: at most tail

# Written now and then, by both.
ctypedef struct Waits:
    u32 consumer_waits               # 1: the consumer sleeps on this word, or is about to
    u32 producer_waits               # 1: so does the producer
    u32 closed                       # 1: nothing more will be put
