# What only compiled code sees of a book: fields of its pools, and the clock between two orders.

from pricetime.core.book cimport Books
from pricetime.core.layout cimport Command, IdEntry, Level, Node, Order, OrderCold, u32, u64

from benchmarks.alternatives.arena cimport Arena

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

ctypedef fused AnyBook:
    Books
    Arena
