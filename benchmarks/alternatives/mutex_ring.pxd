# Signatures and fields of mutex_ring.py, in its order.

from pricetime.core.layout cimport u8, u64
from pricetime.native.memory cimport release as give_back, reserve

cdef extern from "<pthread.h>" nogil:
    ctypedef struct pthread_mutex_t:
        pass
    int pthread_mutex_init(pthread_mutex_t *, const void *) noexcept
    int pthread_mutex_lock(pthread_mutex_t *) noexcept
    int pthread_mutex_unlock(pthread_mutex_t *) noexcept
    int pthread_mutex_destroy(pthread_mutex_t *) noexcept


cdef class MutexRing:
    cdef u8 *memory
    cdef u8 *slots
    cdef u64 *tail                   # the mutex guards both cursors; lines of their own, as in the other ring
    cdef u64 *head
    cdef readonly u64 capacity
    cdef u64 mask
    cdef readonly u64 slot_bytes
    cdef u64 n_bytes
    cdef pthread_mutex_t mutex

    cdef u64 claim(self, u64 wanted) noexcept nogil          # holds the mutex when it is not 0
    cdef void *claimed(self, u64 index) noexcept nogil
    cdef void commit(self, u64 count) noexcept nogil
    cdef u64 peek(self, u64 wanted) noexcept nogil           # holds the mutex when it is not 0
    cdef void *peeked(self, u64 index) noexcept nogil
    cdef void release(self, u64 count) noexcept nogil
