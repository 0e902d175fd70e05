# Signatures and fields of public_ids.py, in its order.

from pricetime.core.book cimport mix
from pricetime.core.layout cimport ASK, BID, i64, u32, u64
from pricetime.native.arrays cimport records_of

cdef enum:
    ROUNDS = 27
    LANES = 64                       # ids side by side

cdef class PublicIds:
    cdef u32 keys[27]                # one for each round

    cdef void hide(self, u64 *ids, u64 count) noexcept nogil
    cdef u64 hide_one(self, u64 order_id) noexcept nogil
