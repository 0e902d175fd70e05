# Signatures and fields of expiries.py, in its order.

from pricetime.core.book cimport Books
from pricetime.core.engine cimport Engine
from pricetime.core.expiry cimport has_due
from pricetime.core.layout cimport EXPIRE, EXPIRY_DONE, UNFINISHED, Report, u32, u64
from pricetime.exchange.io.control_channel cimport ControlChannel
from pricetime.exchange.io.issuer cimport Issuer
from pricetime.exchange.io.layout cimport (
    EXPIRY_DUE, EXPIRY_IDLE, EXPIRY_ISSUED, EXPIRY_PART, SCANNED, Expiry,
)
from pricetime.exchange.io.number_queue cimport NumberQueue
from pricetime.exchange.state.matcher cimport Matcher
from pricetime.native.memory cimport release, reserve


cdef class Expiries:
    cdef Books books
    cdef Issuer issuer
    cdef ControlChannel channel
    cdef u64 interval_ns             # between two rounds over all instruments
    cdef u64 next_ns                 # monotonic: when the next round begins
    cdef u32 count                   # instruments
    cdef u32 scanned                 # of this round
    cdef u32 *numbers                # of the instruments
    cdef Expiry *expiries            # by instrument
    cdef NumberQueue due             # instruments whose next part is to be issued

    cdef void request(self, u32 instrument, u64 number) noexcept nogil
    cdef void _begin(self, u32 instrument) noexcept nogil
    cdef void proceed(self, u64 now_ns, u64 timestamp) noexcept nogil
    cdef void _scan(self, u64 timestamp) noexcept nogil
    cdef void finish_part(self, u32 instrument, const Report *report) noexcept nogil
