# The schema of the state: an owner's stream of reports.

from pricetime.core.layout cimport Report, u32, u64

cdef enum:
    OWNERS = 65536
    ORDER_ID_SHIFT = 48        # in the book, an order's id is owner << 48 | client's id
    REPORT_BYTES = 48
    BATCH = 256                # maximum number of commands executed at a time

# The newest reports of one owner, numbered from 1.
ctypedef struct Stream:
    Report *reports            # ring: report number n is at (n - 1) & mask; NULL until the first login or report
    u64 count                  # reports so far
    u64 lost                   # reports up to this number are lost: they were not in the snapshot
    u64 limit                  # "count" must not pass this, because the reader still needs the oldest report; 0: no reader
    u64 open_until             # while "count" is lower, a report needs no check: there is memory, room, and a reader knows
    u64 fresh                  # 1: in Streams.fresh
