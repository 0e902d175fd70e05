# Stores that bypass the caches, for a reader on a different core. The compiler offers them only under the names of one
# processor, hence the C text. Elsewhere they are normal stores.

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
    void stream_fence() noexcept                           # streamed stores come before later ones
