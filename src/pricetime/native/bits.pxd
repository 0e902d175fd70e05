# Single machine instructions, or nearly.

cdef extern from * nogil:
    int leading_zeros "__builtin_clzll"(unsigned long long) noexcept     # of 64 bits; undefined for 0
    void prefetch "__builtin_prefetch"(const void *) noexcept            # a hint that this will be read
    int ACQUIRE "__ATOMIC_ACQUIRE"
    int RELEASE "__ATOMIC_RELEASE"
    unsigned int exchange "__atomic_exchange_n"(unsigned int *, unsigned int, int) noexcept
    Py_ssize_t load "__atomic_load_n"(Py_ssize_t *, int) noexcept
    Py_ssize_t fetch_add "__atomic_fetch_add"(Py_ssize_t *, Py_ssize_t, int) noexcept
    void store "__atomic_store_n"(unsigned int *, unsigned int, int) noexcept
    int RELAXED "__ATOMIC_RELAXED"
    int SEQ_CST "__ATOMIC_SEQ_CST"
    unsigned long long load_u64 "__atomic_load_n"(const unsigned long long *, int) noexcept
    void store_u64 "__atomic_store_n"(unsigned long long *, unsigned long long, int) noexcept
    unsigned int load_u32 "__atomic_load_n"(const unsigned int *, int) noexcept
    void fence "__atomic_thread_fence"(int) noexcept
