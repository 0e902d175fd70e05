# The schema of the journal: all records of its files, little-endian, with units and invariants.
#
# The compiler reads this file; so does layout.py, for the uncompiled form. A test compares docs/reference/journal.md with it.

from pricetime.core.layout cimport Command, i64, u8, u16, u32, u64

cdef enum:
    VERSION = 4
    # Bytes: unit of syncing a segment; a page that was synced is never stored into again
    PAGE = 4096
    # Bytes of a record: its head of 8, and a command
    RECORD_BYTES = 72
    COMMAND_BYTES = 64
    REPORT_BYTES = 48
    # Alignment of all records, and the same sizes in units of it
    WORD_BYTES = 8
    PAGE_WORDS = 512
    RECORD_WORDS = 9
    COMMAND_WORDS = 8
    # Type of a checkpoint, in place of a CommandType: the largest, so that no command ever has it
    CHECKPOINT = 255

# The first bytes of a segment: 128 bytes, then the configuration, then zeros up to the next page.
ctypedef packed struct SegmentHead:
    u8 magic[8]          # PTJRNSEG
    u32 version
    u32 configuration_bytes
    u8 digest[32]        # SHA-256 of the configuration
    u64 number           # of the segment: 1, 2, 3 ...
    u32 segment_bytes    # of the file, a multiple of PAGE
    u32 term             # of the process that writes it: at least that of the segment before
    u64 epoch            # of the feed, ns
    u8 boot[16]          # id of the machine's start; zeros if the system has none
    u8 journal[16]       # id of the journal, random
    u32 level            # AcknowledgementLevel
    u32 static_crc       # CRC-32C of the 108 bytes before it, then of the configuration
    # stored when the segment begins to be used, zero before
    u64 first_sequence   # of its first command: one more than the last before it
    u32 carried          # CRC of the last record before it; in segment 1 CRC-32C of the configuration
    u32 crc              # CRC-32C of the 124 bytes before it, 1 if that is 0: stored last; 0: not in use

# Before every command in a segment: 8 bytes, stored as one and last.
ctypedef packed struct RecordHead:
    u32 length           # COMMAND_BYTES
    u32 crc              # of the command, the length and the CRC of the record before, or of the head for the first

# The first 192 bytes of a snapshot. Then come its parts in the order of their counts, then SnapshotEnd.
ctypedef packed struct SnapshotHead:
    u8 magic[8]          # PTJRNSNP
    u32 version
    u32 term             # of the process that wrote it
    u8 digest[32]        # of the configuration, as in SegmentHead
    u64 sequence         # of the last command in it
    u64 timestamp        # ns, of that command
    u64 segment          # where the next record is: segment ...
    u64 offset           # ... and byte
    u32 link             # CRC of the last record
    u32 report_checksum       # over all reports so far
    u64 seq_num          # of the last report
    u64 books            # their digest, over references
    u64 next_reference   # of the next order to be accepted
    u64 epoch            # of the feed, ns
    u64 feed_sequence    # of the next report of the feed
    u64 instruments      # 80 bytes each, these three as in types.BookRecords: the state of every instrument
    u64 resting          # 112 bytes each: the resting orders
    u64 unfinished       # 40 bytes each: the unfinished mass cancels
    u64 owners           # 16 bytes each
    u64 stream_reports   # 48 bytes each: the newest of each owner, owner by owner
    u64 feed_reports     # 48 bytes each: the newest of the feed
    u32 feed_checksum    # of all reports of the feed before those
    u32 zero2
    u8 zero3[8]

# An owner's stream in a snapshot: 16 bytes.
ctypedef packed struct SnapshotOwner:
    u32 owner
    u32 kept             # of its reports, in the snapshot
    u64 next_sequence    # of its next report

# The last bytes of a snapshot: 8 bytes.
ctypedef packed struct SnapshotEnd:
    u32 crc              # CRC-32C of all before
    u32 zero
