# Signatures of engine_loops.py, in its order, and the clock between two orders.

from pricetime.core.book cimport Books
from pricetime.core.layout cimport Command, u32, u64
from pricetime.core.order_book cimport OrderBook
from pricetime.log.writer cimport Writer
from pricetime.native.arrays cimport records_of
from pricetime.native.waiting cimport pause, yield_processor

cdef extern from * nogil:
    """
    #if defined(__x86_64__)
    #include <x86intrin.h>
    /* Waits until what came before has finished, so that its time is not counted to what comes after. */
    static inline unsigned long long read_ticks(void) { _mm_lfence(); return __rdtsc(); }
    #else
    #include <time.h>
    static inline unsigned long long read_ticks(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (unsigned long long)now.tv_sec * 1000000000ULL + (unsigned long long)now.tv_nsec;
    }
    #endif
    """
    u64 read_ticks() noexcept

cdef u32 _short(u64 ticks) noexcept nogil
cdef void _time_each(Books books, const Command *commands, u64 count, u32 *ticks) noexcept nogil
cdef u64 _append_paced(Writer writer, const Command *commands, u64 count, u64 batch, u64 gap_ticks, u32 *ticks,
                       u64 *stalled) noexcept nogil
