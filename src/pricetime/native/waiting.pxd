# Ways to let time pass: an instruction, the scheduler, the kernel. In C, since each machine and system has its own.

cdef extern from * nogil:
    """
    #include <sched.h>
    #include <time.h>

    /* Tells the processor that this is a loop that waits: it saves power, and leaves the loop without a flush. */
    static inline void pricetime_pause(void) {
    #if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
    #elif defined(__aarch64__)
        __asm__ __volatile__("yield");
    #endif
    }

    #if defined(__linux__)
    #include <linux/futex.h>
    #include <sys/syscall.h>
    #include <unistd.h>

    static inline void pricetime_sleep_while(unsigned int *word, unsigned int value, long long timeout_ns, int shared) {
        struct timespec timeout = {timeout_ns / 1000000000LL, timeout_ns % 1000000000LL};
        syscall(SYS_futex, word, shared ? FUTEX_WAIT : FUTEX_WAIT_PRIVATE, value, &timeout, NULL, 0);
    }

    static inline void pricetime_wake(unsigned int *word, int shared) {
        syscall(SYS_futex, word, shared ? FUTEX_WAKE : FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
    #else
    /* No futex to be had everywhere: sleep a little, and the caller looks again. */
    static inline void pricetime_sleep_while(unsigned int *word, unsigned int value, long long timeout_ns, int shared) {
        struct timespec little = {0, timeout_ns < 50000 ? (long)timeout_ns : 50000};
        (void)shared;
        if (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value) nanosleep(&little, NULL);
    }

    static inline void pricetime_wake(unsigned int *word, int shared) { (void)word; (void)shared; }
    #endif
    """
    void pause "pricetime_pause"() noexcept
    int yield_processor "sched_yield"() noexcept

    # Sleeps while the word has the value, until woken, or for timeout_ns (not negative) at most; may return early for no
    # reason. shared: the word is in memory that a second process maps too.
    void sleep_while "pricetime_sleep_while"(unsigned int *word, unsigned int value, long long timeout_ns,
                                             bint shared) noexcept
    void wake "pricetime_wake"(unsigned int *word, bint shared) noexcept      # one sleeper on this word
