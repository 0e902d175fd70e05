# Fields of execution.py. The core makes these objects with __new__ and sets the fields, past __init__.

cdef class Trade:
    cdef unsigned long long _maker_id
    cdef unsigned long long _taker_id
    cdef long long _price                # ticks
    cdef unsigned long long _quantity    # lots

    cdef tuple _values(self)


cdef class Execution:
    cdef unsigned long long _order_id
    cdef tuple _trades                   # of Trade
    cdef unsigned long long _resting     # lots
    cdef unsigned long long _cancelled   # lots
    cdef unsigned char _reason           # a Reason

    cdef tuple _values(self)
