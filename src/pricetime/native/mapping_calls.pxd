# What Cython does not declare of <sys/mman.h>.

cdef extern from * nogil:
    """
    #include <sys/mman.h>
    #ifndef MADV_POPULATE_WRITE
    #define MADV_POPULATE_WRITE 23   /* Linux 5.14 */
    #endif
    """
    int MADV_POPULATE_WRITE
