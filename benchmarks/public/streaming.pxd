# Words stored past the caches, for a reader on another core: the compiler has them under names of one processor alone,
# which is why this is said in C. Elsewhere they are stored as any other.

cdef extern from * nogil:
    """
    #ifdef __SSE2__
    #define stream(word, value) __builtin_ia32_movnti64((word), (value))
    #define stream_fence() __builtin_ia32_sfence()
    #else
    #define stream(word, value) (*(word) = (value))
    #define stream_fence() ((void)0)
    #endif
    """
    void stream(long long *word, long long value) noexcept
    void stream_fence() noexcept                           # what was streamed is stored before what follows
