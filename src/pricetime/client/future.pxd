# Fields and signatures of future.py, in its order.

from pricetime.core.layout cimport (
    AUCTION_TRADE, CANCELLED, EXPIRED, HIDDEN, REDUCED, REFRESHED, REPLACED, TRADE, TRIGGERED, WAITS, u8, u32, u64,
)


cdef enum:
    # State of a future
    PENDING = 0
    ANSWERED = 1
    FAILED = 2


cdef class CommandFuture:
    cdef u8 state                    # PENDING, ANSWERED or FAILED
    cdef u8 kind                     # ReportKind of the report that answers the command
    cdef u32 connection              # number of the connection that the command was sent over
    cdef u64 number                  # place among the commands of that connection, from 1
    cdef bytes command               # the command, for as long as it may have to be sent again; else None
    cdef object value                # the result or error, or the bytes that it is made of
    cdef object lock                 # of the client; None if result() must not wait
    cdef list callbacks              # None without one
    cdef object __weakref__

    cdef object taken(self)
    cdef int wait(self, object timeout) except -1
    cdef int complete(self, u8 state, object value) except -1


cdef class FinalFuture(CommandFuture):
    cdef bytes accepted              # the first report of the order
    cdef bytes last                  # its newest report
    cdef list fills                  # its TRADE and AUCTION_TRADE reports
    cdef u64 remaining               # lots
    cdef bint waits                  # for its trigger price, its auction, or until it can trade whole
    cdef FinalFuture leader          # the future that follows the same order and completes this one, None if it is this
    cdef list others                 # weak references to the futures that this one completes, None without one

    cdef int begin(self, bytes report, u64 quantity, bint waits) except -1
    cdef int read(self, u8 kind, u8 reason, u64 quantity, bytes report) except -1
    cdef int follow(self, FinalFuture leader) except -1
    cdef int end(self, u8 state, object value) except -1


cdef class OrderFuture(CommandFuture):
    cdef readonly FinalFuture final
