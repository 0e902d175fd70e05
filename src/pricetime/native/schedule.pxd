# What Linux can be asked for about a thread's turns on a processor. Not in the C library.

cdef extern from * nogil:
    """
    #include <string.h>
    #include <sys/syscall.h>
    #include <unistd.h>

    static int pricetime_ask_for_slice(unsigned long long slice_ns) {
        struct {
            unsigned int size, policy;
            unsigned long long flags;
            int nice;
            unsigned int priority;
            unsigned long long runtime, deadline, period;
        } attributes;
        memset(&attributes, 0, sizeof attributes);
        attributes.size = sizeof attributes;
        attributes.runtime = slice_ns;
        return (int)syscall(SYS_sched_setattr, 0, &attributes, 0);
    }
    """
    int ask_for_slice "pricetime_ask_for_slice"(unsigned long long slice_ns) noexcept
