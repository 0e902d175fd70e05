# A socket's datagrams, as the system call has them.

cdef extern from "<sys/socket.h>" nogil:
    int MSG_DONTWAIT
    ssize_t receive_datagram "recv"(int fd, void *buffer, size_t length, int flags)
