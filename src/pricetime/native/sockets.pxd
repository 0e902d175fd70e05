# The system calls of a server's hot path. Sockets are opened and set up in Python and given here by their number.

cdef extern from "<errno.h>" nogil:
    int errno
    int EAGAIN
    int EINTR
    int ENOBUFS
    int EINVAL
    int EMSGSIZE

cdef extern from "<unistd.h>" nogil:
    int close(int fd)
    ssize_t read(int fd, void *buffer, size_t n_bytes)
    ssize_t write(int fd, const void *buffer, size_t n_bytes)

cdef extern from "<sys/uio.h>" nogil:
    struct iovec:
        void *iov_base
        size_t iov_len

cdef extern from "<sys/socket.h>" nogil:
    int MSG_DONTWAIT
    int MSG_NOSIGNAL
    int MSG_PEEK
    int SHUT_WR
    struct cmsghdr:
        size_t cmsg_len
        int cmsg_level
        int cmsg_type
    struct msghdr:
        void *msg_name
        unsigned int msg_namelen
        iovec *msg_iov
        size_t msg_iovlen
        void *msg_control
        size_t msg_controllen
        int msg_flags
    struct mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len
    int shutdown(int fd, int how)
    int setsockopt(int fd, int level, int option, const void *value, unsigned int n_bytes)
    ssize_t recv(int fd, void *buffer, size_t n_bytes, int flags)
    ssize_t send(int fd, const void *buffer, size_t n_bytes, int flags)
    ssize_t sendmsg(int fd, const msghdr *message, int flags)
    int sendmmsg(int fd, mmsghdr *messages, unsigned int count, int flags)

cdef extern from "<netinet/udp.h>" nogil:
    int SOL_UDP
    int UDP_SEGMENT

cdef extern from "<sys/epoll.h>" nogil:
    int EPOLL_CTL_ADD
    int EPOLL_CTL_MOD
    int EPOLL_CTL_DEL
    unsigned int EPOLLIN
    unsigned int EPOLLOUT
    unsigned int EPOLLHUP
    unsigned int EPOLLERR
    struct epoll_event:
        unsigned int events
        unsigned long long number "data.u64"
    int epoll_ctl(int epoll_fd, int operation, int fd, epoll_event *event)
    int epoll_wait(int epoll_fd, epoll_event *events, int count, int timeout_ms)
